from .feature_contrastive_loss import FeatureContrastiveLoss
from .nt_xent_loss import NTXentLoss
from .spatial_contrastive_loss import SpatialContrastiveLoss

__all__ = ['FeatureContrastiveLoss', 'NTXentLoss', 'SpatialContrastiveLoss']
