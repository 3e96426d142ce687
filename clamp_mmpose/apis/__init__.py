from .inferencer import TextPoseInferencer

ClampInferencer = TextPoseInferencer

__all__ = ['ClampInferencer', 'TextPoseInferencer']
