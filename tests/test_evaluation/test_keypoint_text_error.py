"""Answers with keypoints as text -> bodies -> errors of their poses; and the records that teach such answers."""

import json
import math

import cv2
import numpy as np
import pytest
import torch
from mmpose.registry import DATASETS, METRICS, TRANSFORMS

from clamp_mmpose.body.fitting import fitting
from clamp_mmpose.body.fitting.joint_limits import mean_pose
from clamp_mmpose.body.fitting.keypoint_points import match_keypoints
from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.cli.keypoint_records import main
from clamp_mmpose.codecs.keypoint_text import QUESTION, format_keypoints, parse_keypoints
from clamp_mmpose.language.keypoint_names import keypoint_names

NAMES = keypoint_names('CocoDataset')
PREFIX = 'skeleton/smpl24/pelvis/zero'


def facing(yaw):
    """Someone at ease who turns to the side, and the keypoints in an image of two by two meters."""
    root = axis_angle_to_matrix(torch.tensor([math.pi, 0, 0])) @ axis_angle_to_matrix(torch.tensor([0, yaw, 0]))
    rotations = torch.cat([root[None], axis_angle_to_matrix(mean_pose()).float()])[None]
    joints = SkeletonBody()(rotations).joints[0].numpy()
    matched = match_keypoints(NAMES, JOINT_NAMES)
    fractions, visible = np.zeros((17, 2)), np.zeros(17, bool)
    fractions[list(matched)] = joints[list(matched.values()), :2] / 2 + 0.5
    visible[list(matched)] = True
    return rotations.numpy(), format_keypoints(NAMES, fractions, visible)


def test_answers_are_fitted_and_scored(monkeypatch):
    monkeypatch.setattr(fitting, 'CAMERA_STEPS', 30)
    monkeypatch.setattr(fitting, 'POSE_STEPS', 60)
    label, text = facing(0.6)
    samples = [
        dict(record_id=i, poses=label, pose_masks=np.ones((1, 24), bool), pred_text=answer)
        for i, answer in enumerate([text, 'I see nobody.', text[: text.index(',Right elbow')], text[:-4]])
    ]
    metric = METRICS.build(dict(type='KeypointTextError'))
    metric.process(None, samples)
    found = metric.evaluate(4)
    counts = [found[f'{PREFIX}/{name}'] for name in ('poses', 'missing', 'malformed', 'too_few', 'extra')]
    assert counts == [1, 3, 2, 1, 0]
    assert 0 < found[f'{PREFIX}/PA-MPJPE'] < 40  # bins of 2 cm; arms and legs of another length of 10 %
    assert found[f'{PREFIX}/MPJPE'] < 60
    with pytest.raises(ValueError, match='record 0 has no pred_text'):
        metric.process(None, [dict(record_id=0, poses=label)])


@pytest.fixture
def data(tmp_path):
    """A person whose box is 40 x 60, with a visible nose, a hidden left eye and a right eye outside the square."""
    keypoints = [0] * 51
    keypoints[:9] = [30, 40, 2, 33, 38, 1, 95, 38, 2]
    person = dict(id=1, image_id=1, category_id=1, bbox=[10, 20, 40, 60], area=2400, iscrowd=0, keypoints=keypoints)
    blind = dict(person, id=2, keypoints=[33, 38, 1] * 17)
    content = dict(
        images=[dict(id=1, file_name='1.png', width=100, height=100)],
        annotations=[person, blind],
        categories=[dict(id=1, name='person', keypoints=NAMES, skeleton=[])],
    )
    (tmp_path / 'people.json').write_text(json.dumps(content))
    facts = f"facts = dict(dataset=dict(type='CocoDataset', data_root='{tmp_path}', ann_file='people.json'))"
    (tmp_path / 'config.py').write_text(facts)
    image = np.zeros((100, 100, 3), np.uint8)
    image[40, 30] = 255
    cv2.imwrite(str(tmp_path / '1.png'), image)
    return tmp_path


def test_records_name_places_of_the_crop(data, capsys):
    out = data / 'keypoints.jsonl'
    assert main([str(data / 'config.py'), '--out', str(out), '--margin', '1.5']) == 0
    assert '1 images; left out: 1 instances without visible keypoints\nwrote 1 records' in capsys.readouterr().out
    (record,) = map(json.loads, out.read_text().splitlines())
    # the box's center is (30, 50), the square has 90 pixels: the nose is at (45 / 90, 35 / 90)
    assert record == {
        'id': '1_1',
        'image': '1.png',
        'box': [-15, 5, 75, 95],
        'conversations': [
            {'from': 'human', 'value': f'<image>\n{QUESTION}'},
            {'from': 'gpt', 'value': 'The detected visible keypoints are Nose:(50,38).'},
        ],
    }
    dataset = DATASETS.build(dict(type='InstructionDataset', ann_files=str(out), data_prefix=dict(img=str(data))))
    results = TRANSFORMS.build(dict(type='CropPerson'))(dataset.get_data_info(0))
    crop = np.asarray(results['images'][0])
    assert crop.shape == (90, 90, 3)
    ((row, column),) = np.argwhere(crop[..., 0])
    fractions, _ = parse_keypoints(record['conversations'][1]['value'], NAMES)
    np.testing.assert_allclose(fractions[0] * 90, [column, row], atol=0.9)


def test_wrong_records(data, capsys):
    (data / 'empty.py').write_text('llm = dict()')
    assert main([str(data / 'empty.py'), '--out', str(data / 'a.jsonl')]) == 1
    assert 'has no facts, see configs/texts' in capsys.readouterr().err
    assert main([str(data / 'config.py'), '--out', str(data / 'a.txt')]) == 1
    assert 'expected a file that ends with .json or .jsonl' in capsys.readouterr().err
    record = dict(image='1.png', box=[3, 2, 1], conversations=[])
    (data / 'wrong.jsonl').write_text(json.dumps(record))
    with pytest.raises(ValueError, match='a box must be four finite numbers'):
        DATASETS.build(
            dict(type='InstructionDataset', ann_files=str(data / 'wrong.jsonl'), data_prefix=dict(img=str(data)))
        )
