"""Exports a trained CLAMP without its text tower: the encoded prompts are stored instead."""

import copy
import json
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmpose.models.builder import build_pose_estimator
from torch import Tensor, nn

from clamp_mmpose.checkpoints.writer import write_checkpoint
from clamp_mmpose.models.heads import CLAMPHead
from clamp_mmpose.utils.files import check_writable

from .onnx_file import run_onnx, write_onnx
from .trained_model import load_trained_model

TOLERANCE = 1e-4  # of the largest heatmap value


class ExportReport(NamedTuple):
    """What :func:`export_clamp` wrote.

    ``parameters`` are the numbers before and after; ``differences`` are those between ONNX and PyTorch by batch size,
    as fractions of the largest heatmap value.
    """

    config: Path
    checkpoint: Path
    onnx: Path
    parameters: Tuple[int, int]
    differences: Dict[int, float]


def export_clamp(
    config: str,
    checkpoint: str,
    out_dir: str,
    batch_sizes: Sequence[int] = (1, 2, 5),
    options: Optional[dict] = None,
) -> ExportReport:
    """Write ``config.py``, ``checkpoint.pth`` and ``model.onnx`` of a model without text tower.

    The ONNX model maps ``image [B, 3, H, W]``, normalized as its metadata says, to ``heatmaps [B, K, H / 4, W / 4]``;
    B is free, H and W are those of the config. It has no flip test.

    Args:
        config, checkpoint: a trained model with a :class:`CLAMPHead`.
        out_dir: folder to write to.
        batch_sizes: for which ONNX is compared with PyTorch.
        options: settings that replace those of the config, as ``--cfg-options`` does.

    Raises:
        ValueError: another head, a checkpoint of another model, or an ONNX model whose heatmaps differ.
    """
    if not all(size >= 1 for size in batch_sizes):
        raise ValueError(f'batch_sizes={list(batch_sizes)}, expected at least 1 image each.')
    out = Path(out_dir)
    check_writable(out / 'model.onnx')
    cfg, model, content = load_trained_model(config, checkpoint, CLAMPHead, options)
    cfg.model.backbone.pop('init_cfg', None)
    baked_cfg, baked = bake(cfg, model)

    baked_cfg.dump(str(out / 'config.py'))
    meta = {key: value for key, value in content.get('meta', {}).items() if key == 'dataset_meta'}
    write_checkpoint(dict(state_dict=baked.state_dict(), meta=meta), out / 'checkpoint.pth')
    image = torch.rand(2, 3, *baked_cfg.model.head.decoder.input_size[::-1], generator=torch.Generator().manual_seed(0))
    free = dict(image={0: 'batch'}, heatmaps={0: 'batch'})
    properties = metadata(baked_cfg, baked_cfg.model.head.names)
    write_onnx(Heatmaps(baked), dict(image=image), ['heatmaps'], free, out / 'model.onnx', properties)
    differences = {
        size: compare_onnx(
            baked,
            out / 'model.onnx',
            image[:1].repeat(size, 1, 1, 1) * torch.linspace(0.5, 1.5, size).reshape(-1, 1, 1, 1),
        )
        for size in batch_sizes
    }
    if not all(difference <= TOLERANCE for difference in differences.values()):  # not `>`: NaN must fail too
        raise ValueError(
            f"the heatmaps of {out / 'model.onnx'} differ from PyTorch's by {differences} of the largest "
            f'value (allowed: {TOLERANCE}).'
        )
    sizes = _size(model), _size(baked)
    return ExportReport(out / 'config.py', out / 'checkpoint.pth', out / 'model.onnx', sizes, differences)


def _size(model: nn.Module) -> int:
    return sum(value.numel() for value in model.state_dict().values())


@torch.no_grad()
def bake(cfg: Config, model: nn.Module) -> Tuple[Config, nn.Module]:
    """Config and model with the encoded prompts, without what only text or training needs."""
    cfg = copy.deepcopy(cfg)
    head = cfg.model.head
    head.update(
        prompts='baked',
        embed_dims=model.head.embed_dims,
        names=model.head.names,
        spatial_loss=None,
        feature_loss=None,
    )
    for part in ('text_encoder', 'prompt_learner', 'prompt_encoder'):
        head.pop(part, None)
    if model.head.cross_attention is None:
        head.cross_attention = None
    baked = build_pose_estimator(copy.deepcopy(cfg.model)).eval()
    weights = {name: value for name, value in model.state_dict().items() if name in baked.state_dict()}
    weights['head.baked_prompts'] = model.head.encode_prompts()
    baked.load_state_dict(weights)
    return cfg, baked


class Heatmaps(nn.Module):
    """A pose estimator as a plain function from image to heatmaps."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model(image, None, mode='tensor')


def metadata(cfg: Config, names: Sequence[str]) -> Dict[str, str]:
    """What a user of the ONNX file needs, as JSON values."""
    preprocessor = cfg.model.data_preprocessor
    return dict(
        keypoint_names=json.dumps(list(names)),
        input_size_wh=json.dumps(list(cfg.model.head.decoder.input_size)),
        rgb_mean=json.dumps(list(preprocessor.mean)),
        rgb_std=json.dumps(list(preprocessor.std)),
    )


@torch.no_grad()
def compare_onnx(model: nn.Module, path: Path, image: Tensor) -> float:
    """The maximum difference between ONNX and PyTorch, as a fraction of the maximum heatmap value."""
    (got,) = run_onnx(path, dict(image=image))
    expected = model(image, None, mode='tensor').numpy()
    return float(np.abs(got - expected).max() / np.abs(expected).max())
