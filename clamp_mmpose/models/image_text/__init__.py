from .clip_towers import CLIPTowers
from .focus_clip import FocusCLIP
from .image_text_model import ImageTextModel
from .open_clip_model import OpenCLIPModel

__all__ = ['CLIPTowers', 'FocusCLIP', 'ImageTextModel', 'OpenCLIPModel']
