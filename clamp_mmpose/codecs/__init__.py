from .chat_tokens import ChatTokens
from .coordinate_answer import CoordinateAnswer, format_answer, parse_answer, parse_published
from .keypoint_heatmap import KeypointHeatmap

__all__ = ['ChatTokens', 'CoordinateAnswer', 'KeypointHeatmap', 'format_answer', 'parse_answer', 'parse_published']
