"""What keypoints say about poses, in facts and in plain sentences."""

from .fact import Fact
from .instance_facts import instance_facts, judge_pose
from .relations import Relation, relations
from .sentences import facts_text, image_sentences

__all__ = ['Fact', 'Relation', 'facts_text', 'image_sentences', 'instance_facts', 'judge_pose', 'relations']
