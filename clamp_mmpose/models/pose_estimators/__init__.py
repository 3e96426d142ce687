from .chat_pose import ChatPose
from .pose_answer import PoseAnswer

__all__ = ['ChatPose', 'PoseAnswer']
