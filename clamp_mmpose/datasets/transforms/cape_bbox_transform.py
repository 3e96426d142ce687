import random

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CapeBBoxTransform(BaseTransform):
    """CapeLLM's augmentation of the box: scale and rotation, as in the published code (Kim et al., ICCV 2025).

    The size of the box is multiplied by a normal factor of mean 1, clipped. Random numbers are drawn in the published
    order: the factor from NumPy, whether to rotate and the angle from Python.

    Args:
        scale_factor: the factor's standard deviation, and how far from 1 it is clipped.
        rotate_factor: the angle is uniform from -``rotate_factor`` to ``rotate_factor``, in degrees.
        rotate_prob: probability of a rotation.
    """

    def __init__(self, scale_factor: float = 0.3, rotate_factor: float = 40.0, rotate_prob: float = 0.5):
        self.scale_factor = scale_factor
        self.rotate_factor = rotate_factor
        self.rotate_prob = rotate_prob

    def transform(self, results: dict) -> dict:
        """Change ``bbox_scale`` and set ``bbox_rotation``, degrees, of an instance."""
        low, high = 1 - self.scale_factor, 1 + self.scale_factor
        factor = np.clip(1 + self.scale_factor * np.random.randn(), low, high)
        rotated = random.random() <= self.rotate_prob
        angle = random.uniform(-self.rotate_factor, self.rotate_factor) if rotated else 0.0
        results['bbox_scale'] = (results['bbox_scale'] * factor).astype(np.float32)
        results['bbox_rotation'] = np.full(len(results['bbox_scale']), angle, np.float32)
        return results
