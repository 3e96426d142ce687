"""What keypoints say about poses, in facts and in plain sentences."""

from .check_text import Consistency, check_text
from .fact import Fact
from .instance_facts import instance_facts, judge_pose
from .relations import Relation, relations
from .sentences import facts_text, image_sentences

__all__ = [
    'Consistency',
    'Fact',
    'Relation',
    'check_text',
    'facts_text',
    'image_sentences',
    'instance_facts',
    'judge_pose',
    'relations',
]
