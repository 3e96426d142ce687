from .pose_dataset import PoseDataset
from .pose_reader import PoseReader
from .pose_records import PoseRecords, write_pose_records
from .pose_sample import PoseSample

__all__ = ['PoseDataset', 'PoseReader', 'PoseRecords', 'PoseSample', 'write_pose_records']
