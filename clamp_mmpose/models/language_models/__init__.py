from .causal_language_model import CausalLanguageModel
from .vision_language_model import VisionLanguageModel

__all__ = ['CausalLanguageModel', 'VisionLanguageModel']
