"""Smooths the tracks of a video."""

from typing import Dict, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance

REACH = 3  # standard deviations; frames farther away have no weight


def smooth_tracks(frames: Sequence[PredictedFrame], deviation: float) -> None:
    """Replace the keypoints of each track by a mean over time, in place; scores and boxes stay.

    The weights are a Gaussian of the distance in frames, times the score of the keypoint, so that a jump with a low
    score has little influence.

    Args:
        frames: of one video, with tracks, in order.
        deviation: standard deviation of the Gaussian, in frames of the video.
    """
    tracks: Dict[int, List[Tuple[int, PredictedInstance]]] = {}
    for frame in frames:
        for instance in frame.instances:
            if frame.frame is not None and instance.track is not None:
                tracks.setdefault(instance.track, []).append((frame.frame, instance))
    for seen in tracks.values():
        times = np.array([time for time, _ in seen], float)
        points = np.array([instance.keypoints for _, instance in seen])  # [T, K, 2]
        scores = np.array([instance.scores for _, instance in seen])[..., None]
        scores = np.where(np.isfinite(points).all(axis=2, keepdims=True), np.maximum(scores, 1e-6), 0)
        points = np.nan_to_num(points)
        low = np.searchsorted(times, times - REACH * deviation)
        high = np.searchsorted(times, times + REACH * deviation, side='right')
        for i, (_, instance) in enumerate(seen):
            near = slice(low[i], high[i])
            weights = scores[near] * np.exp(-(((times[near] - times[i]) / deviation) ** 2) / 2)[:, None, None]
            mean = (weights * points[near]).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-12)
            instance.keypoints = np.where(scores[i] > 0, mean, np.nan)
