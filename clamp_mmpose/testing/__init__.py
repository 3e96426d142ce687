from .toy_animals import draw_toy_animals

__all__ = ['draw_toy_animals']
