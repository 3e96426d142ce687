from .category_balanced_sampler import CategoryBalancedSampler
from .mp100_dataset import MP100Dataset

__all__ = ['CategoryBalancedSampler', 'MP100Dataset']
