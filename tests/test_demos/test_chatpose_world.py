"""The drawn people with known 3D poses."""

import json

import numpy as np
import pytest
import torch

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.datasets.files.images import read_image
from demos.chatpose.world.dataset import write_pose_world
from demos.chatpose.world.image import FOCAL, draw_pose
from demos.chatpose.world.poses import ACTIVITIES, random_pose


@pytest.fixture(scope='module')
def people():
    return [draw_pose(64, 0, number) for number in range(40)]


def test_the_limbs_do_what_the_activity_says():
    poses = [random_pose(np.random.default_rng(seed)) for seed in range(300)]
    seen = {}
    for pose in poses:
        if pose.activity is not None:
            rotations = axis_angle_to_matrix(torch.from_numpy(pose.axis_angle).float())
            rotations[0] = torch.eye(3)  # x to the person's left, y up, z to the front
            joints = dict(zip(JOINT_NAMES, SkeletonBody()(rotations[None]).joints[0].numpy()))
            seen.setdefault(pose.activity.sentence, []).append(joints)
    assert len(seen) == len(ACTIVITIES)
    for joints in seen['is cheering at a goal']:
        assert joints['left wrist'][1] > joints['head'][1] < joints['right wrist'][1]
    for joints in seen['is watching television on a chair']:
        for side in ('left', 'right'):
            assert joints[f'{side} knee'][2] > 0.3 and joints[f'{side} ankle'][1] < joints[f'{side} knee'][1] - 0.2
    for joints in seen['is bowing to the audience']:
        assert joints['neck'][2] > 0.2
    raised = [joints['left wrist'][1] > joints['head'][1] for joints in seen['is hailing a taxi']]
    assert 0 < sum(raised) < len(raised)  # either hand
    for joints, left in zip(seen['is hailing a taxi'], raised):
        assert (joints['right wrist'][1] > joints['head'][1]) != left


def test_joints_are_seen_under_the_camera(people):
    for person in people:
        # where the pelvis is follows from the points: FOCAL (x + px) = ray (z + pz) of each joint, and so for y
        rays = (person.points + 0.5) / 64 - 0.5
        rows = np.zeros((24, 2, 3))
        rows[:, 0, 0] = rows[:, 1, 1] = FOCAL
        rows[..., 2] = -rays
        targets = rays * person.joints[:, 2:] - FOCAL * person.joints[:, :2]
        pelvis = np.linalg.lstsq(rows.reshape(48, 3), targets.ravel(), rcond=None)[0]
        places = person.joints + pelvis
        np.testing.assert_allclose(FOCAL * places[:, :2] / places[:, 2:], rays, atol=1e-4)
        assert (person.points > 0).all() and (person.points < 63).all(), person.points
    facing = [person.joints[16, 0] > person.joints[17, 0] for person in people]
    assert all(facing)  # towards the camera: the left shoulder on the image's right


def test_records(tmp_path):
    root = write_pose_world(tmp_path, (12, 6), seed=1)
    kinds = {path.relative_to(root).as_posix(): path.read_text().splitlines() for path in root.glob('*/*.jsonl')}
    assert set(kinds) == {
        *(f'train/{kind}.jsonl' for kind in ('image', 'text', 'vqa', 'described')),
        *(f'val/{kind}.jsonl' for kind in ('image', 'text', 'indirect', 'described')),
    }
    image, described = (json.loads(kinds[f'val/{kind}.jsonl'][0]) for kind in ('image', 'described'))
    assert image['poses'] == described['poses'] and image['id'] == described['id'] == '500001'
    assert read_image(str(root / 'images' / image['image'])).shape == (64, 64, 3)
    assert image['conversations'][0]['value'].startswith('<image>\n')
    assert image['conversations'][1]['value'].count('<POSE>') == 1
    text = json.loads(kinds['val/text.jsonl'][0])
    assert described['texts'][0] in text['conversations'][0]['value'] and 'image' not in text
    assert all(len(json.loads(line)['poses']) == 1 for line in kinds['val/indirect.jsonl'])
    assert all('poses' not in json.loads(line) for line in kinds['train/vqa.jsonl'])
    assert len(kinds['train/text.jsonl']) > 12  # descriptions and activities
    before = (root / 'train/text.jsonl').stat().st_mtime_ns
    write_pose_world(tmp_path, (12, 6), seed=1)
    assert (root / 'train/text.jsonl').stat().st_mtime_ns == before
