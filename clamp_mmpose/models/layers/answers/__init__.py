from .bins_answer import BinsAnswer
from .pointer_answer import PointerAnswer
from .text_answer import TextAnswer
from .token_answer import TokenAnswer

__all__ = ['BinsAnswer', 'PointerAnswer', 'TextAnswer', 'TokenAnswer']
