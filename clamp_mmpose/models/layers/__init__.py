from .prompt_cross_attention import PromptCrossAttention
from .prompt_encoder import PromptEncoder
from .prompt_learner import PromptLearner

__all__ = ['PromptCrossAttention', 'PromptEncoder', 'PromptLearner']
