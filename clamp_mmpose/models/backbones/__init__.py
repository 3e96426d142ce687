from .clip_resnet import CLIPResNet
from .clip_vision_transformer import CLIPVisionTransformer
from .timm_backbone import TIMMBackbone

__all__ = ['CLIPResNet', 'CLIPVisionTransformer', 'TIMMBackbone']
