from .score_maps import score_map_grid

__all__ = ['score_map_grid']
