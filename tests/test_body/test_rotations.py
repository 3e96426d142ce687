import math
import warnings

import numpy as np
import pytest
import torch
from parity_folders import parity_folder
from scipy.spatial.transform import Rotation

from clamp_mmpose.body.kinematics import forward_kinematics
from clamp_mmpose.body.rotations import (
    amass_root_to_camera,
    axis_angle_to_matrix,
    euler_angles,
    geodesic,
    is_degenerate,
    matrix_to_axis_angle,
    matrix_to_six,
    six_to_matrix,
)
from clamp_mmpose.body.skeleton_body import SkeletonBody


@pytest.fixture(scope='module')
def published():
    return dict(np.load(parity_folder('rotations.npz')))


def close_in_float32(found, expected, six):
    # the error of Gram-Schmidt grows where the two columns are nearly parallel
    first, second = torch.nn.functional.normalize(six.unflatten(-1, (2, 3)), dim=-1).unbind(-2)
    sine = torch.linalg.cross(first, second).norm(dim=-1)
    assert ((found - torch.from_numpy(expected)).abs().amax((1, 2)) <= 2e-6 / sine).all()


def test_six_to_matrix_parity(published):
    good = published['is_rotation']
    six = torch.from_numpy(published['six'])
    np.testing.assert_array_equal(is_degenerate(six).numpy(), ~good)
    np.testing.assert_allclose(six_to_matrix(six[good]), published['matrix_f64'][good], atol=1e-12)
    close_in_float32(six_to_matrix(six[good].float()), published['matrix_f32'][good], six[good])


def test_the_layout_is_not_that_of_spin(published):
    # Zhou et al. and SPIN read the same six numbers as rows (3, 2): the first column is numbers 0, 2 and 4
    six = torch.from_numpy(published['six']).unflatten(-1, (3, 2)).transpose(-1, -2).flatten(-2)
    good = ~is_degenerate(six)
    assert good.sum() > len(six) / 2
    close_in_float32(six_to_matrix(six[good]), published['matrix_interleaved_f32'][good], six[good])


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
    vectors = torch.from_numpy(published['aa_in'])
    np.testing.assert_allclose(axis_angle_to_matrix(vectors), published['aa_matrix_scipy'], atol=1e-9)
    for name in ('hmr2', 'quaternion', 'rodrigues'):
        published_matrix = published[f'aa_matrix_{name}_f32']
        gaps = (axis_angle_to_matrix(vectors.float()) - torch.from_numpy(published_matrix)).abs().amax((1, 2))
        assert (gaps <= 5e-6 * vectors.norm(dim=-1).clamp(min=1)).all(), name  # float32 holds long vectors less well

    good = published['is_rotation']
    rotations = torch.from_numpy(published['matrix_f64'][good])
    turned = matrix_to_axis_angle(rotations)
    assert turned.norm(dim=-1).max() <= math.pi + 1e-9
    torch.testing.assert_close(axis_angle_to_matrix(turned), rotations, atol=1e-7, rtol=0)
    for name in ('axis_angle_scipy', 'axis_angle_f64', 'axis_angle_f32'):
        # as rotations: at 180 degrees the sign of the axis is free
        theirs = axis_angle_to_matrix(torch.from_numpy(published[name][good]).double())
        allowed = 1e-6 if name != 'axis_angle_f32' else np.deg2rad(published['axis_angle_f32_error_deg'][good]) + 1e-6
        assert (geodesic(rotations, theirs).numpy() <= allowed).all(), name


def test_distance_parity(published):
    first, second = (torch.from_numpy(published[f'pair_{name}']) for name in 'ab')
    np.testing.assert_allclose(geodesic(first, second), published['geodesic_rad'], atol=1e-6)
    np.testing.assert_allclose((first - second).abs().mean((1, 2)), published['l1_mean'], atol=1e-12)


def test_root_parity(published):
    turned = amass_root_to_camera(torch.from_numpy(published['root_in']))
    np.testing.assert_allclose(turned, published['root_out_matrix'], atol=1e-6)  # computed with a float32 pi
    theirs = axis_angle_to_matrix(torch.from_numpy(published['root_out_axis_angle']))
    np.testing.assert_allclose(turned, theirs, atol=1e-6)
    angles = torch.stack(euler_angles(axis_angle_to_matrix(torch.from_numpy(published['root_in']))), -1)
    gaps = angles - torch.from_numpy(published['root_euler_xyz'])
    np.testing.assert_allclose(torch.sin(gaps / 2), 0, atol=1e-7)  # -180 degrees are 180


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('y', [90, -90, 89.9999, -89.99999, 60])
def test_root_at_gimbal_lock_is_scipys(y, dtype):
    angles = [[x, y, z] for x, z in ((30, 50), (0, 0), (-120, 80), (170, -20))]
    turn = torch.from_numpy(Rotation.from_euler('xyz', angles, degrees=True).as_rotvec()).to(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of gimbal lock
        euler = Rotation.from_rotvec(turn.double().numpy()).as_euler('xyz')
    euler[:, 2] = 0
    expected = Rotation.from_euler('x', 90, degrees=True) * Rotation.from_euler('xyz', euler)
    found = amass_root_to_camera(turn)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected.as_matrix(), atol=1e-7)


@pytest.mark.parametrize('short', [0, 1e-7, 1e-5, 1e-3])
def test_half_turns_in_float32(short):
    axes = np.random.default_rng(0).normal(size=(500, 3))
    axes = np.concatenate([np.eye(3), -np.eye(3), axes / np.linalg.norm(axes, axis=1, keepdims=True)])
    turns = Rotation.from_rotvec(axes * (math.pi - short))
    matrix = torch.tensor(turns.as_matrix(), dtype=torch.float32, requires_grad=True)
    found = matrix_to_axis_angle(matrix)
    found.sum().backward()
    assert matrix.grad.isfinite().all() and found.norm(dim=-1).max() < math.pi + 1e-6
    off = turns.inv() * Rotation.from_rotvec(found.detach().double().numpy())
    assert np.rad2deg(off.magnitude()).max() < 1e-4
    turned = axis_angle_to_matrix(torch.tensor(turns.as_rotvec(), dtype=torch.float32))
    np.testing.assert_allclose(turned, turns.as_matrix(), atol=1e-6)


def test_a_raised_left_arm():
    rotations = torch.eye(3).repeat(1, 24, 1, 1)
    rotations[0, 16] = axis_angle_to_matrix(torch.tensor([0, 0, math.pi / 2]))  # about the axis to the front
    joints = SkeletonBody()(rotations).joints[0]
    # the upper arm of 0.27 m and the forearm of 0.25 m now point up from the shoulder
    torch.testing.assert_close(joints[18] - joints[16], torch.tensor([0.0, 0.27, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(joints[20] - joints[16], torch.tensor([0.0, 0.52, 0.0]), atol=1e-6, rtol=0)


def test_kinematics_parity():
    values = np.load(parity_folder('smpl_synthetic/outputs.npz'))
    rotations = axis_angle_to_matrix(torch.from_numpy(values['axis_angle']))
    joints, transforms = forward_kinematics(rotations, torch.from_numpy(values['fk_rest']), values['parents'].tolist())
    np.testing.assert_allclose(joints, values['fk_joints'], atol=1e-7)  # smplx adds 1e-8 inside a norm
    np.testing.assert_allclose(transforms, values['fk_transforms'], atol=1e-7)
