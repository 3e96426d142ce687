"""Bodies fitted to 2D keypoints."""

import math
import os
import pickle

import numpy as np
import pytest
import torch
from parity_folders import parity_folder
from scipy.stats import multivariate_normal

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.fitting import fitting
from clamp_mmpose.body.fitting.body_points import BodyPoints
from clamp_mmpose.body.fitting.fit_keypoints import BodyFit, FitFailure, fit_keypoints
from clamp_mmpose.body.fitting.gmm_prior import GmmPrior, read_gmm_prior
from clamp_mmpose.body.fitting.joint_limits import joint_limits, mean_pose
from clamp_mmpose.body.fitting.keypoint_points import FACE, match_keypoints
from clamp_mmpose.body.fitting.start import place, turned_roots
from clamp_mmpose.body.rotations import axis_angle_to_matrix, geodesic
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.evaluation.poses.errors import pa_mpjpe
from clamp_mmpose.language.keypoint_names import keypoint_names

PARTS = ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
SHOWN = [f'{side}_{part}' for part in PARTS for side in ('left', 'right')]
CENTER = (320.0, 240.0)


def pose_of(**degrees):
    """Axis-angle ``[23, 3]`` of a mean pose with some other joints: ``left_elbow=(0, -90, 0)``."""
    pose = mean_pose()
    for name, angles in degrees.items():
        pose[JOINT_NAMES.index(name.replace('_', ' ')) - 1] = torch.tensor(angles) * math.pi / 180
    return pose


def seen(poses, yaws, tilts=0.0, distance=15.0):
    """Rotations, joints in the camera's frame and keypoints of people who turn by ``yaws`` degrees."""
    angles = torch.tensor(yaws, dtype=torch.float64) * math.pi / 180
    zero = torch.zeros_like(angles)
    facing = axis_angle_to_matrix(torch.tensor([math.pi, 0, 0], dtype=torch.float64))
    around_y = axis_angle_to_matrix(torch.stack([zero, angles, zero], -1))
    around_z = axis_angle_to_matrix(torch.stack([zero, zero, zero + tilts * math.pi / 180], -1))
    rotations = torch.cat([(around_z @ facing @ around_y)[:, None], axis_angle_to_matrix(torch.stack(poses))], 1)
    joints = SkeletonBody()(rotations, None, torch.tensor([[0.2, -0.3, distance]])).joints.numpy()
    keypoints = 5000 * joints[..., :2] / joints[..., 2:] + CENTER
    columns = [JOINT_NAMES.index(name.replace('_', ' ')) for name in SHOWN]
    return rotations, joints, keypoints[:, columns]


def fit(keypoints, scores=None, names=SHOWN, **options):
    scores = np.ones(keypoints.shape[:2]) if scores is None else scores
    return fit_keypoints(SkeletonBody(), keypoints, scores, names, np.tile(CENTER, (len(keypoints), 1)), **options)


@pytest.fixture
def short(monkeypatch):
    """Few steps: for what holds after any of them."""
    monkeypatch.setattr(fitting, 'CAMERA_STEPS', 4)
    monkeypatch.setattr(fitting, 'POSE_STEPS', 8)


@pytest.fixture(scope='module')
def people():
    """A step seen from the side, bent arms, a person who sits, one at ease: their joints, keypoints and fits."""
    poses = [
        pose_of(left_hip=(-40, 0, 0), right_hip=(20, 0, 0), left_knee=(50, 0, 0), left_elbow=(0, -60, 0)),
        pose_of(left_elbow=(0, -100, 0), right_elbow=(0, 60, 0)),
        pose_of(left_hip=(-85, 0, 5), right_hip=(-85, 0, -5), left_knee=(80, 0, 0), right_knee=(80, 0, 0)),
        mean_pose(),
    ]
    rotations, joints, keypoints = seen(poses, [90, -60, 80, 205])
    return rotations, joints, keypoints, fit(keypoints)


