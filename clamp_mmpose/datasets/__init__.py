from .category_balanced_sampler import CategoryBalancedSampler
from .descriptions_dataset import DescriptionsDataset
from .mp100_dataset import MP100Dataset
from .mpii_descriptions_dataset import MPIIDescriptionsDataset
from .transforms import *  # noqa: F403
from .zero_shot import *  # noqa: F403

__all__ = ['CategoryBalancedSampler', 'DescriptionsDataset', 'MP100Dataset', 'MPIIDescriptionsDataset']
