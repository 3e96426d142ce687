"""Poses in files."""

import json
import math

import numpy as np
import pytest
import torch

from clamp_mmpose.body.pose_file import read_pose, write_obj, write_pose
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_joints import JOINT_NAMES

VECTORS = np.random.default_rng(0).normal(0, 0.5, (24, 3))
VECTORS[0] = [math.pi / 2, 0, 0]
ROTATIONS = axis_angle_to_matrix(torch.from_numpy(VECTORS)).numpy()
JOINTS = np.random.default_rng(1).normal(0, 1, (24, 3))


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
def test_a_pose_comes_back(tmp_path, suffix):
    path = tmp_path / f'pose{suffix}'
    write_pose(path, ROTATIONS, JOINTS, 'Sure, it is <POSE>.')
    pose = read_pose(path)
    assert np.allclose(pose.rotations, ROTATIONS, atol=2e-6) and np.allclose(pose.joints, JOINTS, atol=1e-6)
    assert pose.text == 'Sure, it is <POSE>.' and pose.rotations.dtype == pose.joints.dtype == np.float32
    write_pose(path, ROTATIONS)
    assert read_pose(path).joints is None and read_pose(path).text == ''


def test_what_the_files_hold(tmp_path):
    write_pose(tmp_path / 'pose.json', ROTATIONS, JOINTS, 'a')
    write_pose(tmp_path / 'pose.npz', ROTATIONS, JOINTS, 'a')
    content = json.loads((tmp_path / 'pose.json').read_text())
    assert list(content) == ['format', 'joint_names', 'axis_angle', 'six', 'joints', 'text']
    assert content['format'] == 'clamp_mmpose pose 1' and content['joint_names'] == list(JOINT_NAMES)
    assert np.allclose(content['axis_angle'], VECTORS, atol=2e-6)
    # a quarter turn about x: the first column is x, the second is z
    assert content['six'][0] == [1, 0, 0, 0, 0, 1]
    assert len((tmp_path / 'pose.json').read_text().splitlines()) == 8
    with np.load(tmp_path / 'pose.npz', allow_pickle=False) as arrays:
        assert {key: arrays[key].shape for key in arrays.files} == dict(
            format=(), joint_names=(24,), axis_angle=(24, 3), six=(24, 6), joints=(24, 3), text=()
        )


def test_other_forms_that_are_read(tmp_path):
    path = tmp_path / 'pose.json'
    write_pose(path, ROTATIONS, JOINTS)
    content = json.loads(path.read_text())
    # any order of the joints, by their names
    mixed = dict(content)
    for key in ('joint_names', 'axis_angle', 'six', 'joints'):
        mixed[key] = content[key][::-1]
    for changed in (mixed, {**content, 'six': None}, {**content, 'axis_angle': None}):
        path.write_text(json.dumps(changed))
        pose = read_pose(path)
        assert np.allclose(pose.rotations, ROTATIONS, atol=3e-6) and np.allclose(pose.joints, JOINTS, atol=1e-6)


def wrong_files():
    names, vectors = list(JOINT_NAMES), VECTORS.tolist()
    smplh, smplx = [f'joint {i}' for i in range(52)], [f'joint {i}' for i in range(55)]
    parallel = [[1, 0, 0, 0, 1, 0]] * 23 + [[1, 0, 0, 2, 0, 0]]
    return [
        (dict(format='pose 2'), "format must be 'clamp_mmpose pose 1', got 'pose 2'"),
        (dict(joint_names=None), 'joint_names must be the 24 names of SMPL, got None'),
        (dict(joint_names=names[:22]), "joint_names lacks 'left hand', 'right hand'; expected the 24 joints"),
        (dict(joint_names=[*names[:23], 'tail']), "joint_names lacks 'right hand'"),
        (dict(joint_names=[*names, 'tail']), "joint_names has unknown 'tail'"),
        (dict(joint_names=[*names, 'head']), "joint_names has twice 'head'"),
        (dict(joint_names=smplh), "52 joints, as SMPL-H with fingers, expected SMPL's 24: keep the first 22, and add"),
        (dict(joint_names=smplx), '55 joints, as SMPL-X with fingers'),
        (dict(axis_angle=[[0, 0, 0]] * 52), r'axis_angle must be \[24, 3\], got \[52, 3\]; SMPL-H shares only'),
        (dict(axis_angle=vectors[:22]), r'axis_angle must be \[24, 3\], got \[22, 3\]'),
        (dict(axis_angle=[*vectors[:23], [1, 2]]), r'axis_angle must be numbers \[24, 3\]'),
        (dict(axis_angle=[*vectors[:23], [1, 2, None]]), r'axis_angle\[23, 2\] is not a finite number'),
        (dict(axis_angle=[*vectors[:23], [1, 2, 1e200]]), r'axis_angle\[23, 2\] is not a finite number'),
        (dict(axis_angle=None, six=None), r'no rotations: expected axis_angle \[24\]\[3\] or six'),
        (dict(six=parallel), "six of 'right hand' is no rotation"),
        (dict(axis_angle=[[0, 0, 0]] * 24), 'are different rotations: correct one of them'),
        (dict(joints=[[0, 0, 0]] * 22), r'joints must be \[24, 3\], got \[22, 3\]'),
        (dict(text=5), 'text must be a text, got 5'),
    ]


@pytest.mark.parametrize(('changes', 'message'), wrong_files())
def test_wrong_files_are_refused_in_one_line(tmp_path, changes, message):
    path = tmp_path / 'pose.json'
    write_pose(path, ROTATIONS, JOINTS)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=message) as error:
        read_pose(path)
    assert str(path) in str(error.value) and '\n' not in str(error.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ValueError, match=r'ends with \.json or \.npz'):
        read_pose(tmp_path / 'pose.pkl')
    for name in ('pose.json', 'pose.npz'):
        with pytest.raises(FileNotFoundError, match='not found'):
            read_pose(tmp_path / name)
        (tmp_path / name).write_bytes(b'PK\x03\x04 half')
        with pytest.raises(ValueError, match='cannot be read'):
            read_pose(tmp_path / name)
    write_pose(tmp_path / 'pose.json', ROTATIONS)
    text = (tmp_path / 'pose.json').read_text()
    (tmp_path / 'pose.json').write_text(text.replace('[1.570796,', '[NaN,'))
    with pytest.raises(ValueError, match='NaN in line 4, column 19 is not a finite number'):
        read_pose(tmp_path / 'pose.json')
    # an array of objects is a pickle
    np.savez(tmp_path / 'pose.npz', format=np.array(['x'], object))
    with pytest.raises(ValueError, match='allow_pickle=False'):
        read_pose(tmp_path / 'pose.npz')
    for rotations, message in (
        (ROTATIONS[:22], r'rotations must be \[24, 3, 3\], got \[22, 3, 3\]'),
        (np.full((24, 3, 3), np.nan), r'rotations\[0, 0, 0\] is not a finite number'),
    ):
        with pytest.raises(ValueError, match=message):
            write_pose(tmp_path / 'new.json', rotations)
    assert not (tmp_path / 'new.json').exists()


def test_a_mesh_for_other_programs(tmp_path):
    write_obj(tmp_path / 'body.obj', np.array([[0, 0, 0], [1, 0, 0], [0, 1.5, -0.25]]), np.array([[0, 1, 2]]))
    assert (tmp_path / 'body.obj').read_text() == (
        'v 0.00000 0.00000 0.00000\nv 1.00000 0.00000 0.00000\nv 0.00000 1.50000 -0.25000\nf 1 2 3\n'
    )
