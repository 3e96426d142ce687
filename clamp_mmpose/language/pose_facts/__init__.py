"""What keypoints say about poses, in facts and in plain sentences."""

from .fact import Fact
from .instance_facts import instance_facts, judge_pose

__all__ = ['Fact', 'instance_facts', 'judge_pose']
