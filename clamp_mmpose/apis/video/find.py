"""Finds the instances in frames of a video."""

from typing import Dict, List, Optional, Sequence

import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance
from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.apis.two_pass import keypoints_box

from .track import iou

STRIDE = 0.25  # seconds between frames that are searched as a whole; the others start at the box of the nearest
SETTLED = 0.7  # IoU of the box that was seen and that of its keypoints; below, some may be outside the crop
PASSES = 2  # corrections of a box that is not settled
LOST = 0.5  # of the batch's median score: the whole frame is searched again


class FrameFinder:
    """Finds instances in batches of frames; a batch does not depend on those before it.

    The only animal of a model with ``det_model='two_pass'`` is searched for in the whole frame four times a second.
    In the frames between, its box is that of the nearest of them, moved to the keypoints it shows; frames in which it
    is lost are searched as a whole too.

    Args:
        inferencer: of the model.
        path: of the video, for the results.
        rate: frames per second of those that are given.
        box: (x1, y1, x2, y2) of the only instance in every frame, in pixels.
    """

    def __init__(
        self,
        inferencer: TextPoseInferencer,
        path: str,
        rate: float,
        box: Optional[Sequence[float]] = None,
    ):
        self.inferencer, self.path, self.box = inferencer, path, box
        self.stride = max(1, round(STRIDE * rate))

    def __call__(self, indices: Sequence[int], images: Sequence[np.ndarray]) -> List[PredictedFrame]:
        """Frames without tracks; ``indices`` are those in the video, ``images`` are ``[H, W, 3]`` BGR."""
        if self.box is not None:
            found = self._predict(images, [[self.box]] * len(images))
        elif self.inferencer.two_pass:
            found = [[instance] for instance in self._follow(images)]
        else:
            found = self._predict(images)
        return [
            PredictedFrame(self.path, image.shape[1], image.shape[0], index, instances)
            for index, image, instances in zip(indices, images, found)
        ]

    def _follow(self, images: Sequence[np.ndarray]) -> List[PredictedInstance]:
        anchors = sorted({*range(0, len(images), self.stride), len(images) - 1})
        found: Dict[int, PredictedInstance] = {}
        self._search(found, images, anchors)
        start = {i: min(anchors, key=lambda anchor: abs(anchor - i)) for i in range(len(images))}
        boxes = {i: _box(found[start[i]], images[i]) for i in range(len(images)) if i not in found}
        for _ in range(1 + PASSES):
            if not boxes:
                break
            parts = self._predict([images[i] for i in boxes], [[box] for box in boxes.values()])
            found.update({i: part[0] for i, part in zip(boxes, parts)})
            moved = {i: _box(found[i], images[i]) for i in boxes}
            boxes = {i: box for i, box in moved.items() if iou(box, boxes[i]) < SETTLED}
        usual = np.median([instance.score for instance in found.values()])
        lost = [i for i in found if i not in anchors and found[i].score < LOST * usual]
        self._search(found, images, lost)
        return [found[i] for i in range(len(images))]

    def _search(self, found: Dict[int, PredictedInstance], images: Sequence[np.ndarray], chosen: List[int]) -> None:
        """Search whole frames; what has a better score is kept."""
        for i, part in zip(chosen, self._predict([images[i] for i in chosen]) if chosen else []):
            if i not in found or part[0].score > found[i].score:
                found[i] = part[0]

    def _predict(
        self, images: Sequence[np.ndarray], boxes: Optional[List[list]] = None
    ) -> List[List[PredictedInstance]]:
        several = boxes is None and not self.inferencer.finds_one
        results = self.inferencer(list(images), batch_size=len(images), bboxes=boxes, pose_based_nms=several)
        return [[_instance(found) for found in instances] for result in results for instances in result['predictions']]


def _instance(found: dict) -> PredictedInstance:
    scores = np.asarray(found['keypoint_scores'], float)
    x1, y1, x2, y2 = map(float, np.reshape(found['bbox'], -1)[:4])
    score = float(np.mean(found['bbox_score']) * scores.mean())
    return PredictedInstance(np.asarray(found['keypoints'], float), scores, (x1, y1, x2, y2), score)


def _box(instance: PredictedInstance, image: np.ndarray) -> List[float]:
    return keypoints_box(instance.keypoints, instance.scores, image.shape[:2], instance.box)[0, :4].tolist()
