from .humandata import HumanData
from .humans4d import Humans4D
from .pose_dataset import PoseDataset
from .pose_reader import PoseReader
from .pose_records import PoseRecords, write_pose_records
from .pose_sample import PoseSample
from .posescript import PoseScript
from .reasoned_poses import ReasonedPoses
from .speculative_poses import SpeculativePoses
from .spin import SPIN
from .threedpw import ThreeDPW

__all__ = [
    'SPIN',
    'HumanData',
    'Humans4D',
    'PoseDataset',
    'PoseReader',
    'PoseRecords',
    'PoseSample',
    'PoseScript',
    'ReasonedPoses',
    'SpeculativePoses',
    'ThreeDPW',
    'write_pose_records',
]
