"""SMPLify's optimization (Bogo et al., ECCV 2016) in the two stages of SPIN (Kolotouros et al., ICCV 2019)."""

from typing import Callable, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_joints import JOINT_NAMES

from .body_points import BodyPoints
from .camera import project
from .gmm_prior import GmmPrior
from .joint_limits import joint_limits, mean_pose
from .start import place, turned_roots

SIDES = 8  # that people may turn to the camera
CROP, MARGIN = 224.0, 1.2  # what follows is published for people in crops of 224 pixels, 1.2 times as large as boxes
SIGMA = 100.0  # pixels of the crop, where GMoF levels off
DEPTH, GMM, BENDS, SHAPE = 100.0**2, 4.78**2, 15.2**2, 5.0**2
# of the mean pose: it falls, as SMPLify's weight of the prior does, so that the keypoints decide in the end
FIRST_MEAN, LAST_MEAN = 200.0, 1.0
# elbows about y and knees about x among SMPL's 69 numbers, and the sign of the angle that overstretches them
OVERSTRETCHED = ((52, 1), (55, -1), (9, -1), (12, -1))
TORSO = [JOINT_NAMES.index(f'{side} {joint}') for joint in ('hip', 'shoulder') for side in ('left', 'right')]
CAMERA_STEPS, CAMERA_RATE = 100, 1e-2
# SPIN takes 100 steps at a rate of 0.01 from a regressed pose; a mean pose is further away. The rate falls to 0.
POSE_STEPS, POSE_RATE = 300, 5e-2


class Posed(NamedTuple):
    """Bodies in a camera's frame.

    Attributes:
        rotations: ``[B, 24, 3, 3]``.
        translation: ``[B, 3]`` meters.
        betas: ``[B, n]``; None for a body with one shape.
        points: ``[B, P, 3]`` meters.
    """

    rotations: Tensor
    translation: Tensor
    betas: Optional[Tensor]
    points: Tensor


class Fitting:
    """Fits N people at once, each from several sides; the parameters of one person have no effect on another.

    Args:
        model: the points of a body.
        points: K of them.
        keypoints: ``[N, K, 2]`` pixels from the principal point.
        weights: ``[N, K]``; 0: not used.
        focal: pixels.
        gmm: prior of poses; None: joints stay within their limits, near a mean pose.
    """

    def __init__(
        self,
        model: BodyPoints,
        points: Sequence[int],
        keypoints: np.ndarray,
        weights: np.ndarray,
        focal: float,
        gmm: Optional[GmmPrior],
    ) -> None:
        targets, shown = torch.from_numpy(keypoints), torch.from_numpy(weights)
        used = (shown > 0)[..., None]
        largest = torch.where(used, targets, -torch.inf).amax(1) - torch.where(used, targets, torch.inf).amin(1)
        scale = CROP / (MARGIN * largest.amax(1)).clamp(min=1e-3)
        self.model, self.points, self.gmm = model, list(points), gmm
        self.keypoints = (targets * scale[:, None, None]).repeat_interleave(SIDES, 0)
        self.weights = shown.repeat_interleave(SIDES, 0)
        self.focal = (focal * scale).repeat_interleave(SIDES, 0)
        self.low, self.high = joint_limits()
        self.mean = mean_pose() if gmm is None else gmm.mean
        number = len(self.keypoints)
        zeros = self.keypoints.new_zeros
        self.pose, self.betas = self.mean.repeat(number, 1, 1), zeros(number, model.num_betas)
        self.turn, self.move = zeros(number, 3), zeros(number, 3)  # of the root, axis-angle; of the translation
        self.root = turned_roots(SIDES).repeat(len(targets), 1, 1)
        self.translation = zeros(number, 3)
        self.torso = self._torso()
        rotation, self.translation = place(self.posed().points[:, self.points], self.keypoints, self.torso, self.focal)
        self.root = rotation @ self.root

    def best(self) -> Posed:
        """Optimize, and keep the side with the lowest cost of each person."""
        self._minimize([self.turn, self.move], self._camera_cost, CAMERA_STEPS, lambda part: CAMERA_RATE)
        parameters = [self.turn, self.move, self.pose, *([self.betas] if self.model.num_betas else [])]
        self._minimize(parameters, self._pose_cost, POSE_STEPS, lambda part: POSE_RATE * (1 - part))
        with torch.no_grad():
            posed = self.posed()
            sides = self._pose_cost(posed, 1.0).unflatten(0, (-1, SIDES)).argmin(1)
            kept = torch.arange(len(sides)) * SIDES + sides
            betas = None if posed.betas is None else posed.betas[kept]
            return Posed(posed.rotations[kept], posed.translation[kept], betas, posed.points[kept])

    def posed(self) -> Posed:
        """The bodies as the parameters have them now."""
        root = axis_angle_to_matrix(self.turn) @ self.root
        rotations = torch.cat([root[:, None], axis_angle_to_matrix(self.pose)], 1)
        depth = self.translation[:, 2:] * self.move[:, 2:].exp()
        translation = torch.cat([self.translation[:, :2] + self.move[:, :2], depth], 1)
        betas = self.betas if self.model.num_betas else None
        return Posed(rotations, translation, betas, self.model(rotations, betas) + translation[:, None])

    def _minimize(
        self,
        parameters: List[Tensor],
        cost: Callable[[Posed, float], Tensor],
        steps: int,
        rate: Callable[[float], float],
    ) -> None:
        """Adam; ``cost`` and ``rate`` get the part of the steps that is done."""
        for parameter in parameters:
            parameter.requires_grad_()
        optimizer = torch.optim.Adam(parameters)
        for step in range(steps):
            optimizer.param_groups[0]['lr'] = rate(step / steps)
            optimizer.zero_grad()
            cost(self.posed(), step / steps).sum().backward()
            optimizer.step()
            if self.gmm is None:
                with torch.no_grad():
                    self.pose.clamp_(self.low, self.high)
        for parameter in parameters:
            parameter.requires_grad_(False)

    def _camera_cost(self, posed: Posed, part: float) -> Tensor:
        return self._reprojection(posed, self.torso) + DEPTH * self.move[:, 2] ** 2

    def _pose_cost(self, posed: Posed, part: float) -> Tensor:
        cost = self._reprojection(posed, self.weights) + SHAPE * self.betas.square().sum(1)
        if self.gmm is None:
            away = (self.pose - self.mean) / ((self.high - self.low) / 2)
            return cost + FIRST_MEAN * (LAST_MEAN / FIRST_MEAN) ** part * away.square().sum((1, 2))
        numbers, signs = zip(*OVERSTRETCHED)
        bends = self.pose.flatten(1)[:, numbers] * self.pose.new_tensor(signs)
        return cost + GMM * self.gmm(self.pose) + BENDS * (2 * bends).exp().sum(1)

    def _reprojection(self, posed: Posed, weights: Tensor) -> Tensor:
        """Geman and McClure's robust error."""
        squared = (project(posed.points[:, self.points], self.focal) - self.keypoints) ** 2
        return (weights[..., None] * SIGMA**2 * squared / (SIGMA**2 + squared)).sum((1, 2))

    def _torso(self) -> Tensor:
        """Weights of hips and shoulders; of all keypoints where fewer than three of these are used."""
        torso = self.weights * self.weights.new_tensor([point in TORSO for point in self.points])
        return torch.where(((torso > 0).sum(1) >= 3)[:, None], torso, self.weights)
