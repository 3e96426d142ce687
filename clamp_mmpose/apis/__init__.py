from .chat import ImageChat
from .inferencer import TextPoseInferencer

ClampInferencer = TextPoseInferencer

__all__ = ['ClampInferencer', 'ImageChat', 'TextPoseInferencer']
