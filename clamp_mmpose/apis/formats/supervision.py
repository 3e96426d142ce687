"""Predictions as key points of Roboflow's supervision."""

import inspect
from typing import Any

import numpy as np

from .extra import load_extra
from .predicted_frames import PredictedFrame, Skeleton


def to_key_points(frame: PredictedFrame, skeleton: Skeleton) -> Any:
    """The ``supervision.KeyPoints`` of an image.

    Their ``data`` has the box of each instance (``xyxy``, pixels of the original image), and its ``tracker_id`` if all
    are tracked. Scores of instances are the ``detection_confidence``, with supervision before 0.29 ``data['score']``.
    """
    key_points = load_extra('supervision').KeyPoints
    shape = len(frame.instances), len(skeleton.names)
    scores = np.array([one.scores for one in frame.instances], np.float32).reshape(shape)
    whole = np.array([one.score for one in frame.instances], np.float32)
    data = dict(xyxy=np.array([one.box for one in frame.instances], np.float32).reshape(-1, 4))
    tracks = [one.track for one in frame.instances]
    if tracks and None not in tracks:
        data['tracker_id'] = np.array(tracks)
    if 'keypoint_confidence' in inspect.signature(key_points).parameters:
        confidence = dict(keypoint_confidence=scores, detection_confidence=whole)
    else:
        confidence = dict(confidence=scores)
        data['score'] = whole
    points = np.array([one.keypoints for one in frame.instances], np.float32).reshape(*shape, 2)
    return key_points(xy=points, class_id=np.zeros(len(whole), int), data=data, **confidence)
