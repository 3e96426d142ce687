"""Pose estimation guided by text. Importing this package registers its modules in MMPose's registries."""

import sys

__version__ = '0.1.0'


def register() -> None:
    """Import MMPose, make it run on the installed versions, and register all modules. May be called again."""
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


# the command imports the package for its parsers, and calls register() when the arguments are right
if not getattr(sys.modules.get('clamp_mmpose_command'), 'parses_first', False):
    register()
