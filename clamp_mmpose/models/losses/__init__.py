from .feature_contrastive_loss import FeatureContrastiveLoss
from .nt_xent_loss import NTXentLoss
from .pose_rotation_loss import PoseRotationLoss
from .spatial_contrastive_loss import SpatialContrastiveLoss

__all__ = ['FeatureContrastiveLoss', 'NTXentLoss', 'PoseRotationLoss', 'SpatialContrastiveLoss']
