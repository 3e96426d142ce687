from typing import Any

from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

KEYS = ('task', 'top_k', 'average', 'class_names', 'class_texts', 'labels', 'fault')


@TRANSFORMS.register_module()
class PackZeroShotInputs(PackPoseInputs):
    """:class:`PackPoseInputs` that also packs the fields of a :class:`ZeroShotDataset`; same arguments."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.meta_keys = (*self.meta_keys, *KEYS)
