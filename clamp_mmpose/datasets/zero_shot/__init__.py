from .cub import CUBDataset
from .emotic import EmoticDataset
from .fer_plus import FERPlusDataset
from .lagenda import LagendaDataset
from .stanford40 import Stanford40Dataset
from .utkface import UTKFaceDataset
from .zero_shot_dataset import ZeroShotDataset
from .zero_shot_tasks import ZeroShotTasks

__all__ = [
    'CUBDataset',
    'EmoticDataset',
    'FERPlusDataset',
    'LagendaDataset',
    'Stanford40Dataset',
    'UTKFaceDataset',
    'ZeroShotDataset',
    'ZeroShotTasks',
]
