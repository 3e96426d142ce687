"""Questions that are answered with poses, in Python and by the command."""

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from clamp_mmpose.apis import ImageChat, PoseChat
from clamp_mmpose.apis.pose_chat import asks_for_pose
from clamp_mmpose.apis.pose_reply import Pose, PoseReply
from clamp_mmpose.body.pose_file import read_pose
from clamp_mmpose.body.rotations import axis_angle_to_matrix, six_to_matrix
from clamp_mmpose.body.skeleton_body import REST, SkeletonBody
from clamp_mmpose.cli import chat as command
from clamp_mmpose.models.pose_estimators.pose_answer import PoseAnswer

PIXELS = np.random.default_rng(0).integers(0, 255, (2, 40, 30, 3), np.uint8)
IMAGES = [Image.fromarray(pixels) for pixels in PIXELS]
QUESTION = 'What is this person doing? Give the pose.'
TURNS = [{'from': 'human', 'value': QUESTION}]


@pytest.fixture(scope='module')
def chat(chat_pose):
    return PoseChat(str(chat_pose[0]), str(chat_pose[1]), 'cpu')


def test_poses_of_answers(chat_pose, chat):
    """They are the model's, with the joints of the body."""
    model = chat_pose[2]
    for image, own in ((IMAGES[0], IMAGES[:1]), (None, []), (IMAGES, IMAGES)):
        reply = chat(image, QUESTION)
        (answer,) = model.generate_poses([own], [TURNS], 8, force_pose=True)
        assert reply.text == answer.text and '<POSE>' in reply.text and reply.notes == ()
        assert len(reply.poses) == reply.text.count('<POSE>') == len(answer.rotations)
        pose = reply.poses[0]
        assert np.allclose(pose.rotations, answer.rotations[0], atol=1e-6) and pose.text == reply.text
        joints = SkeletonBody()(answer.rotations).joints[0]
        assert np.allclose(pose.joints, joints, atol=1e-6) and pose.vertices is None
        assert np.allclose(axis_angle_to_matrix(torch.from_numpy(pose.axis_angle)), pose.rotations, atol=1e-5)
        assert np.allclose(six_to_matrix(torch.from_numpy(pose.six)), pose.rotations, atol=1e-5)
    first, second = chat(IMAGES[0], QUESTION), chat(IMAGES[1], QUESTION)
    assert np.abs(first.poses[0].joints - second.poses[0].joints).max() > 1e-3
    # a conversation goes on with the answer before, which has a pose token
    (after,) = model.generate_poses(
        [[]], [[*TURNS, {'from': 'gpt', 'value': first.text}, {'from': 'human', 'value': 'And now?'}]], 8, 0.0, True
    )
    assert chat(None, 'And now?', [(QUESTION, first.text)]).text == after.text
    both = chat.ask(IMAGES, [QUESTION] * 2, force_pose=True)
    assert [reply.text for reply in both] == [first.text, second.text]
    assert np.allclose(both[1].poses[0].joints, second.poses[0].joints, atol=1e-4)


def test_answers_without_pose_and_many_poses(chat, monkeypatch):
    passed = []

    def generate_poses(images, conversations, max_new_tokens, temperature, force_pose):
        passed.append(force_pose)
        return [PoseAnswer('I do not know.', torch.zeros(0, 24, 3, 3))]

    monkeypatch.setattr(chat.model, 'generate_poses', generate_poses)
    reply = chat(None, QUESTION)
    assert reply.text == 'I do not know.' and reply.poses == [] and len(reply.notes) == 1
    assert 'a pose was asked for, and the answer has none, only its text' in reply.notes[0]
    assert chat(None, 'What is this?', force_pose=False).notes == () and passed == [True, False]
    identity = torch.eye(3).expand(40, 24, 3, 3)
    many = PoseAnswer('<POSE>' * 40, identity, ((1, 4), (39, 0)))
    monkeypatch.setattr(chat.model, 'generate_poses', lambda *_, **__: [many])
    reply = chat(None, QUESTION)
    assert len(reply.poses) == 40 and np.allclose(reply.poses[39].joints, REST)
    assert reply.notes == (
        "pose 2: the model gave no rotation for 'left knee', which is kept straight.",
        "pose 40: the model gave no rotation for 'pelvis', which is kept straight.",
    )


def test_words_that_ask_for_a_pose():
    for text, expected in (
        ('Give the SMPL format.', True),
        ('Which Poses are there?', True),
        ('Is it composed?', False),
        ('What is the purpose?', False),
    ):
        assert asks_for_pose([{'from': 'human', 'value': text}]) is expected
    assert asks_for_pose([*TURNS, {'from': 'gpt', 'value': 'Yes.'}, {'from': 'human', 'value': 'Who?'}]) is False


