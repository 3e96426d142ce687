"""Errors of poses in answers: joints, roots, masks and counts, by hand."""

import json

import numpy as np
import pytest
import torch
from mmpose.evaluation.functional import keypoint_mpjpe
from mmpose.registry import DATASETS, METRICS

from clamp_mmpose.body.pose_entries import pose_entry
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import REST
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.evaluation.bootstrap import interval
from clamp_mmpose.evaluation.poses.joint_sets import COCO17, LSP14, JointSet

REST = np.array(REST)
ELBOW, WRIST, HAND = (JOINT_NAMES.index(f'left {part}') for part in ('elbow', 'wrist', 'hand'))


def turned(joint=None, degrees=90.0, axis=(0, 0, 1.0)):
    """A rest pose with one joint turned: ``[1, 24, 3, 3]``."""
    vectors = torch.zeros(1, 24, 3)
    if joint is not None:
        vectors[0, joint] = np.deg2rad(degrees) * torch.tensor(axis)
    return axis_angle_to_matrix(vectors)


def sample(predicted, label=None, record_id='r', mask=None, **others):
    label = turned() if label is None else label
    mask = np.ones((len(label), 24), bool) if mask is None else mask
    found = dict(record_id=record_id, poses=label.numpy(), pose_masks=mask, pred_poses=predicted)
    return dict(found, **others)


def evaluate(*samples, type='BodyPoseError', **arguments):
    metric = METRICS.build(dict(type=type, **arguments))
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric


def test_a_bent_elbow():
    # a quarter turn puts the wrist as far up as it was to the side: it moves by sqrt(2) of the lower arm
    lower, hand = (np.linalg.norm(REST[i] - REST[ELBOW]) for i in (WRIST, HAND))
    expected = 1000 * np.sqrt(2) * (lower + hand) / 24
    found, metric = evaluate(sample(turned(ELBOW)))
    name = 'skeleton/smpl24/pelvis/zero'
    assert found[f'{name}/MPJPE'] == pytest.approx(expected, abs=1e-3)
    assert found[f'{name}/MPJPE_low'] == found[f'{name}/MPJPE_high'] == found[f'{name}/MPJPE']
    moved = REST.copy()
    for joint in (WRIST, HAND):
        moved[joint] = REST[ELBOW] + [0, np.linalg.norm(REST[joint] - REST[ELBOW]), 0]
    theirs = keypoint_mpjpe(moved[None], REST[None], np.ones((1, 24), bool), 'procrustes')
    assert found[f'{name}/PA-MPJPE'] == pytest.approx(1000 * theirs, abs=1e-3)
    assert [found[f'{name}/{key}'] for key in ('poses', 'missing', 'extra', 'unlabeled')] == [1, 0, 0, 0]
    joints = metric.results_by_pose[0].joints
    assert joints[WRIST] == pytest.approx(1000 * np.sqrt(2) * lower, abs=1e-3)
    assert np.flatnonzero(joints > 1e-3).tolist() == [WRIST, HAND]
    assert metric.results_by_pose[0].pa_joints.mean() == pytest.approx(found[f'{name}/PA-MPJPE'])
    without_hands, _ = evaluate(sample(turned(ELBOW)), joints='smpl22')
    expected = 1000 * np.sqrt(2) * lower / 22
    assert without_hands['skeleton/smpl22/pelvis/zero/MPJPE'] == pytest.approx(expected, abs=1e-3)


def test_a_turned_body_is_wrong_but_for_the_alignment():
    half = turned(0, 180)
    found, _ = evaluate(sample(half), prefix='p')
    assert found['p/MPJPE'] == pytest.approx(1000 * (2 * np.hypot(REST[:, 0], REST[:, 1])).mean(), abs=1e-2)
    assert found['p/PA-MPJPE'] == pytest.approx(0, abs=1e-3)


