from typing import Any

from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS

# the base class packs flip_indices
KEYS = (
    'keypoint_names',
    'keypoint_descriptions',
    'skeleton_links',
    'category',
    'hidden_is_absent',
    'rounds',
    'redraws',
)


@TRANSFORMS.register_module()
class PackTextQueries(PackPoseInputs):
    """:class:`PackPoseInputs` that also packs the ``text_queries`` of :class:`GetTextQueries`; same arguments.

    The data sample gets ``keypoint_names``, ``keypoint_descriptions`` (None: names only), ``skeleton_links``,
    ``flip_indices`` and ``category``; also ``rounds`` and ``redraws`` (:class:`KeypointRounds`) if they are given.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.meta_keys = (*self.meta_keys, *KEYS)

    def transform(self, results: dict) -> dict:
        """Pack one sample."""
        # not earlier: MMPose's CombinedDataset overwrites the flip_indices of instances with those of its metainfo
        if 'text_queries' in results:
            results.update(vars(results['text_queries']))
        return super().transform(results)
