"""Print what a bug report needs: versions, devices, and what clamp_mmpose replaces in other packages."""

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Dict, Optional, Sequence

from clamp_mmpose import __version__

from .command import build_parser, one_line, run_command

PACKAGES = {
    'torch': 'torch',
    'torchvision': 'torchvision',
    'numpy': 'numpy',
    'mmengine': 'mmengine',
    'mmpose': 'mmpose',
    'mmdet': 'mmdet',
    'timm': 'timm',
    'open_clip': 'open_clip_torch',
    'transformers': 'transformers',
    'gradio': 'gradio',
    'onnxruntime': 'onnxruntime',
}


def make_parser() -> argparse.ArgumentParser:
    return build_parser(__doc__, 'env')


def installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return 'not installed'


def mmcv() -> str:
    """The version of mmcv, and whether it has compiled operators."""
    compiled = find_spec('mmcv') is not None and find_spec('mmcv._ext') is not None
    return f'{installed("mmcv")} (compiled)' if compiled else f'{installed("mmcv-lite")} (mmcv-lite)'


def devices() -> str:
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ', '.join([*gpus, f'CPU with {torch.get_num_threads()} threads'])


def replaced() -> str:
    """What ``clamp_mmpose.compat`` adds or changes in other packages."""
    parts = []
    if find_spec('mmcv._ext') is None:
        parts.append('mmcv._ext (only the operator nms works)')
    if find_spec('mmdet') is None:
        parts.append('two functions of mmdet.utils')
    from clamp_mmpose import compat

    compat.install()
    from mmpose.visualization.opencv_backend_visualizer import OpencvBackendVisualizer

    if OpencvBackendVisualizer.draw_circles.__module__ == compat.__name__:
        parts.append("draw_circles of MMPose's visualizer")
    return ', '.join(parts) or 'nothing'


def report() -> Dict[str, str]:
    """Rows of the report; a package that cannot be imported has the error in its row."""
    rows = {'python': f'{platform.python_version()} on {platform.platform()}', 'clamp_mmpose': __version__}
    rows.update({name: installed(distribution) for name, distribution in PACKAGES.items()})
    for name, describe in dict(mmcv=mmcv, devices=devices, compat=replaced).items():
        try:
            rows[name] = describe()
        except Exception as error:
            rows[name] = one_line(error)
    return rows


def run(args: argparse.Namespace) -> None:
    for name, value in report().items():
        print(f'{name + ":":<13} {value}')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