def test_roots():
    hips = REST[[1, 2]].mean(0)
    distance = 1000 * np.hypot(*(REST - hips)[:, :2].T)
    found, _ = evaluate(sample(turned(0, 180)), root='mid_hip')
    assert found['skeleton/smpl24/mid_hip/zero/MPJPE'] == pytest.approx(2 * distance.mean(), abs=1e-2)
    found, _ = evaluate(sample(turned(ELBOW)), root='none')
    assert found['skeleton/smpl24/none/zero/MPJPE'] < 100


def test_mean_and_interval_over_poses():
    angles = (10, 40, 90, 20, 0)
    samples = [sample(turned(ELBOW, angle), record_id=str(angle)) for angle in angles]
    found, metric = evaluate(*samples, prefix='p')
    each = np.array([pose.mpjpe for pose in metric.results_by_pose])
    chord = 2 * np.sin(np.deg2rad(angles) / 2)  # of the circle that the wrist moves on
    np.testing.assert_allclose(each, each[2] / np.sqrt(2) * chord, atol=1e-3)
    assert (found['p/MPJPE'], found['p/MPJPE_low'], found['p/MPJPE_high']) == pytest.approx(interval(each))


def test_answers_without_poses_are_counted_and_in_no_mean():
    none, two = torch.zeros(0, 24, 3, 3), torch.cat([turned(), turned(ELBOW)])
    samples = [
        sample(turned(ELBOW)),
        sample(none, record_id='nothing'),
        sample(two, record_id='more'),
        sample(turned(), torch.cat([turned(), turned()]), record_id='fewer'),
        sample(two, two, record_id='two'),
    ]
    found, metric = evaluate(*samples, prefix='p')
    assert [found[f'p/{key}'] for key in ('poses', 'missing', 'extra', 'unlabeled')] == [5, 2, 1, 0]
    alone, _ = evaluate(samples[0], prefix='p')
    assert found['p/MPJPE'] == pytest.approx(alone['p/MPJPE'] / 5, rel=1e-5)  # the others are right
    assert [pose.record_id for pose in metric.results_by_pose] == ['r', 'more', 'fewer', 'two', 'two']
    nothing, _ = evaluate(samples[1], prefix='p')
    assert nothing['p/MPJPE'] == nothing['p/PA-MPJPE_high'] == float('inf') and nothing['p/missing'] == 1


def test_joints_below_an_unlabeled_one_do_not_count():
    mask = np.ones((1, 24), bool)
    mask[0, ELBOW] = False
    found, metric = evaluate(sample(turned(ELBOW), mask=mask), prefix='p')
    assert found['p/MPJPE'] == pytest.approx(0, abs=1e-3)
    assert np.flatnonzero(np.isnan(metric.results_by_pose[0].joints)).tolist() == [WRIST, HAND]
    hands = np.ones((1, 24), bool)
    hands[0, 22:] = False  # SMPL-H: nothing is below the hands
    assert not np.isnan(evaluate(sample(turned(), mask=hands))[1].results_by_pose[0].joints).any()
    root = np.ones((1, 24), bool)
    root[0, 0] = False  # only the pelvis itself is known then
    found, _ = evaluate(sample(turned(), mask=root), sample(turned(), record_id='s'), prefix='p')
    assert (found['p/poses'], found['p/unlabeled']) == (1, 1)


def test_a_sample_without_predictions_or_labels():
    with pytest.raises(ValueError, match="record 'r' has no pred_poses"):
        evaluate(dict(record_id='r'))
    with pytest.raises(ValueError, match="record 'r': pred_poses are not finite"):
        evaluate(sample(turned() * float('nan')))
    found, _ = evaluate(dict(record_id='r', pred_poses=turned()), sample(turned()), prefix='p')
    assert (found['p/poses'], found['p/extra'], found['p/unlabeled']) == (1, 1, 1)