def test_recovery(people):
    rotations, joints, _, fits = people
    assert max(fitted.error for fitted in fits) < 0.7  # pixels; the people are 330 to 450 pixels tall
    errors = pa_mpjpe(np.stack([fitted.joints for fitted in fits]), joints)
    still = torch.cat([rotations[:3, :1], axis_angle_to_matrix(mean_pose()).expand(3, -1, -1, -1)], 1)
    assert (pa_mpjpe(SkeletonBody()(still).joints.numpy(), joints[:3]) > 2 * errors[:3]).any()
    assert errors[3] < 3 and errors[:3].max() < 80, errors  # millimeters; depth is a guess except in the mean pose
    turns = geodesic(torch.tensor(np.stack([fitted.rotations[0] for fitted in fits])).double(), rotations[:, 0])
    assert turns.max() < math.radians(30) and turns[3] < math.radians(1)  # facing, side and back are told apart


def test_result_is_consistent(people):
    _, _, keypoints, fits = people
    for fitted, points in zip(fits, keypoints):
        turned = torch.from_numpy(fitted.rotations)[None]
        joints = SkeletonBody()(turned, None, torch.from_numpy(fitted.translation)[None]).joints[0].numpy()
        np.testing.assert_allclose(fitted.joints, joints, atol=1e-4)
        np.testing.assert_allclose(axis_angle_to_matrix(torch.from_numpy(fitted.axis_angle)), turned[0], atol=1e-4)
        columns = [JOINT_NAMES.index(name.replace('_', ' ')) for name in fitted.keypoint_names]
        shown = fitted.focal * joints[columns, :2] / joints[columns, 2:] + fitted.center
        assert fitted.error == pytest.approx(np.linalg.norm(shown - points, axis=1).mean(), abs=0.02)
        assert (fitted.keypoint_names, fitted.focal, fitted.center, fitted.betas) == (SHOWN, 5000, CENTER, None)


def test_limits_hold_for_impossible_keypoints(short, monkeypatch):
    monkeypatch.setattr(fitting, 'POSE_RATE', 1.0)
    noise = np.random.default_rng(0).uniform(0, 400, (3, len(SHOWN), 2))
    low, high = joint_limits()
    pose = np.stack([fitted.axis_angle[1:] for fitted in fit(noise)])
    assert (pose >= low.numpy() - 1e-4).all() and (pose <= high.numpy() + 1e-4).all()
    assert (np.isclose(pose, low, atol=1e-4) | np.isclose(pose, high, atol=1e-4)).sum() > 50  # many are there


def test_limits_are_mirrored():
    low, high = (limit / math.pi * 180 for limit in joint_limits())
    elbow, knee = (JOINT_NAMES.index(name) - 1 for name in ('right elbow', 'right knee'))
    assert low[elbow].tolist() == pytest.approx([-80, 0, -10]) and high[elbow].tolist() == pytest.approx([80, 150, 10])
    assert low[knee].tolist() == pytest.approx([0, -10, -5]) and high[knee].tolist() == pytest.approx([150, 10, 5])
    assert (low <= mean_pose() / math.pi * 180).all() and (mean_pose() / math.pi * 180 <= high).all()
    assert torch.maximum(low.abs(), high.abs()).norm(dim=1).max() < 180  # so that vectors are unique
    # a bent left elbow brings the hand forward, a bent knee the foot backward, a negative hip angle the knee forward
    rotations = torch.eye(3).repeat(1, 24, 1, 1)
    turns = axis_angle_to_matrix(pose_of(left_elbow=(0, -90, 0), left_knee=(90, 0, 0), right_hip=(-90, 0, 0))).float()
    for name in ('left elbow', 'left knee', 'right hip'):
        rotations[0, JOINT_NAMES.index(name)] = turns[JOINT_NAMES.index(name) - 1]
    joints = dict(zip(JOINT_NAMES, SkeletonBody()(rotations).joints[0]))
    assert joints['left wrist'][2] > 0.2 and joints['left ankle'][2] < -0.3 and joints['right knee'][2] > 0.3


def test_unused_keypoints_have_no_influence(short):
    _, _, keypoints = seen([mean_pose(), mean_pose()], [0, 120])
    scores = np.ones(keypoints.shape[:2])
    scores[:, 2], scores[:, 7] = 0.29, np.nan
    moved = keypoints.copy()
    moved[:, 2], moved[:, 7] = 1e6, np.inf
    for first, second in zip(fit(keypoints, scores), fit(moved, scores)):
        np.testing.assert_array_equal(first.axis_angle, second.axis_angle)
        np.testing.assert_array_equal(first.translation, second.translation)
        assert first.error == second.error and 'left_elbow' not in first.keypoint_names
        assert len(first.keypoint_names) == len(SHOWN) - 2
    used = [i for i, name in enumerate(SHOWN) if name in first.keypoint_names]
    joints = first.joints[[JOINT_NAMES.index(SHOWN[i].replace('_', ' ')) for i in used]]
    shown = 5000 * joints[:, :2] / joints[:, 2:] + CENTER
    assert first.error == pytest.approx(np.linalg.norm(shown - keypoints[1, used], axis=1).mean(), rel=1e-3)


