"""Results in the formats of other tools."""

from .predicted_frames import PredictedFrame, PredictedInstance, Skeleton
from .write import FORMATS, check_target, prediction_file, write_predictions

__all__ = [
    'FORMATS',
    'PredictedFrame',
    'PredictedInstance',
    'Skeleton',
    'check_target',
    'prediction_file',
    'write_predictions',
]
