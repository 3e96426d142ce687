from .page import build_app, launch
from .search import read_names

__all__ = ['build_app', 'launch', 'read_names']