def test_batch_equals_singles(short):
    _, _, keypoints = seen([mean_pose(), pose_of(left_elbow=(0, -90, 0)), mean_pose()], [0, 120, 240])
    scores = np.random.default_rng(0).uniform(0.4, 1, keypoints.shape[:2])
    scores[1, :7] = 0
    batch = fit(keypoints, scores)
    assert batch[1] == FitFailure('5 usable keypoints, a fit needs 6')
    assert isinstance(batch[0], BodyFit) and isinstance(batch[2], BodyFit)
    for i in (0, 2):
        (alone,) = fit(keypoints[i : i + 1], scores[i : i + 1])
        np.testing.assert_allclose(batch[i].axis_angle, alone.axis_angle, atol=1e-6)
        np.testing.assert_allclose(batch[i].translation, alone.translation, atol=1e-5)


def test_people_without_a_fit_cost_only_themselves(short):
    _, _, keypoints = seen([mean_pose()] * 3, [0, 0, 0])
    keypoints[0] = keypoints[0, :1]
    keypoints[2] = np.random.default_rng(0).uniform(0, 1e12, keypoints[2].shape)
    first, second, third = fit(keypoints)
    assert first == FitFailure('all keypoints are in one place') and isinstance(second, BodyFit)
    assert third.reason.startswith('no body in front of the camera fits')


def test_wrong_arguments_are_named():
    keypoints = np.zeros((1, 3, 2))
    with pytest.raises(
        ValueError, match='0 of the keypoints a, b, c are points of the body skeleton, and a fit needs 6'
    ):
        fit_keypoints(SkeletonBody(), keypoints, np.ones((1, 3)), ['a', 'b', 'c'])
    with pytest.raises(ValueError, match=r'expected keypoints \[N, 2, 2\] and scores \[N, 2\], got \[1, 3, 2\]'):
        fit_keypoints(SkeletonBody(), keypoints, np.ones((1, 3)), ['a', 'b'])


def points_by_name(source, points=JOINT_NAMES):
    names = keypoint_names(source)
    return {names[keypoint]: points[point] for keypoint, point in match_keypoints(names, points).items()}


def test_names_of_data_sets():
    coco = points_by_name('CocoDataset')
    assert len(coco) == 12 and all(name == point for name, point in coco.items())
    whole = points_by_name('CocoWholeBodyDataset', (*JOINT_NAMES, *FACE))
    assert whole == {**coco, **{name: name for name in FACE}}  # 133 keypoints
    assert points_by_name('MpiiDataset') == {**coco, 'pelvis': 'pelvis'}
    h36m = points_by_name('Human36mDataset')
    assert h36m.pop('root') == 'pelvis' and h36m.pop('left foot') == 'left ankle'
    assert h36m.pop('right foot') == 'right ankle' and len(h36m) == 10
    assert set(match_keypoints(JOINT_NAMES, JOINT_NAMES).items()) == {(i, i) for i in range(24)}
    assert match_keypoints(['L_Hip', 'head', 'left_foot', 'left_ankle', 'hip', 'tail'], JOINT_NAMES) == {
        0: 1,
        2: 10,
        3: 7,
        4: 0,
    }


def test_place_by_hand():
    """Points a meter apart, seen 100 pixels apart at a focal length of 1000, and turned by 90 degrees."""
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [5, 5, 5]]], dtype=torch.float64)
    keypoints = torch.tensor([[[30.0, 20], [30, 120], [0, 0]]], dtype=torch.float64)
    weights, focal = torch.tensor([[1.0, 1, 0]]).double(), torch.tensor([1000.0]).double()
    rotation, translation = place(points, keypoints, weights, focal)
    torch.testing.assert_close(rotation[0] @ points[0, 1], torch.tensor([0.0, 1, 0]).double())
    torch.testing.assert_close(translation[0], torch.tensor([0.3, 0.2, 10]).double())


