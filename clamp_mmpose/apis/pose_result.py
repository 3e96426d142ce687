"""What an inferencer found, for other tools."""

from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
from mmpose.structures import PoseDataSample

from .formats.coco import coco_results
from .formats.predicted_frames import PredictedFrame, PredictedInstance, Skeleton
from .formats.supervision import to_key_points


class PoseResult(dict):
    """The dict of MMPose's inferencers, ``predictions`` and ``visualization``, which converts itself.

    Attributes:
        frames: what was found in each image, in the order of ``predictions``;
            :func:`~clamp_mmpose.apis.formats.write_predictions` writes them.
        skeleton: of all instances.
    """

    def __init__(self, content: Mapping[str, Any], frames: Sequence[PredictedFrame], skeleton: Skeleton):
        super().__init__(content)
        self.frames, self.skeleton = list(frames), skeleton

    def to_supervision(self) -> List[Any]:
        """A ``supervision.KeyPoints`` for each image, for supervision's annotators and filters."""
        return [to_key_points(frame, self.skeleton) for frame in self.frames]

    def to_coco(self, image_ids: Optional[Sequence[int]] = None) -> List[Dict[str, Any]]:
        """COCO results of all instances, see :func:`~clamp_mmpose.apis.formats.coco.coco_results`."""
        return coco_results(self.frames, image_ids)


def named_skeleton(names: Sequence[str], fields: Mapping[str, Any]) -> Skeleton:
    """The skeleton of K names; links and left/right pairs are used if they are of as many keypoints.

    Args:
        fields: ``skeleton_links``, ``flip_indices`` and ``category``, as a data set's metainfo or ``vars`` of
            :class:`TextQueries` have them.
    """
    flips = [int(index) for index in fields.get('flip_indices') or ()]
    links = [(int(start), int(end)) for start, end in fields.get('skeleton_links') or ()]
    swaps = [(i, other) for i, other in enumerate(flips) if i < other] if len(flips) == len(names) else []
    if any(max(link) >= len(names) for link in links):
        links = []
    return Skeleton(tuple(names), tuple(links), tuple(swaps), fields.get('category') or 'animal')


def predicted_frame(sample: PoseDataSample, source: str, frame: Optional[int] = None) -> PredictedFrame:
    """What was found in an image.

    Args:
        sample: with predictions in pixels of the image, and its ``ori_shape``.
        source: path of the image or video.
        frame: index in the video; None: an image.
    """
    found: Any = sample.pred_instances
    height, width = sample.ori_shape[:2]
    instances = []
    for points, scores, box, certainty in zip(found.keypoints, found.keypoint_scores, found.bboxes, found.bbox_scores):
        scores = np.asarray(scores, float)
        left, top, right, bottom = map(float, np.asarray(box).reshape(-1)[:4])
        instances.append(
            PredictedInstance(
                np.asarray(points, float), scores, (left, top, right, bottom), float(certainty * scores.mean())
            )
        )
    return PredictedFrame(source, int(width), int(height), frame, instances)
