"""Results in the formats of other tools."""

from .predicted_frames import PredictedFrame, PredictedInstance, Skeleton

__all__ = ['PredictedFrame', 'PredictedInstance', 'Skeleton']
