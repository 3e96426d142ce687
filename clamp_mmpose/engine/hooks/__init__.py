from .checkpoint_fit_hook import CheckpointFitHook
from .dataset_fit_hook import DatasetFitHook
from .epoch_seed_hook import EpochSeedHook

__all__ = ['CheckpointFitHook', 'DatasetFitHook', 'EpochSeedHook']
