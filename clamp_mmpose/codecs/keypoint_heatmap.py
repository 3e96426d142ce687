from typing import Optional

import numpy as np
from mmpose.codecs import MSRAHeatmap
from mmpose.registry import KEYPOINT_CODECS


@KEYPOINT_CODECS.register_module()
class KeypointHeatmap(MSRAHeatmap):
    """SimpleBaseline's heatmaps, and the keypoints themselves, where CLAMP's eq. 6 samples features.

    Arguments and decoding as in :class:`MSRAHeatmap`.
    """

    label_mapping_table = dict(MSRAHeatmap.label_mapping_table, keypoint_labels='keypoint_labels')

    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict:
        """Encode the keypoints of one instance.

        Args:
            keypoints: ``[1, K, 2]``, (x, y) in pixels of the network input.
            keypoints_visible: ``[1, K]``.

        Returns:
            dict: ``heatmaps [K, H, W]``, ``keypoint_weights [1, K]``, and ``keypoint_labels [1, K, 2]``, the keypoints
            as given.
        """
        encoded = super().encode(keypoints, keypoints_visible)
        return dict(encoded, keypoint_labels=keypoints.astype(np.float32))
