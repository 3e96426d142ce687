from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from torch import nn

from clamp_mmpose.body.rotations import matrix_to_axis_angle
from clamp_mmpose.body.smpl_joints import NUM_JOINTS

from .body_points import BodyPoints
from .fitting import Fitting
from .gmm_prior import GmmPrior
from .keypoint_points import match_keypoints

FOCAL = 5000.0  # pixels, SPIN's
SMALLEST = 1.0  # pixels that the keypoints of a person reach at least


@dataclass(frozen=True, eq=False)
class BodyFit:
    """A person as a body in a camera's frame: x right, y down, z away from the camera.

    Attributes:
        rotations: ``[24, 3, 3]``, the first one is the whole body's.
        axis_angle: ``[24, 3]``, the same in radians.
        translation: ``[3]`` meters.
        betas: ``[n]``; None for a body with one shape.
        joints: ``[24, 3]`` meters.
        focal: pixels.
        center: principal point, (x, y) in pixels of the image.
        error: mean distance of the keypoints from the projected body, in pixels of the image.
        keypoint_names: of those that were used.
    """

    rotations: np.ndarray
    axis_angle: np.ndarray
    translation: np.ndarray
    betas: Optional[np.ndarray]
    joints: np.ndarray
    focal: float
    center: Tuple[float, float]
    error: float
    keypoint_names: List[str]


class FitFailure(NamedTuple):
    """A person who could not be fitted, and why."""

    reason: str


def fit_keypoints(
    body: nn.Module,
    keypoints: np.ndarray,
    scores: np.ndarray,
    names: Sequence[str],
    centers: Optional[np.ndarray] = None,
    focal: float = FOCAL,
    gmm: Optional[GmmPrior] = None,
    min_score: float = 0.3,
    min_keypoints: int = 6,
) -> List[Union[BodyFit, FitFailure]]:
    """Fit a body to the 2D keypoints of N people (SMPLify, Bogo et al., ECCV 2016, in SPIN's two stages).

    The camera and the root are fitted to the torso, then all of the pose, from eight sides that a person may turn to
    the camera; the best one is kept. Without ``gmm``, joints stay within :func:`joint_limits`, near a mean pose. Depth
    is what these priors make of it: 2D keypoints alone do not say whether a hand is before or behind the body.

    Args:
        body: of :func:`build_body`.
        keypoints: ``[N, K, 2]``, (x, y) in pixels of the image.
        scores: ``[N, K]``; their squares are weights, and those above 1 count as 1.
        names: K names of any metainfo; those that the body does not have are not used.
        centers: ``[N, 2]``, principal points of the camera, such as the centers of the images; default: the middle of
            a person's keypoints.
        focal: pixels of the image.
        gmm: SMPLify's prior.
        min_score, min_keypoints: a keypoint below this score is not used, a person with fewer of them is a failure.

    Returns:
        list: N fits or failures.

    Raises:
        ValueError: arrays of other shapes, or names of which too few are points of the body.
    """
    keypoints, scores = np.asarray(keypoints, float), np.asarray(scores, float)
    if keypoints.shape != (*scores.shape, 2) or scores.shape[1:] != (len(names),):
        raise ValueError(
            f'expected keypoints [N, {len(names)}, 2] and scores [N, {len(names)}], got {list(keypoints.shape)} and '
            f'{list(scores.shape)}.'
        )
    model = BodyPoints(body)
    matched = match_keypoints(names, model.names)
    if len(matched) < min_keypoints:
        raise ValueError(
            f'{len(matched)} of the keypoints {", ".join(names):.200} are points of the body {body.name}, and a fit '
            f'needs {min_keypoints}: expected names such as left_hip, right_shoulder, left_wrist.'
        )
    columns = list(matched)
    names, keypoints, scores = [names[column] for column in columns], keypoints[:, columns], scores[:, columns]
    usable = np.isfinite(keypoints).all(-1) & (scores >= min_score)
    fits: List[Union[BodyFit, FitFailure]] = [
        FitFailure(f'{number} usable keypoints, a fit needs {min_keypoints}') for number in usable.sum(1)
    ]
    shown = np.where(usable[..., None], keypoints, np.nan)
    people = np.flatnonzero(usable.sum(1) >= min_keypoints)
    lowest, highest = np.nanmin(shown[people], 1), np.nanmax(shown[people], 1)
    spread = (highest - lowest).max(1) >= SMALLEST
    for person in people[~spread]:
        fits[person] = FitFailure('all keypoints are in one place')
    people = people[spread]
    if not len(people):
        return fits
    keypoints, usable = keypoints[people], usable[people]
    middles = (lowest + highest)[spread] / 2 if centers is None else np.asarray(centers, float)[people]
    relative = np.where(usable[..., None], keypoints - middles[:, None], 0)
    weights = np.where(usable, scores[people].clip(0, 1), 0) ** 2
    posed = Fitting(model, list(matched.values()), relative, weights, focal, gmm).best()

    points = posed.points.numpy()
    shown = focal * points[:, list(matched.values()), :2] / points[:, list(matched.values()), 2:]
    errors = np.linalg.norm(shown - relative, axis=-1)
    axis_angle = matrix_to_axis_angle(posed.rotations)
    for i, person in enumerate(people):
        if not np.isfinite(points[i]).all() or not (points[i, :, 2] > 0).all():
            fits[person] = FitFailure('no body in front of the camera fits: check the keypoints and the focal length')
            continue
        fits[person] = BodyFit(
            posed.rotations[i].float().numpy(),
            axis_angle[i].float().numpy(),
            posed.translation[i].float().numpy(),
            None if posed.betas is None else posed.betas[i].float().numpy(),
            points[i, :NUM_JOINTS].astype(np.float32),
            focal,
            (float(middles[i, 0]), float(middles[i, 1])),
            float(errors[i, usable[i]].mean()),
            [name for name, used in zip(names, usable[i]) if used],
        )
    return fits
