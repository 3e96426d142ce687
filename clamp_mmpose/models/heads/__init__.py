from .cape_llm_head import CapeLLMHead
from .clamp_head import CLAMPHead
from .text_query_head import TextQueryHead

__all__ = ['CLAMPHead', 'CapeLLMHead', 'TextQueryHead']
