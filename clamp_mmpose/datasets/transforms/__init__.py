from .get_text_queries import GetTextQueries
from .load_intact_image import LoadIntactImage
from .pack_text_queries import PackTextQueries

__all__ = ['GetTextQueries', 'LoadIntactImage', 'PackTextQueries']
