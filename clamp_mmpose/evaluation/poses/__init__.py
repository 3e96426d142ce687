from .errors import aligned, collapsed, mpjpe, pa_mpjpe
from .frechet import FrechetDistance, frechet_distance
from .retrieval import Retrieval, r_precision, retrieve

__all__ = [
    'FrechetDistance',
    'Retrieval',
    'aligned',
    'collapsed',
    'frechet_distance',
    'mpjpe',
    'pa_mpjpe',
    'r_precision',
    'retrieve',
]
