from .clip_resnet import CLIPResNet
from .clip_vision_transformer import CLIPVisionTransformer
from .timm_backbone import TIMMBackbone
from .transformers_backbone import TransformersBackbone

__all__ = ['CLIPResNet', 'CLIPVisionTransformer', 'TIMMBackbone', 'TransformersBackbone']
