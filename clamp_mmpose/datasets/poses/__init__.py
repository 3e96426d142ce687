from .pose_dataset import PoseDataset
from .pose_reader import PoseReader
from .pose_records import PoseRecords, write_pose_records
from .pose_sample import PoseSample
from .reasoned_poses import ReasonedPoses
from .speculative_poses import SpeculativePoses

__all__ = [
    'PoseDataset',
    'PoseReader',
    'PoseRecords',
    'PoseSample',
    'ReasonedPoses',
    'SpeculativePoses',
    'write_pose_records',
]
