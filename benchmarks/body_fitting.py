"""Times :func:`fit_keypoints`."""

import math
import time
from typing import Dict

import numpy as np
import torch

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.fitting.body_points import BodyPoints
from clamp_mmpose.body.fitting.fit_keypoints import FOCAL, BodyFit, fit_keypoints
from clamp_mmpose.body.fitting.joint_limits import joint_limits, mean_pose
from clamp_mmpose.body.fitting.keypoint_points import match_keypoints
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_joints import NUM_JOINTS
from clamp_mmpose.evaluation.poses import pa_mpjpe
from clamp_mmpose.language.keypoint_names import keypoint_names

SPREAD = 0.25  # of the poses around the mean pose, in halves of the joints' ranges


def body_fitting(people: int, kind: str) -> Dict[str, float]:
    """Fit people in random poses, turned to all sides, 10 to 30 meters away, with COCO's keypoints.

    Args:
        kind: of :func:`build_body`. Noses, eyes and ears of a body without them are not seen.

    Returns:
        dict: seconds; mean errors of the fits, and of mean poses with the right roots.
    """
    body = build_body(kind)
    random = torch.Generator().manual_seed(0)
    low, high = joint_limits()
    noise = torch.randn(people, 23, 3, generator=random, dtype=torch.float64)
    pose = (mean_pose() + SPREAD * noise * (high - low) / 2).clamp(low, high)
    yaw = torch.rand(people, generator=random) * 2 * math.pi
    around = axis_angle_to_matrix(torch.stack([0 * yaw, yaw, 0 * yaw], -1))
    root = axis_angle_to_matrix(torch.tensor([math.pi, 0, 0])) @ around
    rotations = torch.cat([root[:, None], axis_angle_to_matrix(pose).float()], 1)
    still = torch.cat([root[:, None], axis_angle_to_matrix(mean_pose()).float().expand(people, -1, -1, -1)], 1)
    translation = torch.stack([0 * yaw, 0 * yaw, 10 + 20 * torch.rand(people, generator=random)], -1)
    model, names = BodyPoints(body), keypoint_names('CocoDataset')
    matched = match_keypoints(names, model.names)
    places = (model(rotations) + translation[:, None]).numpy()
    joints, shown = places[:, :NUM_JOINTS], places[:, list(matched.values())]
    keypoints, scores = np.zeros((people, len(names), 2)), np.zeros((people, len(names)))
    keypoints[:, list(matched)], scores[:, list(matched)] = FOCAL * shown[..., :2] / shown[..., 2:], 1

    start = time.perf_counter()
    fits = fit_keypoints(body, keypoints, scores, names, np.zeros((people, 2)), FOCAL)
    seconds = time.perf_counter() - start
    found = [fit for fit in fits if isinstance(fit, BodyFit)]
    return dict(
        people=people,
        keypoints=len(matched),
        seconds=seconds,
        error_px=float(np.mean([fit.error for fit in found])),
        pa_mpjpe_mm=float(pa_mpjpe(np.stack([fit.joints for fit in found]), joints).mean()),
        mean_pose_pa_mpjpe_mm=float(pa_mpjpe(model(still).numpy()[:, :NUM_JOINTS], joints).mean()),
    )
