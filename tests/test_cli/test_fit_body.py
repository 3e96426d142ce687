"""The command that fits a body to keypoints of files or of a model."""

import json

import cv2
import numpy as np
import pytest
import torch

from clamp_mmpose import apis
from clamp_mmpose.body.fitting import fitting
from clamp_mmpose.body.pose_file import read_pose
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.cli.fit_body import main
from clamp_mmpose.datasets.poses.pose_records import PoseRecords
from clamp_mmpose.language.keypoint_names import keypoint_names

NAMES = keypoint_names('CocoDataset')
CORNERS = [[300, 100], [310, 90], [290, 90], [325, 95], [275, 95], [345, 150], [255, 150], [355, 215], [245, 215]]
CORNERS += [[360, 275], [240, 275], [322, 290], [278, 290], [325, 390], [275, 390], [325, 490], [275, 490]]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(fitting, 'CAMERA_STEPS', 4)
    monkeypatch.setattr(fitting, 'POSE_STEPS', 12)


def person(shift=0, scores=0.9, names=True):
    keypoints = [[x + shift, y] for x, y in CORNERS]
    named = dict(keypoint_names=NAMES) if names else {}
    return dict(keypoints=keypoints, keypoint_scores=[scores] * 17, bbox=[[200, 50, 400, 520]], **named)


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def records(out):
    return [json.loads(line) for line in (out / 'poses.jsonl').read_text().splitlines()]


def test_keypoints_of_predict(tmp_path, capsys):
    file, out = write(tmp_path / 'street.json', [person(), person(40, 0.2), person(-30)]), tmp_path / 'out'
    assert main(['--keypoints', file, '--out', str(out)]) == 0
    output, errors = capsys.readouterr()
    assert output == f'2 of 3 people fitted, in {out}.\n'
    assert 'skipped street_2: 0 usable keypoints, a fit needs 6' in errors and 'Fits' in errors
    names = [f'street_{i}{suffix}' for i in (1, 3) for suffix in ('.jpg', '.json', '.npz', '.obj')]
    assert sorted(path.name for path in out.iterdir()) == ['poses.jsonl', *names]
    for i, record in zip((1, 3), records(out)):
        pose = read_pose(out / f'street_{i}.json')
        joints = SkeletonBody()(torch.from_numpy(pose.rotations)[None], None, torch.tensor([record['translation']]))
        np.testing.assert_allclose(pose.joints, joints.joints[0], atol=1e-4)
        wrists = record['focal'] * pose.joints[20:22, :2] / pose.joints[20:22, 2:] + record['center']
        shift = (0, -30)[i // 3]
        np.testing.assert_allclose(wrists, np.add(CORNERS[9:11], [shift, 0]), atol=25)  # left, then right
        assert record['box'] == [200, 50, 400, 520] and record['error'] < 10
        assert record['keypoints'] == NAMES[5:] and record['center'] == [300 + shift, 320]
    # the records are training data
    samples = list(PoseRecords(str(out / 'poses.jsonl')))
    np.testing.assert_allclose(samples[1].rotations, pose.rotations, atol=1e-5)
    assert [sample.record_id for sample in samples] == ['street_1', 'street_3'] and samples[0].mask.all()


def test_coco_results(tmp_path, capsys):
    rows = np.column_stack([CORNERS, np.full(17, 0.8)]).ravel().tolist()
    results = [dict(image_id=image, category_id=1, keypoints=rows, score=0.9) for image in (785, 785, 9)]
    file, out = write(tmp_path / 'results.json', results), tmp_path / 'out'
    assert main(['--keypoints', file, '--out', str(out)]) == 0
    assert '3 of 3 people' in capsys.readouterr().out
    assert [record['id'] for record in records(out)] == ['results_785_1', 'results_785_2', 'results_9_1']
    first, second, _ = (record['poses'] for record in records(out))
    assert first == second
    assert main(['--keypoints', file, '--out', str(out), '--dataset', 'MpiiDataset']) == 1
    assert 'expected 16 keypoints [x, y] and as many keypoint_scores, got [17, 2] and [17]' in capsys.readouterr().err


def test_images(tmp_path, capsys, monkeypatch):
    class Model:
        def __init__(self, config, checkpoint, device, det_model):
            assert (checkpoint, det_model) == ('model.pth', 'whole_image')

        def __call__(self, images):
            for i, _ in enumerate(images):
                yield dict(predictions=[[person(10 * i)]])

    monkeypatch.setattr(apis, 'TextPoseInferencer', Model)
    (tmp_path / 'config.py').write_text('model = dict()')
    images = [str(tmp_path / f'{name}.png') for name in 'ab']
    for image in images:
        cv2.imwrite(image, np.zeros((560, 600, 3), np.uint8))
    options = ['--config', str(tmp_path / 'config.py'), '--checkpoint', 'model.pth', '--det-model', 'whole_image']
    assert main([*images, *options, '--out', str(tmp_path / 'out'), '--focal', '1000']) == 0
    first, second = records(tmp_path / 'out')
    assert (first['image'], second['image'], first['id'], second['id']) == (*images, 'a_1', 'b_1')
    assert first['center'] == second['center'] == [300, 280] and first['focal'] == 1000
    assert first['translation'][2] == pytest.approx(1000 * 0.48 / 140, rel=0.3)  # a torso of 0.48 m, 140 pixels


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'must be a JSON array'),
        ([dict(x=1)], 'expected a list of people with keypoints: give files of tools/predict.py, or COCO results'),
        ([person(names=False)], 'a, person 1: the keypoints have no names: say whose they are'),
        ([dict(person(), keypoints=[[1, 2]])], 'expected 17 keypoints [x, y] and as many keypoint_scores, got [1, 2]'),
        ([dict(image_id='../x', keypoints=[1, 2, 3])], 'expected image_id and x, y, score of keypoints'),
        ([dict(person(), keypoint_names=['tail'] * 17)], '0 of the keypoints tail'),
        ([], '0 of 0 people fitted'),
    ],
)
def test_wrong_files(tmp_path, capsys, content, message):
    file = write(tmp_path / 'a.json', content)
    assert main(['--keypoints', file, '--out', str(tmp_path / 'out')]) == 1
    assert message in ''.join(capsys.readouterr())
    assert not (tmp_path / 'out').exists()


def test_wrong_arguments(tmp_path, capsys):
    file = write(tmp_path / 'a.json', [person()])
    for arguments, message in (
        ([], 'give images with --config and --checkpoint, or --keypoints FILE'),
        (['a.png'], 'give images with --config and --checkpoint'),
        (['--keypoints', file, file], 'two images give the files a_1: they need different names'),
        (['--keypoints', file, '--out', file], 'is not a folder'),
        (['--keypoints', file, '--gmm', 'absent.pkl'], 'pose prior absent.pkl does not exist'),
        (['--keypoints', file, '--body', 'absent.npz'], 'body file absent.npz does not exist'),
        (['--keypoints', 'absent.json'], 'keypoints absent.json not found'),
    ):
        assert main(arguments) == 1
        assert message in capsys.readouterr().err
