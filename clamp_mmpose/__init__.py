"""Pose estimation that reads: importing this package registers its modules in MMPose's registries."""

import sys
from pathlib import Path

__version__ = '0.1.0'
__all__ = ['__version__', 'codecs', 'datasets', 'evaluation', 'hooks', 'models']


def _prints_help() -> bool:
    """Whether this process is ``tools/NAME.py ... --help``, which needs no PyTorch: 1 s instead of 10."""
    package = Path(__file__).resolve().parent
    command = Path(sys.argv[0]).resolve()
    ours = any(tools in command.parents for tools in (package.parent / 'tools', package / '.mim' / 'tools'))
    return ours and sys.argv[-1] in ('-h', '--help')


if not _prints_help():
    from . import compat

    compat.install()

    from . import codecs, datasets, evaluation, models
    from .checkpoints.loaders import register_safe_loaders
    from .engine import hooks

    register_safe_loaders()
