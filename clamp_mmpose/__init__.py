"""Pose estimation that reads: importing this package registers its modules in MMPose's registries."""

from . import compat

compat.install()

from . import codecs, datasets, evaluation, models  # noqa: E402
from .checkpoints.loaders import register_safe_loaders  # noqa: E402
from .engine import hooks  # noqa: E402

register_safe_loaders()

__version__ = '0.1.0'
__all__ = ['__version__', 'codecs', 'datasets', 'evaluation', 'hooks', 'models']
