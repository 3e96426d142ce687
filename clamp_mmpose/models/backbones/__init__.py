from .clip_resnet import CLIPResNet
from .clip_vision_transformer import CLIPVisionTransformer

__all__ = ['CLIPResNet', 'CLIPVisionTransformer']
