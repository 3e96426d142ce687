"""What keypoints say about poses, in facts and in plain sentences."""

from .activities import activity_sentences
from .body_facts import body_facts
from .body_sentences import body_sentences
from .check_text import Consistency, check_text
from .fact import Fact
from .instance_facts import instance_facts, judge_pose
from .relations import Relation, relations
from .sentences import facts_text, image_sentences

__all__ = [
    'Consistency',
    'Fact',
    'Relation',
    'activity_sentences',
    'body_facts',
    'body_sentences',
    'check_text',
    'facts_text',
    'image_sentences',
    'instance_facts',
    'judge_pose',
    'relations',
]
