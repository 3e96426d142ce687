from .clamp_inferencer import ClampInferencer

__all__ = ['ClampInferencer']
