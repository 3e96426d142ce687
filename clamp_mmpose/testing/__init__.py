from .toy_animals import draw_toy_animals
from .toy_objects import write_toy_objects
from .toy_people import write_toy_people

__all__ = ['draw_toy_animals', 'write_toy_objects', 'write_toy_people']
