from .feature_contrastive_loss import FeatureContrastiveLoss
from .spatial_contrastive_loss import SpatialContrastiveLoss

__all__ = ['FeatureContrastiveLoss', 'SpatialContrastiveLoss']
