from typing import Any

from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

# beside flip_indices, which the base class packs
KEYS = ('keypoint_names', 'keypoint_descriptions', 'skeleton_links', 'hidden_is_absent')


@TRANSFORMS.register_module()
class PackTextQueries(PackPoseInputs):
    """:class:`PackPoseInputs` that also packs the ``text_queries`` of :class:`GetTextQueries`; arguments as there.

    The data sample gets ``keypoint_names``, ``keypoint_descriptions`` (None: names alone), ``skeleton_links`` and
    ``flip_indices``.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.meta_keys = (*self.meta_keys, *KEYS)

    def transform(self, results: dict) -> dict:
        """Pack one sample."""
        # only now: MMPose's CombinedDataset overwrites an instance's flip_indices with those of its own metainfo
        if 'text_queries' in results:
            results.update(vars(results['text_queries']))
        return super().transform(results)
