"""The loss of poses, by hand."""

import math

import pytest
import torch

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.models.losses import PoseRotationLoss


def turned(angles):
    """Rotations about x ``[P, J, 3, 3]`` by angles in radians ``[P, J]``."""
    vectors = torch.zeros(*angles.shape, 3)
    vectors[..., 0] = angles
    return axis_angle_to_matrix(vectors)


def test_the_root_weighs_as_much_as_all_other_joints():
    """A quarter turn moves cosine and sine of two rows by 1 each: 4 of 9 numbers differ by 1."""
    angles = torch.zeros(2, 24)
    angles[0, 0] = math.pi / 2
    angles[1, 5] = math.pi / 2
    targets = turned(torch.zeros(2, 24))
    quarter = 4 / 9
    loss = PoseRotationLoss()(turned(angles), targets)
    assert loss.item() == pytest.approx(0.1 * (quarter / 2 + quarter / 23 / 2), rel=1e-5)
    weighted = PoseRotationLoss(weight=1.0, global_weight=3.0, body_weight=2.0)(turned(angles), targets)
    assert weighted.item() == pytest.approx(3 * quarter / 2 + 2 * quarter / 23 / 2, rel=1e-5)
    radians = PoseRotationLoss('geodesic', weight=1.0)(turned(angles), targets)
    assert radians.item() == pytest.approx(math.pi / 2 * (1 / 2 + 1 / 23 / 2), rel=1e-5)


def test_joints_and_poses_without_labels():
    """A mean over the labeled joints of each pose, then over the poses that have some; the root apart."""
    angles = torch.zeros(3, 24)
    angles[0, 1], angles[0, 2] = 0.3, 2.0  # the latter is not labeled
    angles[1, 3] = 0.6
    angles[2] = 1.0  # nothing is labeled
    mask = torch.zeros(3, 24, dtype=torch.bool)
    mask[0, [0, 1]] = True
    mask[1, [3, 4]] = True
    loss = PoseRotationLoss('geodesic', weight=1.0)(turned(angles), turned(torch.zeros(3, 24)), mask)
    assert loss.item() == pytest.approx((0.3 + 0.6 / 2) / 2, rel=1e-4)
    rooted = angles.clone()
    rooted[0, 0] = 0.5  # the only root with a label
    loss = PoseRotationLoss('geodesic', weight=1.0)(turned(rooted), turned(torch.zeros(3, 24)), mask)
    assert loss.item() == pytest.approx(0.5 + (0.3 + 0.6 / 2) / 2, rel=1e-4)


@pytest.mark.parametrize('kind', ['matrix_l1', 'geodesic'])
def test_gradients_are_finite(kind):
    """Also where rotations are the same, or half a turn apart; zero if nothing is labeled."""
    angles = torch.zeros(3, 24)
    angles[1], angles[2] = math.pi, 3.0
    rotations = turned(angles).requires_grad_()
    loss = PoseRotationLoss(kind)(rotations, turned(torch.zeros(3, 24)))
    loss.backward()
    assert rotations.grad.isfinite().all() and rotations.grad[2].any()
    rotations.grad = None
    nothing = PoseRotationLoss(kind)(rotations, turned(torch.ones(3, 24)), torch.zeros(3, 24, dtype=torch.bool))
    nothing.backward()
    assert nothing.item() == 0 and not rotations.grad.any()


def test_errors():
    with pytest.raises(ValueError, match='kind'):
        PoseRotationLoss('l2')
    with pytest.raises(ValueError, match='must not be negative'):
        PoseRotationLoss(weight=-1.0)
