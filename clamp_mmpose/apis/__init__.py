from .inferencer import ClampInferencer

__all__ = ['ClampInferencer']