def test_labeled_places():
    rows = list(range(23, -1, -1))  # the file has the joints backward
    places = np.concatenate([REST[::-1] + np.array([1, 2, 3]), np.ones((24, 1))], 1)
    places[3, 3] = 0  # joint 20
    arguments = dict(label_rows=rows, label_root=[23])
    found, metric = evaluate(sample(turned(), joints_3d=places), **arguments)
    assert found['skeleton/smpl24/pelvis/zero/joints_3d/MPJPE'] == pytest.approx(0, abs=1e-3)
    assert np.flatnonzero(np.isnan(metric.results_by_pose[0].joints)).tolist() == [20]
    with pytest.raises(ValueError, match="record 'r' has no joints_3d"):
        evaluate(sample(turned()), **arguments)


class Surface(torch.nn.Module):
    """Of a skeleton: each joint of the rest pose is a vertex; betas make it larger."""

    name, faces = 'surface', None

    def forward(self, rotations, betas=None, translation=None):
        from clamp_mmpose.body.output import BodyOutput
        from clamp_mmpose.body.skeleton_body import SkeletonBody

        joints = SkeletonBody()(rotations).joints
        joints = joints if betas is None else joints * (1 + betas[:, :1, None])
        return BodyOutput(joints, joints)

    def regress(self, regressor, output):
        return regressor @ output.vertices

    def coco_keypoints(self, output):
        return output.vertices[:, :17]


def test_regressed_joints(tmp_path):
    """Row r of the regressor is vertex 23 - r; the pelvis is vertex 23, the left hand."""
    np.save(tmp_path / 'regressor.npy', np.eye(24)[::-1][:17].copy())
    found = JointSet('lsp14', 'pelvis', str(tmp_path / 'regressor.npy'))(Surface(), turned(), np.ones((1, 24), bool))
    assert found.points.shape == (1, 14, 3) and len(LSP14) == 14
    rows = (6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10)
    expected = REST[[23 - row for row in rows]] - REST[23]
    np.testing.assert_allclose(found.points[0], expected, atol=1e-6)
    coco = JointSet('coco17', 'mid_hip')(Surface(), turned(), np.arange(24)[None] < 21)
    np.testing.assert_allclose(coco.points[0], REST[:17] - (REST[11] + REST[12]) / 2, atol=1e-6)
    assert COCO17[11:13] == ('left hip', 'right hip') and not coco.known.any()  # a wrist is not labeled


def test_shapes_and_bodies_by_gender(monkeypatch):
    monkeypatch.setattr('clamp_mmpose.evaluation.metrics.body_pose_error.build_body', lambda kind: Surface())
    size = 1000 * np.linalg.norm(REST, axis=1).mean()
    taller = sample(turned(), betas=np.array([0.5, 0]), gender='male')
    arguments = dict(body='SMPL_NEUTRAL.pkl', prefix='p')
    assert evaluate(taller, shape='zero', **arguments)[0]['p/MPJPE'] == pytest.approx(0, abs=1e-3)
    assert evaluate(taller, shape='label', **arguments)[0]['p/MPJPE'] == pytest.approx(0, abs=1e-3)
    found, metric = evaluate(taller, shape='zero_vs_label', body='a/SMPL_NEUTRAL.pkl', label_bodies=dict(male='m.pkl'))
    assert metric.prefix == 'SMPL_NEUTRAL/smpl24/pelvis/zero_vs_label/gendered'
    assert found[f'{metric.prefix}/MPJPE'] == pytest.approx(size / 2, abs=1e-2)
    assert found[f'{metric.prefix}/PA-MPJPE'] == pytest.approx(0, abs=1e-2)
    with pytest.raises(ValueError, match="has gender='female'; label_bodies are male"):
        evaluate(dict(taller, gender='female'), label_bodies=dict(male='m.pkl'))
    with pytest.raises(ValueError, match="record 'r' has no betas: set shape='zero'"):
        evaluate(sample(turned()), shape='label')


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(joints='coco'), "joints='coco', expected one of 'smpl24'"),
        (dict(root='hip'), "root='hip', expected one of 'none', 'pelvis', 'mid_hip'"),
        (dict(shape='mean'), "shape='mean', expected one of 'zero'"),
        (dict(joints='coco17'), "joints='coco17' have no pelvis"),
        (dict(joints='lsp14'), "'lsp14' needs J_regressor_h36m.npy"),
        (dict(regressor='a.npy'), "joints='smpl24' with regressor='a.npy'"),
        (dict(label_rows=[0]), 'label_rows needs 24 rows'),
        (dict(label_rows=range(24)), 'need label_root'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        METRICS.build(dict(type='BodyPoseError', **arguments))


def test_wrong_regressors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'regressor absent\.npy not found'):
        JointSet('lsp14', 'pelvis', 'absent.npy')
    np.save(tmp_path / 'a.npy', np.ones((17, 3)))
    with pytest.raises(ValueError, match='the weights of a joint must sum to 1'):
        JointSet('lsp14', 'pelvis', str(tmp_path / 'a.npy'))
    np.save(tmp_path / 'b.npy', np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match='without pickles'):
        JointSet('lsp14', 'pelvis', str(tmp_path / 'b.npy'))


