from .clamp_head import CLAMPHead
from .text_query_head import TextQueryHead

__all__ = ['CLAMPHead', 'TextQueryHead']
