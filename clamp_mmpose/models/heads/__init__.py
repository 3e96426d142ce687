from .cape_llm_head import CapeLLMHead
from .clamp_head import CLAMPHead
from .pose_token_head import PoseTokenHead
from .text_query_head import TextQueryHead

__all__ = ['CLAMPHead', 'CapeLLMHead', 'PoseTokenHead', 'TextQueryHead']
