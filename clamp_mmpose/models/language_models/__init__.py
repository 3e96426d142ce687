from .causal_language_model import CausalLanguageModel

__all__ = ['CausalLanguageModel']
