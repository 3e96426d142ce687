"""Pose estimation guided by text. Importing this package registers its modules in MMPose's registries."""

import sys
from pathlib import Path

__version__ = '0.1.0'
__all__ = ['__version__', 'codecs', 'datasets', 'evaluation', 'hooks', 'models']


def _needs_no_models() -> bool:
    """Whether this process runs ``tools/NAME.py ... --help``, which then takes 1 s instead of 10, or ``tools/env.py``,
    which reports why an import fails."""
    package = Path(__file__).resolve().parent
    command = Path(sys.argv[0]).resolve()
    ours = any(tools in command.parents for tools in (package.parent / 'tools', package / '.mim' / 'tools'))
    return ours and (sys.argv[-1] in ('-h', '--help') or command.name == 'env.py')


if not _needs_no_models():
    from . import compat

    compat.install()

    from . import codecs, datasets, evaluation, models
    from .checkpoints.loaders import register_safe_loaders
    from .engine import hooks, optim_wrapper_constructor  # noqa: F401

    register_safe_loaders()
