import math

import numpy as np
import pytest
import torch

from clamp_mmpose.body.kinematics import forward_kinematics
from clamp_mmpose.body.rotations import (
    amass_root_to_camera,
    axis_angle_to_matrix,
    geodesic,
    is_degenerate,
    matrix_to_axis_angle,
    matrix_to_six,
    six_to_matrix,
)
from clamp_mmpose.body.skeleton_body import SkeletonBody
from tests.parity_folders import parity_folder


@pytest.fixture(scope='module')
def published():
    return dict(np.load(parity_folder('rotations.npz')))


def test_six_to_matrix_parity(published):
    good = published['is_rotation']
    six = torch.from_numpy(published['six'])
    np.testing.assert_array_equal(is_degenerate(six).numpy(), ~good)
    np.testing.assert_allclose(six_to_matrix(six[good]), published['matrix_f64'][good], atol=1e-12)
    np.testing.assert_allclose(six_to_matrix(six[good].float()), published['matrix_f32'][good], atol=2e-6)


def test_each_degenerate_row_is_refused_and_repaired(published):
    for row in torch.from_numpy(published['six'][~published['is_rotation']]):
        with pytest.raises(ValueError, match=r'6D rotation at \[1\] is none'):
            six_to_matrix(torch.stack([torch.tensor([1.0, 0, 0, 0, 1, 0]).double(), row]))
        row.requires_grad_(True)
        repaired = six_to_matrix(row[None], repair=True)
        torch.testing.assert_close(repaired[0], torch.eye(3).double())
        assert torch.autograd.grad(repaired.sum(), row)[0].eq(0).all()


def test_matrix_to_six_is_the_first_two_columns(published):
    matrix = torch.from_numpy(published['matrix_f64'][published['is_rotation']])
    torch.testing.assert_close(matrix_to_six(matrix)[:, 3:], matrix[:, :, 1])
    torch.testing.assert_close(six_to_matrix(matrix_to_six(matrix)), matrix)


def test_axis_angle_parity(published):
    matrices = axis_angle_to_matrix(torch.from_numpy(published['aa_in']))
    np.testing.assert_allclose(matrices, published['aa_matrix_scipy'], atol=1e-9)
    rotations = torch.from_numpy(published['matrix_f64'][published['is_rotation']])
    turned = matrix_to_axis_angle(rotations)
    assert turned.norm(dim=-1).max() <= math.pi + 1e-9
    torch.testing.assert_close(axis_angle_to_matrix(turned), rotations, atol=1e-7, rtol=0)


def test_distance_parity(published):
    first, second = (torch.from_numpy(published[f'pair_{name}']) for name in 'ab')
    np.testing.assert_allclose(geodesic(first, second), published['geodesic_rad'], atol=1e-7)


def test_root_parity(published):
    turned = amass_root_to_camera(torch.from_numpy(published['root_in']))
    np.testing.assert_allclose(turned, published['root_out_matrix'], atol=1e-6)  # computed with a float32 pi


def test_a_raised_left_arm():
    rotations = torch.eye(3).repeat(1, 24, 1, 1)
    rotations[0, 16] = axis_angle_to_matrix(torch.tensor([0, 0, math.pi / 2]))  # about the axis to the front
    joints = SkeletonBody()(rotations).joints[0]
    # the upper arm of 0.27 m and the forearm of 0.25 m now point up from the shoulder
    torch.testing.assert_close(joints[18] - joints[16], torch.tensor([0.0, 0.27, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(joints[20] - joints[16], torch.tensor([0.0, 0.52, 0.0]), atol=1e-6, rtol=0)


def test_kinematics_parity():
    values = np.load(parity_folder('smpl_synthetic') / 'outputs.npz')
    rotations = axis_angle_to_matrix(torch.from_numpy(values['axis_angle']))
    joints, transforms = forward_kinematics(rotations, torch.from_numpy(values['fk_rest']), values['parents'].tolist())
    np.testing.assert_allclose(joints, values['fk_joints'], atol=1e-7)  # smplx adds 1e-8 inside a norm
    np.testing.assert_allclose(transforms, values['fk_transforms'], atol=1e-7)