def test_files_of_a_reply(tmp_path):
    turned = axis_angle_to_matrix(torch.tensor([[np.pi, 0, 0], *[[0.0, 0, 0]] * 23])).float()
    joints = SkeletonBody()(turned[None]).joints[0].numpy()
    surface = Pose(turned.numpy(), joints, np.float32([[0, -1, 0], [1, 0, 0], [0, 0, 2]]), np.array([[0, 1, 2]]), 'b')
    reply = PoseReply('a', [Pose(turned.numpy(), joints, text='a'), surface])
    files = reply.save(tmp_path / 'new' / 'folder')
    assert [file.name for file in files] == [f'pose_{i}{end}' for i in (1, 2) for end in command_endings()]
    for file in (files[0], files[1]):
        pose = read_pose(file)
        assert np.allclose(pose.rotations, turned, atol=1e-5) and np.allclose(pose.joints, joints, atol=1e-5)
        assert pose.text == 'a'
    # y is up in the mesh: the head of who stands upright is at the top, and the left hand at the viewer's right
    lines = [line.split() for line in files[2].read_text().splitlines()]
    vertices = np.array([line[1:] for line in lines if line[0] == 'v'], float)
    assert vertices[:, 1].max() > 0.7 and vertices[:, 1].min() > -0.97
    faces = np.array([line[1:] for line in lines if line[0] == 'f'], int)
    assert faces.min() == 1 and faces.max() == len(vertices) == 23 * 6 + 16 * 7 + 2
    assert files[6].read_text().splitlines() == [
        'v 0.00000 1.00000 0.00000',
        'v 1.00000 0.00000 0.00000',
        'v 0.00000 0.00000 -2.00000',
        'f 1 2 3',
    ]
    drawn = cv2.imread(str(files[3]))
    assert drawn.shape == (256, 1024, 3)
    assert np.abs(drawn.astype(int) - reply.poses[0].draw()).mean() < 2  # JPEG
    # nothing is replaced
    (tmp_path / 'new' / 'folder' / 'pose_7.txt').touch()
    assert reply.save(tmp_path / 'new' / 'folder')[0].name == 'pose_8.json'
    assert PoseReply('a').save(tmp_path) == []


def command_endings():
    return ['.json', '.npz', '.obj', '.jpg']


def test_other_models_and_bodies(tuned, chat_pose):
    with pytest.raises(ValueError, match=r'config\.py has the model VisionLanguageModel, expected a ChatPose'):
        PoseChat(str(tuned[0]), str(tuned[1]), 'cpu')
    with pytest.raises(FileNotFoundError, match=r'none\.npz'):
        PoseChat(str(chat_pose[0]), str(chat_pose[1]), 'cpu', 'none.npz')
    with pytest.raises(ValueError, match='the pose token'):
        PoseChat(str(chat_pose[0]), str(chat_pose[1]), 'cpu')(None, 'What is <POSE>?')
    # texts alone
    assert isinstance(ImageChat(str(chat_pose[0]), str(chat_pose[1]), 'cpu')(None, QUESTION), str)


def run(capsys, *argv):
    code = command.main([*map(str, argv), '--device', 'cpu'])
    return code, *capsys.readouterr()


def test_command(tuned, chat_pose, chat, tmp_path, capsys, monkeypatch):
    model = chat_pose[:2]
    IMAGES[0].save(tmp_path / 'photo.png')
    image, out = ['--image', tmp_path / 'photo.png'], tmp_path / 'out'
    code, text, notes = run(capsys, *model, *image, '--out', out, QUESTION)
    reply = chat(IMAGES[0], QUESTION)
    assert (code, text) == (0, f'{reply.text}\n')
    assert notes.splitlines()[-1] == f'Wrote {out}/pose_{len(reply.poses)}.json, .npz, .obj, .jpg'
    assert np.allclose(read_pose(out / 'pose_1.npz').joints, reply.poses[0].joints, atol=1e-5)
    # without a pose; in the working directory; several questions
    monkeypatch.chdir(tmp_path)
    plain = ['--cfg-options', 'model.test_cfg.force_pose=False', 'model.test_cfg.max_new_tokens=1']
    code, text, notes = run(capsys, *model, QUESTION, *plain)
    assert code == 0 and '<POSE>' not in text and 'note: a pose was asked for, and the answer has none' in notes
    assert not (tmp_path / 'poses').exists()
    monkeypatch.setattr('sys.stdin', io.StringIO('Who?\nWhere?\n'))
    code, text, notes = run(capsys, *model, '--pose', *plain)
    assert code == 0 and text == '<POSE>\n<POSE>\n'
    assert 'Wrote poses/pose_1.json' in notes and (tmp_path / 'poses' / 'pose_2.obj').is_file()
    (tmp_path / 'file').touch()
    for argv, message in (
        ([*model, '--out', 'file'], '--out file is not a folder'),
        ([*model, '--body', 'none.npz'], 'none.npz'),
        ([*tuned[:2], '--pose'], 'has no ChatPose, so that its answers have no poses: leave out --pose'),
        ([*tuned[:2], '--out', 'x'], 'leave out --out'),
    ):
        code, _, error = run(capsys, *argv, QUESTION)
        assert code == 1 and message in error and error.count('\n') == 1
