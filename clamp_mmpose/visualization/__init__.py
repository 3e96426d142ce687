from .bodies import draw_four_views
from .focus_heatmaps import focus_triptych
from .named_keypoints import draw_named_keypoints
from .score_maps import score_map_grid
from .similarity_matrix import draw_similarity_matrices
from .training_curves import draw_training_curves

__all__ = [
    'draw_four_views',
    'draw_named_keypoints',
    'draw_similarity_matrices',
    'draw_training_curves',
    'focus_triptych',
    'score_map_grid',
]
