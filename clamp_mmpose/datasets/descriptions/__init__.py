from .descriptions_dataset import DescriptionsDataset
from .mpii_descriptions_dataset import MPIIDescriptionsDataset

__all__ = ['DescriptionsDataset', 'MPIIDescriptionsDataset']
