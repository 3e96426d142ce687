from .body_pose_error import BodyPoseError
from .cape_pck import CapePCK
from .coco_or_pck import CocoOrPCK
from .confidence_auroc import ConfidenceAUROC
from .keypoint_text_error import KeypointTextError
from .pck_table import PCKTable
from .pose_retrieval import PoseRetrieval
from .reasoned_pose_error import ReasonedPoseError
from .zero_shot_accuracy import ZeroShotAccuracy

__all__ = [
    'BodyPoseError',
    'CapePCK',
    'CocoOrPCK',
    'ConfidenceAUROC',
    'KeypointTextError',
    'PCKTable',
    'PoseRetrieval',
    'ReasonedPoseError',
    'ZeroShotAccuracy',
]
