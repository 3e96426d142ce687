"""A small image tower: frozen pretrained weights, with LoRA on one of its layers."""

import torch
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmpose.registry import MODELS
from torch import nn

from clamp_mmpose.models.utils.lora import add_lora, load_base_weights

HEAD = dict(
    type='HeatmapHead',
    in_channels=32,
    out_channels=5,
    deconv_out_channels=(16, 16),
    deconv_kernel_sizes=(4, 4),
    loss=dict(type='KeypointMSELoss', use_target_weight=True),
    decoder=dict(type='KeypointHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1),
)


@MODELS.register_module()
class LoRATower(BaseModule):
    """``[B, 3, H, W]`` -> ``(map [B, 32, H / 16, W / 16],)``; rank 0: without LoRA."""

    def __init__(self, rank=2, dropout=0.1, init_cfg=None):
        super().__init__(init_cfg)
        self.patches = nn.Conv2d(3, 32, 16, 16)
        self.norm = nn.BatchNorm2d(32)  # of a frozen layer that is in training mode: its statistics change
        self.q_proj = nn.Linear(32, 32)
        self.out = nn.Linear(32, 32)
        self.loads = 0
        self.requires_grad_(False)
        if rank:
            add_lora(self, rank, dropout=dropout, targets=('q_proj',))

    def init_weights(self):
        address = self.init_cfg['checkpoint']
        weights = CheckpointLoader.load_checkpoint(address, map_location='cpu')
        load_base_weights(self, weights, address, 'this LoRATower')
        self.loads += 1
        self._is_init = True

    def forward(self, img):
        tokens = self.norm(self.patches(img)).permute(0, 2, 3, 1)
        return (self.out(tokens + torch.tanh(self.q_proj(tokens))).permute(0, 3, 1, 2),)


def write_base(path, seed=0):
    """The pretrained weights of a tower."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(LoRATower(rank=0).state_dict(), path)
    return path


def tower_config(base, **kwargs):
    return dict(type='LoRATower', init_cfg=dict(type='Pretrained', checkpoint=str(base)), **kwargs)
