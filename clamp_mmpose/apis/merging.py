from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from mmengine.structures import InstanceData, PixelData
from mmpose.evaluation.functional import nearby_joints_nms
from mmpose.structures import PoseDataSample, merge_data_samples

from clamp_mmpose.visualization.score_maps import revert_score_maps


class CropMerger:
    """Merges the samples of an image's crops into one, batch by batch, so that memory does not grow with their maps.

    Args:
        path: of the image.
        shape: (H, W) of the image.
        names: K names.
        score_maps: also merge them into ``pred_fields.score_maps [K, H, W]``, the maximum at each pixel.
    """

    def __init__(self, path: str, shape: Tuple[int, int], names: Sequence[str], score_maps: bool = False):
        self.path, self.shape, self.names, self.score_maps = path, shape, list(names), score_maps
        self.count = 0
        self._metainfo: Any = None
        self._parts: Dict[str, List[InstanceData]] = dict(gt_instances=[], pred_instances=[])
        self._maps: Dict[str, np.ndarray] = {}

    def add(self, samples: Sequence[PoseDataSample]) -> None:
        """Add the samples of some crops, in pixels of the image."""
        if self.score_maps:
            for sample in samples:
                self._add_maps('score_maps', revert_score_maps(sample, self.shape))
        merged: Any = merge_data_samples(list(samples))
        if 'pred_fields' in merged:
            self._add_maps('heatmaps', merged.pred_fields.heatmaps)
        if self._metainfo is None:
            self._metainfo = merged.metainfo
        for key, parts in self._parts.items():
            if key in merged:
                parts.append(merged.get(key))
        self.count += len(samples)

    def merge(self) -> PoseDataSample:
        """The merged sample, with ``keypoint_names``; without instances if no crop was added."""
        metainfo: dict = self._metainfo or dict(img_path=self.path, ori_shape=self.shape)
        merged = PoseDataSample(metainfo=metainfo)
        for key, parts in self._parts.items():
            if parts:
                setattr(merged, key, InstanceData.cat(parts))
        if not self._parts['pred_instances']:
            merged.pred_instances = _no_instances(len(self.names))
            if self.score_maps:
                self._maps['score_maps'] = np.zeros((len(self.names), *self.shape), np.float32)
        if self._maps:
            merged.pred_fields = PixelData()
            merged.pred_fields.set_data(self._maps)
        merged.set_metainfo(dict(keypoint_names=self.names))
        return merged

    def _add_maps(self, name: str, maps: np.ndarray) -> None:
        if name in self._maps:
            np.maximum(self._maps[name], maps, out=self._maps[name])
        else:
            self._maps[name] = np.array(maps)


def check_finite(sample: PoseDataSample, names: Sequence[str], path: str, instance: int) -> None:
    """Check the predictions of one crop.

    Args:
        instance: index among the instances of the image, for the error.

    Raises:
        ValueError: a coordinate or score is NaN or infinite; the message names the image and the keypoint.
    """
    for field in ('keypoints', 'keypoint_scores'):
        values = np.asarray(sample.pred_instances[field])
        broken = np.argwhere(~np.isfinite(values))
        if len(broken):
            keypoint = int(broken[0][1])  # [1, K, 2] or [1, K]
            name = names[keypoint] if keypoint < len(names) else str(keypoint)
            raise ValueError(
                f'{path}: the {field} of {name!r} of instance {instance} are {values[0, keypoint].tolist()}: a model '
                'that predicts NaN or infinity has diverged or damaged weights; use an earlier checkpoint.'
            )


def suppress_duplicates(sample: PoseDataSample) -> PoseDataSample:
    """Keep the best of instances whose keypoints nearly coincide, in place; the best comes first.

    What is near depends on the extent of an instance: those without one, as of a single keypoint, are kept, last.
    """
    instances = sample.pred_instances
    points, scores = instances.keypoints, instances.bbox_scores
    wide = np.ptp(points, axis=1).any(axis=1) if points.size else np.zeros(len(points), bool)
    poses = [dict(keypoints=points[i], score=scores[i]) for i in np.flatnonzero(wide)]
    limit = len(sample.keypoint_names) // 3
    kept = nearby_joints_nms(poses, num_nearby_joints_thr=limit, max_dets=0) if poses else []
    sample.pred_instances = instances[[*np.flatnonzero(wide)[kept], *np.flatnonzero(~wide)]]
    return sample


def _no_instances(num_keypoints: int) -> InstanceData:
    return InstanceData(
        keypoints=np.zeros((0, num_keypoints, 2)),
        keypoint_scores=np.zeros((0, num_keypoints)),
        keypoints_visible=np.zeros((0, num_keypoints)),
        bboxes=np.zeros((0, 4)),
        bbox_scores=np.zeros(0),
    )
