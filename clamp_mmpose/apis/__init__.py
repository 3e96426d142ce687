from .chat import ImageChat
from .inferencer import TextPoseInferencer
from .pose_chat import PoseChat
from .pose_reply import PoseReply

ClampInferencer = TextPoseInferencer

__all__ = ['ClampInferencer', 'ImageChat', 'PoseChat', 'PoseReply', 'TextPoseInferencer']
