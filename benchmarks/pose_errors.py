"""Times PA-MPJPE of many poses against MMPose's ``keypoint_mpjpe``."""

import time
from typing import Dict

import numpy as np
from mmpose.evaluation.functional import keypoint_mpjpe

from clamp_mmpose.evaluation.poses import mpjpe, pa_mpjpe

JOINTS = 14


def pose_errors(poses: int) -> Dict[str, float]:
    """Seconds of MPJPE and PA-MPJPE of random poses ``[N, 14, 3]``, ours and MMPose's in turns (the best of 3)."""
    generator = np.random.default_rng(0)
    target = generator.normal(size=(poses, JOINTS, 3))
    predicted = target + 0.1 * generator.normal(size=target.shape)
    mask = np.ones(target.shape[:2], bool)
    runs = dict(
        mpjpe_s=lambda: mpjpe(predicted, target).mean(),
        pa_mpjpe_s=lambda: pa_mpjpe(predicted, target).mean(),
        mmpose_mpjpe_s=lambda: 1000 * keypoint_mpjpe(predicted, target, mask),
        mmpose_pa_mpjpe_s=lambda: 1000 * keypoint_mpjpe(predicted, target, mask, 'procrustes'),
    )
    seconds = {name: float('inf') for name in runs}
    values = {}
    for _ in range(3):
        for name, run in runs.items():
            start = time.perf_counter()
            values[name] = float(run())
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return dict(
        poses=poses,
        **seconds,
        ratio=seconds['mmpose_pa_mpjpe_s'] / seconds['pa_mpjpe_s'],
        difference_mm=abs(values['pa_mpjpe_s'] - values['mmpose_pa_mpjpe_s']),
    )
