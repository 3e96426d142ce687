from typing import Sequence, Tuple

import numpy as np
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample, merge_data_samples

from clamp_mmpose.visualization.score_maps import revert_score_maps


def merge_crops(
    samples: Sequence[PoseDataSample], path: str, shape: Tuple[int, int], names: Sequence[str], score_maps: bool = False
) -> PoseDataSample:
    """Merge the samples of an image's crops into one, with ``keypoint_names``.

    Args:
        samples: of the crops, in pixels of the image; empty for an image without instances.
        path: of the image.
        shape: (H, W) of the image.
        names: K names.
        score_maps: also merge them into ``pred_fields.score_maps [K, H, W]``, the maximum at each pixel.
    """
    if samples:
        merged = merge_data_samples(list(samples))
    else:
        merged = PoseDataSample(metainfo=dict(img_path=path, ori_shape=shape))
        merged.pred_instances = InstanceData(
            keypoints=np.zeros((0, len(names), 2)),
            keypoint_scores=np.zeros((0, len(names))),
            keypoints_visible=np.zeros((0, len(names))),
            bboxes=np.zeros((0, 4)),
            bbox_scores=np.zeros(0),
        )
    merged.set_metainfo(dict(keypoint_names=list(names)))
    if score_maps:
        maps = [revert_score_maps(sample, shape) for sample in samples] or [np.zeros((len(names), *shape), np.float32)]
        fields = merged.get('pred_fields', PixelData())
        fields.set_data(dict(score_maps=np.max(maps, axis=0)))
        merged.pred_fields = fields
    return merged