def test_errors_by_aspect_then_the_mean():
    people = [('a', 'behavior', 90), ('a', 'pose', 20), ('b', 'behavior', 30), ('b', 'pose', 0), ('c', 'behavior', 60)]
    samples = [
        sample(turned(ELBOW, angle), record_id=f'{person}/{aspect}', person=person, aspect=aspect)
        for person, aspect, angle in people
    ]
    found, metric = evaluate(*samples, type='ReasonedPoseError', prefix='p')
    each = {pose.record_id: pose.mpjpe for pose in metric.results_by_pose}
    behavior = np.mean([each[f'{person}/behavior'] for person in 'abc'])
    pose = np.mean([each[f'{person}/pose'] for person in 'ab'])
    assert found['p/behavior/MPJPE'] == pytest.approx(behavior) and found['p/pose/MPJPE'] == pytest.approx(pose)
    assert found['p/MPJPE'] == pytest.approx((behavior + pose) / 2) != pytest.approx(np.mean(list(each.values())))
    assert found['p/MPJPE_low'] < found['p/MPJPE'] < found['p/MPJPE_high']
    assert found['p/missing_aspects'] == 3 and 'p/shape/MPJPE' not in found
    assert [found[f'p/{aspect}/poses'] for aspect in ('behavior', 'shape', 'outfits', 'pose', 'summary')] == [
        *(3, 0, 0, 2, 0)
    ]
    nothing, _ = evaluate(
        sample(torch.zeros(0, 24, 3, 3), person='a', aspect='pose'), type='ReasonedPoseError', prefix='p'
    )
    assert nothing['p/PA-MPJPE'] == float('inf') and nothing['p/missing_aspects'] == 5
    with pytest.raises(ValueError, match="record 'r' has no aspect or no person"):
        evaluate(sample(turned()), type='ReasonedPoseError')


def spg(**changes):
    entry = dict(
        pose_id=7,
        source='file.npz',
        pose=pose_entry(turned(ELBOW)[0].numpy()),
        sentences=[f'This person is doing thing {i}.' for i in range(5)],
    )
    return {**entry, **changes}


def rpe(**changes):
    texts = {aspect: f'Text of {aspect}.' for aspect in ('behavior', 'shape', 'outfits', 'pose', 'summary')}
    entry = dict(
        image='a.jpg', box=[1, 2, 30, 40], person=0, pose=pose_entry(turned(ELBOW)[0].numpy()), descriptions=texts
    )
    return {**entry, **changes}


def written(path, *entries):
    path.write_text(''.join(json.dumps(entry) + '\n' for entry in entries))
    return str(path)


