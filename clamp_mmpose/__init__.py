"""Pose estimation guided by text. Importing this package registers its modules in MMPose's registries."""

import sys
from pathlib import Path

__version__ = '0.1.0'


# the first computes for less time than importing MMPose takes; the second reports why an import fails
WITHOUT_MMPOSE = ('score_mp100.py', 'env.py')


def _needs_no_models() -> bool:
    """Whether this process runs ``tools/NAME.py --help`` or a command that works without MMPose: it starts at once."""
    package = Path(__file__).resolve().parent
    command = Path(sys.argv[0]).resolve()
    ours = any(tools in command.parents for tools in (package.parent / 'tools', package / '.mim' / 'tools'))
    return ours and (sys.argv[-1] in ('-h', '--help') or command.name in WITHOUT_MMPOSE)


if not _needs_no_models():
    from . import compat

    compat.install()

    from . import codecs, models  # noqa: F401
    from .checkpoints.loaders import register_safe_loaders
    from .datasets import (  # noqa: F401
        descriptions,
        instructions,
        keypoint_rounds,
        mixture_sampler,
        poses,
        transforms,
        zero_shot,
    )
    from .datasets.mp100 import category_balanced_sampler, mp100_dataset  # noqa: F401
    from .engine import hooks, optim_wrapper_constructor, sharding  # noqa: F401
    from .evaluation import metrics  # noqa: F401
    from .utils.mmengine_files import register_safe_readers

    register_safe_loaders()
    register_safe_readers()
