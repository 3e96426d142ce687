from .load_intact_image import LoadIntactImage

__all__ = ['LoadIntactImage']
