from typing import Any

import torch
from mmengine.structures import PixelData
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

from .generate_focus_heatmap import update_focus_heatmap


@TRANSFORMS.register_module()
class PackFocusInputs(PackPoseInputs):
    """:class:`PackPoseInputs` that also packs the ``focus_heatmap`` and the ``text`` of an image.

    The map becomes ``data_sample.gt_focus.heatmap``, ``[1, H, W]`` in pixels of the network input.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.meta_keys = (*self.meta_keys, 'text')

    def transform(self, results: dict) -> dict:
        """Pack one sample."""
        heatmap = update_focus_heatmap(results) if 'focus_heatmap' in results else None
        packed = super().transform(results)
        if heatmap is not None:
            packed['data_samples'].gt_focus = PixelData(heatmap=torch.from_numpy(heatmap)[None])
        return packed