def test_turned_roots():
    """The first faces the camera, upright: its front (z) looks at the viewer, its left is right in the image."""
    roots = turned_roots(4)
    torch.testing.assert_close(roots[0], torch.diag(torch.tensor([1.0, -1, -1])).double())
    torch.testing.assert_close(roots[2], torch.diag(torch.tensor([-1.0, -1, 1])).double())


def gmm(number=3):
    random = np.random.default_rng(0)
    means = random.normal(0, 0.3, (number, 69))
    factors = random.normal(0, 0.1, (number, 69, 69))
    covars = factors @ factors.transpose(0, 2, 1) + 0.05 * np.eye(69)
    weights = np.arange(1, number + 1) / np.arange(1, number + 1).sum()
    return dict(means=means, covars=covars, weights=weights)


def test_gmm_prior_is_that_of_the_best_component():
    content = gmm()
    prior = GmmPrior(**content)
    poses = content['means'][[0, 1, 2, 2]] + np.random.default_rng(1).normal(0, 0.1, (4, 69))
    poses[3] = 0
    densities = [multivariate_normal(mean, cov) for mean, cov in zip(content['means'], content['covars'])]
    expected = np.min(
        [-np.log(weight) - density.logpdf(poses) for weight, density in zip(content['weights'], densities)], 0
    )
    found = prior(torch.from_numpy(poses).reshape(4, 23, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(prior.mean.flatten(), content['weights'] @ content['means'])


@pytest.mark.parametrize('protocol', [2, 4])
def test_gmm_files(tmp_path, protocol):
    content = gmm(2)
    (tmp_path / 'gmm.pkl').write_bytes(pickle.dumps(content, protocol))
    np.savez(tmp_path / 'gmm.npz', **content)
    for name in ('gmm.pkl', 'gmm.npz'):
        prior = read_gmm_prior(tmp_path / name)
        np.testing.assert_array_equal(prior.means, content['means'])
        np.testing.assert_array_equal(prior.weights, content['weights'])


class Evil:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_wrong_gmm_files(tmp_path):
    path, evil = tmp_path / 'gmm.pkl', Evil()
    evil.path = str(tmp_path / 'ran')
    path.write_bytes(pickle.dumps(dict(gmm(1), more=evil), 2))
    with pytest.raises(ValueError, match=r'pose prior .*gmm\.pkl .*mkdir'):
        read_gmm_prior(path)
    assert not (tmp_path / 'ran').exists()
    for changed, message in (
        (dict(means=np.zeros((1, 63))), r'covars \[K, 69, 69\] and weights \[K\], got \[1, 63\]'),
        (dict(covars=-np.eye(69)[None]), 'not symmetric and positive definite'),
        (dict(weights=np.array([0.5])), 'must be positive and sum to 1'),
        (dict(means=np.full((1, 69), np.nan)), 'not finite'),
    ):
        path.write_bytes(pickle.dumps(dict(gmm(1), **changed)))
        with pytest.raises(ValueError, match=message):
            read_gmm_prior(path)
    path.write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match='must be a dict of means, covars, weights'):
        read_gmm_prior(path)
    with pytest.raises(FileNotFoundError, match=r'gmm_08\.pkl comes with'):
        read_gmm_prior(tmp_path / 'absent.pkl')


def test_points_of_smpl_move_with_betas():
    body = build_body(str(parity_folder('smpl_synthetic') / 'synthetic_model.npz'))
    model = BodyPoints(body)
    random = torch.Generator().manual_seed(0)
    rotations = axis_angle_to_matrix(torch.randn(3, 24, 3, generator=random))
    betas = torch.randn(3, 10, generator=random)
    assert model.num_betas == 10 and model.names == list(JOINT_NAMES)
    torch.testing.assert_close(model(rotations, betas), body(rotations, betas).joints, atol=1e-5, rtol=0)
    torch.testing.assert_close(model(rotations), body(rotations).joints, atol=1e-5, rtol=0)


def test_betas_are_fitted(short):
    body = build_body(str(parity_folder('smpl_synthetic') / 'synthetic_model.npz'))
    keypoints = np.random.default_rng(0).uniform(0, 400, (2, 24, 2))
    fits = fit_keypoints(body, keypoints, np.ones((2, 24)), JOINT_NAMES)
    for fitted in fits:
        assert fitted.betas.shape == (10,) and 0.01 < np.abs(fitted.betas).max() < 3
        turned, betas, translation = (
            torch.from_numpy(array)[None] for array in (fitted.rotations, fitted.betas, fitted.translation)
        )
        np.testing.assert_allclose(body(turned, betas, translation).joints[0], fitted.joints, atol=1e-4)


class WithFace(SkeletonBody):
    """A nose 10 cm before the head's joint, and so on."""

    offsets = torch.tensor([[0.0, 0, 0.1], [0.03, 0.04, 0.08], [-0.03, 0.04, 0.08], [0.08, 0, 0], [-0.08, 0, 0]])

    def coco_keypoints(self, output):
        return torch.cat([output.joints[:, 15:16] + self.offsets, output.joints[:, :12]], 1)


def test_faces_follow_the_head():
    body = WithFace()
    model = BodyPoints(body)
    assert model.names == [*JOINT_NAMES, 'nose', 'left eye', 'right eye', 'left ear', 'right ear']
    rotations = axis_angle_to_matrix(torch.randn(2, 24, 3, generator=torch.Generator().manual_seed(0)))
    head = torch.eye(3)
    for joint in (0, 3, 6, 9, 12, 15):
        head = head @ rotations[:, joint]
    expected = body(rotations).joints[:, 15:16] + body.offsets @ head.mT
    torch.testing.assert_close(model(rotations)[:, 24:], expected, atol=1e-5, rtol=0)


def test_cost_of_betas_by_hand():
    model = BodyPoints(build_body(str(parity_folder('smpl_synthetic') / 'synthetic_model.npz')))
    keypoints = np.random.default_rng(0).uniform(-99, 99, (1, 24, 2))
    problem = fitting.Fitting(model, range(24), keypoints, np.ones((1, 24)), 5000, None)
    model._shapes = torch.zeros_like(model._shapes)  # so that the points stay where they are
    before = problem._pose_cost(problem.posed(), 1.0)
    problem.betas = problem.betas + 2
    assert float((problem._pose_cost(problem.posed(), 1.0) - before)[0]) == pytest.approx(25 * 10 * 4)


def test_gmm_decides_what_keypoints_do_not(short):
    """Wrists are not seen: the pose of the hands stays at the prior's mean, which is not the mean pose."""
    _, _, keypoints = seen([mean_pose()], [0])
    content = gmm(1)
    content['covars'] = np.eye(69)[None] * 1e-4
    (fitted,) = fit(keypoints, gmm=GmmPrior(**content))
    np.testing.assert_allclose(fitted.axis_angle[22:].flatten(), content['means'][0, 63:], atol=1e-3)


def test_costs_by_hand():
    """With the GMM prior: reprojection 0 and likelihood as it is, bent elbows and knees cost exp(2 angle)."""
    pose = torch.zeros(23, 3, dtype=torch.float64)
    for joint, axis, angle in ((17, 1, 0.1), (18, 1, 0.2), (3, 0, 0.3), (4, 0, 0.4)):
        pose[joint, axis] = angle  # left elbow, right elbow, left knee, right knee
    prior = GmmPrior(pose.numpy().reshape(1, -1), np.eye(69)[None], np.ones(1))
    _, _, keypoints = seen([pose], [0])
    model = BodyPoints(SkeletonBody())
    columns = [JOINT_NAMES.index(name.replace('_', ' ')) for name in SHOWN]
    problem = fitting.Fitting(model, columns, keypoints - CENTER, np.ones((1, len(SHOWN))), 5000, prior)
    bends = math.exp(0.2) + math.exp(-0.4) + math.exp(-0.6) + math.exp(-0.8)
    expected = 4.78**2 * 69 / 2 * math.log(2 * math.pi) + 15.2**2 * bends
    # of 8 sides, the first is the right one, up to perspective: less than half a pixel of the crop for each keypoint
    assert float(problem._pose_cost(problem.posed(), 1.0)[0]) == pytest.approx(expected, abs=12 * 0.25)
    shown = fitting.project(problem.posed().points[:, columns], problem.focal)
    problem.keypoints = shown + 100  # pixels of the crop, in x and y, where each of the 24 numbers counts half
    assert float(problem._reprojection(problem.posed(), problem.weights)[0]) == pytest.approx(24 * 100**2 / 2)
