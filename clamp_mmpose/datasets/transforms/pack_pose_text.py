import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from clamp_mmpose.utils.choices import check_choice


@TRANSFORMS.register_module()
class PackPoseText(BaseTransform):
    """A pose and a description of it, for :class:`PoseTextRetrieval`.

    Required keys: ``record_id``, ``poses`` ``[1, 24, 3, 3]``, ``pose_masks`` ``[1, 24]`` and ``texts``. The result has
    ``inputs``, the pose and its mask without their first dimension, and ``data_samples`` with ``record_id`` and
    ``text``.

    Args:
        text: of several, ``'random'`` (NumPy's random state) or ``'first'``.
    """

    def __init__(self, text: str = 'random'):
        check_choice('PackPoseText: text', text, ('random', 'first'))
        self.text = text

    def transform(self, results: dict) -> dict:
        texts = results['texts']
        chosen = texts[np.random.randint(len(texts)) if self.text == 'random' else 0]
        inputs = dict(
            poses=torch.as_tensor(results['poses'][0], dtype=torch.float32),
            pose_masks=torch.as_tensor(results['pose_masks'][0], dtype=torch.bool),
        )
        return dict(inputs=inputs, data_samples=dict(record_id=results['record_id'], text=chosen))
