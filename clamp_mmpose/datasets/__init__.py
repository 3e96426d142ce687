from .category_balanced_sampler import CategoryBalancedSampler
from .mp100_dataset import MP100Dataset
from .transforms import *  # noqa: F403

__all__ = ['CategoryBalancedSampler', 'MP100Dataset']