def test_speculative_poses(tmp_path):
    path = written(tmp_path / 'spg.jsonl', spg(), spg(pose_id='x', sentences=['This person is late!']))
    dataset = DATASETS.build(dict(type='SpeculativePoses', ann_file=path))
    assert [dataset[i]['record_id'] for i in range(6)] == ['7/1', '7/2', '7/3', '7/4', '7/5', 'x/1']
    assert dataset[1]['conversations'] == [
        {'from': 'human', 'value': 'This person is doing thing 1, can you give the SMPL pose of this person?'},
        {'from': 'gpt', 'value': 'Sure, it is <POSE>.'},
    ]
    assert dataset[1]['texts'] == ['This person is doing thing 1.'] and dataset[1]['img_path'] is None
    np.testing.assert_allclose(dataset[4]['poses'], turned(ELBOW).numpy(), atol=1e-5)
    assert dataset[5]['conversations'][0]['value'].startswith('This person is late!, can you')


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(sentences=[]), 'sentences must be a list of texts'),
        (dict(sentences=['a', ' ']), 'sentences must be a list of texts'),
        (dict(pose=None), r'expected \{"axis_angle"'),
        (dict(pose=dict(axis_angle=[[0, 0, 0]] * 23)), 'expected .* got numbers of shape'),
        (dict(pose_id=None), 'pose_id must be there and unique'),
        (dict(), 'pose_id must be there and unique'),
    ],
)
def test_wrong_speculative_poses(tmp_path, change, message):
    first = spg() if not change else spg(pose_id='first')
    entry = {key: value for key, value in spg(**change).items() if key != 'pose_id' or value is not None}
    path = written(tmp_path / 'spg.jsonl', first, entry)
    with pytest.raises(ValueError, match=f'line 2: (pose 0: )?{message}'):
        DATASETS.build(dict(type='SpeculativePoses', ann_file=path))


def test_reasoned_poses(tmp_path):
    (tmp_path / 'a.jpg').touch()
    fewer = rpe(person=1, descriptions=dict(pose='It stands.'), box=None)
    path = written(tmp_path / 'rpe.jsonl', rpe(), fewer, rpe(person=2, pose=None))
    dataset = DATASETS.build(dict(type='ReasonedPoses', ann_file=path, data_prefix=dict(img=str(tmp_path))))
    names = [f'a.jpg#0/{aspect}' for aspect in ('behavior', 'shape', 'outfits', 'pose', 'summary')] + ['a.jpg#1/pose']
    assert [dataset[i]['record_id'] for i in range(len(dataset))] == names
    first, last = dataset[4], dataset[5]
    assert first['conversations'][0]['value'] == (
        '<image>\nText of summary, can you give the SMPL pose of this person?'
    )
    assert (first['aspect'], first['person'], first['bbox']) == ('summary', 'a.jpg#0', (1, 2, 30, 40))
    assert first['img_path'] == str(tmp_path / 'a.jpg') and last['bbox'] is None
    assert dataset.without_pose == 1
    assert dataset.missing == dict(behavior=1, shape=1, outfits=1, pose=0, summary=1)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(image='b.jpg'), 'image .*b.jpg does not exist'),
        (dict(image=5), 'image must be the name of a file'),
        (dict(person=None), 'person must be there'),
        (dict(box=[5, 5, 1, 9]), 'a box must be'),
        (dict(descriptions=['a']), 'descriptions must be texts of behavior'),
        (dict(descriptions=dict(mood='fine')), 'descriptions must be texts of behavior'),
        (dict(pose=dict(axis_angle=0)), r'expected \{"axis_angle"'),
        (dict(descriptions={}), 'no person has a pose and a description'),
        (dict(pose=None), 'no person has a pose and a description'),
    ],
)
def test_wrong_reasoned_poses(tmp_path, change, message):
    (tmp_path / 'a.jpg').touch()
    path = written(tmp_path / 'rpe.jsonl', rpe(**change))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        DATASETS.build(dict(type='ReasonedPoses', ann_file=path, data_prefix=dict(img=str(tmp_path))))
