"""Makes MMPose 1.3.2 import, load and resume with current PyTorch and NumPy, with or without compiled mmcv.

A compiled mmcv and an installed mmdet are used unchanged.
"""

import getpass
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import warnings
from types import ModuleType

import numpy as np
from torch import Tensor

FULL_MMCV_HINT = (
    'install the compiled mmcv ("make setup-full", or '
    'https://mmcv.readthedocs.io/en/latest/get_started/installation.html)'
)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """``mmcv._ext.nms`` with torchvision: indices of the boxes that remain, by decreasing score.

    Args:
        boxes: ``[N, 4]``, (x1, y1, x2, y2).
        scores: ``[N]``.
        iou_threshold: a box that overlaps a better one by more is removed.
        offset: 0 or 1; 1 counts both border pixels, so the width of a box is x2 - x1 + 1.
    """
    from torchvision.ops import nms as torchvision_nms

    return torchvision_nms(boxes + boxes.new_tensor([0, 0, offset, offset]), scores, iou_threshold)


class _MissingOps(ModuleType):
    """Replaces ``mmcv._ext``: operators can be imported; calling one raises an error that says how to install it."""

    def __getattr__(self, name: str):
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise NotImplementedError(
                f'mmcv.ops: "{name}" is a compiled operator and this mmcv ({sys.modules["mmcv"].__version__}) '
                f'was installed without compiled operators (mmcv-lite): {FULL_MMCV_HINT}.'
            )

        return missing


def _make_module(name: str, module_type: type = ModuleType, **members) -> ModuleType:
    module = module_type(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)
    for key, value in members.items():
        setattr(module, key, value)
    return module


def _provide_home() -> None:
    """Set ``HOME`` and ``USER`` where a user has no account, as in some containers: MMEngine's imports read them."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        os.environ['USER'] = f'user{os.getuid()}'
    if os.path.expanduser('~') == '~':
        os.environ['HOME'] = tempfile.mkdtemp(prefix='clamp_mmpose_home_')
        warnings.warn(
            f'this user has no home directory: caches go to {os.environ["HOME"]}; set HOME to keep them.', stacklevel=2
        )


def _provide_mmcv_ops() -> None:
    """Add an ``_ext`` module to mmcv-lite. A compiled one that fails to load still raises its own error."""
    if importlib.util.find_spec('mmcv._ext') is None:
        sys.modules['mmcv._ext'] = _make_module('mmcv._ext', _MissingOps, nms=nms)


def _import_mmpose_without_mmdet() -> None:
    """Import MMPose's heads with the two names RTMOHead needs from ``mmdet.utils``, then remove the fake mmdet."""
    from mmengine.dist import all_reduce
    from mmpose.utils.typing import ConfigType

    def reduce_mean(tensor: Tensor) -> Tensor:
        averaged = tensor.clone()
        all_reduce(averaged, op='mean')
        return averaged

    utils = _make_module('mmdet.utils', ConfigType=ConfigType, reduce_mean=reduce_mean)
    sys.modules['mmdet'] = _make_module('mmdet', utils=utils)
    sys.modules['mmdet.utils'] = utils
    try:
        importlib.import_module('mmpose.models.heads')
    finally:
        del sys.modules['mmdet'], sys.modules['mmdet.utils']


def _fix_draw_circles() -> None:
    """MMPose passes OpenCV the radius as an array of one element, which NumPy no longer converts to a number."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            int(np.ones(1))
    except TypeError:
        from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

        original = OpencvBackendVisualizer.draw_circles

        def draw_circles(self, center, radius, *args, **kwargs):
            original(self, center, np.asarray(radius).item() if self.backend == 'opencv' else radius, *args, **kwargs)

        OpencvBackendVisualizer.draw_circles = draw_circles


def install() -> None:
    """Apply all of the above; called by ``import clamp_mmpose``.

    Raises:
        ImportError: MMEngine, mmcv or MMPose is not installed.
    """
    missing = [name for name in ('mmengine', 'mmcv', 'mmpose') if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f'clamp_mmpose is a plugin for MMPose and did not find {", ".join(missing)}. On a fresh machine run '
            '"make setup"; elsewhere "pip install mmengine==0.10.7 mmcv-lite==2.1.0" (or the compiled mmcv) and '
            '"pip install --no-deps mmpose==1.3.2".'
        )
    _provide_home()
    # MMEngine reloads pkg_resources for each config with a "mmpose::" base
    warnings.filterwarnings('ignore', 'pkg_resources is deprecated')
    _provide_mmcv_ops()
    if importlib.util.find_spec('mmdet') is None:
        _import_mmpose_without_mmdet()
    _fix_draw_circles()
