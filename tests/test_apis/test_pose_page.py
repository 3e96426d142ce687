"""The chat page of a model that answers with poses, over plain HTTP and in a browser."""

import html
import io
import json
import os
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from web_page import expect, field, missing, send, send_file, upload

from clamp_mmpose.apis import PoseChat
from clamp_mmpose.apis.pose_reply import Mesh
from clamp_mmpose.cli import app as command
from clamp_mmpose.models.pose_estimators.pose_answer import PoseAnswer

META = {'_type': 'gradio.FileData'}
PIXELS = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)  # RGB
PNG = cv2.imencode('.png', PIXELS[..., ::-1])[1].tobytes()
QUESTION = 'What is this person doing? Give the pose.'


@pytest.fixture(scope='module')
def page(chat_pose, tmp_path_factory):
    """A running page: ``event`` sends one and waits for its results."""
    try:
        import httpx

        from clamp_mmpose.apis import web_app
    except ImportError as error:
        missing(str(error))
    root = tmp_path_factory.mktemp('pose_page')
    chat = PoseChat(str(chat_pose[0]), str(chat_pose[1]), 'cpu')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('GRADIO_TEMP_DIR', str(root / 'uploads'))
        os.mkdir(root / 'uploads')
        blocks = web_app.build_chat(chat)
        address = web_app.launch(blocks).rstrip('/')
        with httpx.Client(base_url=address, timeout=20) as client:

            def event(name, data, session='user'):
                number = ['load', 'ask', 'clear'].index(name)
                return send(client, json.dumps(dict(fn_index=number, data=data, session_hash=session)), session)

            yield SimpleNamespace(root=root, address=address, client=client, chat=chat, blocks=blocks, event=event)
        blocks.close()


def fetched(page, file):
    """A result by the address that the browser gets."""
    answer = page.client.get(f'/gradio_api/file={file["path"]}')
    assert answer.status_code == 200, answer.text
    return answer.content


def test_poses_are_shown(page):
    assert page.event('load', [dict(path=send_file(page.client, PNG), meta=META)])[0]
    done, values = page.event('ask', [None, QUESTION, None, False])
    assert done and len(values) == 6 and values[3] == ''
    reply = page.chat(Image.fromarray(PIXELS), QUESTION)
    assert html.unescape(values[2][1]['content'][0]['text']) == reply.text and '<POSE>' in reply.text
    content, views = (fetched(page, file) for file in values[4:])
    views = cv2.imdecode(np.frombuffer(views, np.uint8), 1)
    assert np.array_equal(views, np.concatenate([pose.draw() for pose in reply.poses]))
    trimesh = pytest.importorskip('trimesh')
    (read,) = trimesh.load(io.BytesIO(content), file_type='glb', process=False).geometry.values()
    bones = reply.poses[0].mesh().vertices
    assert np.allclose(read.vertices[: len(bones)] - read.vertices[0], bones - bones[0], atol=1e-5)
    # the page's own folder, from which files are deleted
    assert values[4]['path'].startswith(str(page.root / 'uploads')) and values[4]['path'].endswith('pose.glb')
    deleted = [file for files in page.blocks.temp_file_sets for file in files]
    assert values[4]['path'] in deleted and values[5]['path'] in deleted
    # an error keeps them, another image or Clear removes them
    done, values = page.event('ask', [None, 'a <POSE> b', None, False])
    assert done and 'the pose token' in values[3]
    assert [value.get('__type__') for value in values[4:]] == ['update'] * 2 and 'value' not in values[4]
    assert page.event('clear', []) == (True, [None, [], '', None, None])
    assert page.event('load', [None])[1][5:] == [None, None]


def test_force_many_poses_and_none(page, monkeypatch):
    """As a checkbox; a client may send anything else for it."""
    asked, answers = [], []

    def generate_poses(*_, force_pose):
        asked.append(force_pose)
        return [answers[-1]]

    monkeypatch.setattr(page.chat.model, 'generate_poses', generate_poses)
    monkeypatch.setitem(page.chat.model.test_cfg, 'force_pose', False)
    answers.append(PoseAnswer('<b>No.</b>', torch.zeros(0, 24, 3, 3)))
    for force in (True, False, 'x', None, 1):
        done, values = page.event('ask', [None, QUESTION, None, force], 'other')
        assert done and values[4:] == [None, None]
        assert '<p role="status">a pose was asked for, and the answer has none' in values[3]
    assert asked == [True, False, False, False, False]
    assert html.unescape(values[2][1]['content'][0]['text']) == '<b>No.</b>'
    answers.append(PoseAnswer('<POSE>' * 6, torch.eye(3).expand(6, 24, 3, 3), ((1, 4),)))
    _, values = page.event('ask', [None, QUESTION, None, False], 'other')
    assert 'the answer has 6 poses, of which the first 4 are shown' in values[3]
    assert 'pose 2: the model gave no rotation for &#x27;left knee&#x27;' in values[3]
    views = cv2.imdecode(np.frombuffer(fetched(page, values[5]), np.uint8), 1)
    assert views.shape == (4 * 256, 1024, 3) and np.array_equal(views[:256], views[768:])


def test_bodies_side_by_side(page):
    from clamp_mmpose.apis.web_app.pose_handlers import side_by_side

    triangle = np.array([[-1.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    both = side_by_side([Mesh(triangle, np.array([[0, 1, 2]]), np.zeros((3, 3), np.uint8), True)] * 2)
    assert np.allclose(both.vertices[:, 0], [0, 2, 1, 2.3, 4.3, 3.3]) and both.faces.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert both.colors.shape == (6, 3) and np.array_equal(both.vertices[3:, 1:], triangle[:, 1:])


def test_the_page_reads_no_other_file(page):
    outside = page.root / 'outside.glb'
    outside.write_bytes(b'glTF')
    for path in (str(outside), f'{page.root}/uploads/../outside.glb', 'https://evil.example/a.glb'):
        assert page.client.get(f'/gradio_api/file={path}').status_code == 403
        assert page.event('ask', [None, QUESTION, None, dict(path=path, url=path, meta=META)])[0] == 400
    assert {fn.api_visibility for fn in page.blocks.fns.values()} == {'private'}


def test_command_takes_a_body(page, tuned, chat_pose, monkeypatch, capsys):
    bodies = []

    def build_chat(chat):
        bodies.append(chat.body.name)
        raise ValueError('stop')

    monkeypatch.setattr('clamp_mmpose.apis.web_app.build_chat', build_chat)
    for argv, message in (
        ([*chat_pose[:2]], 'error: stop'),
        ([*chat_pose[:2], '--body', 'none.npz'], 'none.npz'),
        ([*tuned[:2], '--body', 'skeleton'], 'has no ChatPose, so that its answers have no poses: leave out --body'),
    ):
        assert command.main([*map(str, argv), '--device', 'cpu']) == 1
        assert message in capsys.readouterr().err
    assert bodies == ['skeleton']


def test_in_a_browser(page, visit):
    """The body is drawn in its colors, and turns when it is dragged; nothing is asked of other machines."""
    (page.root / 'image.png').write_bytes(PNG)
    tab = visit(page.address)
    upload(tab, page.root / 'image.png')
    field(tab, 'question').fill(QUESTION)
    tab.click('#ask')
    expect(tab.locator('#conversation')).to_contain_text('<POSE>')
    expect(tab.locator('#views img')).to_be_visible()
    assert tab.evaluate("document.querySelector('#views img').naturalWidth") == 1024
    canvas = tab.locator('#body canvas')
    canvas.wait_for()

    def seen():
        image = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert('RGB')).astype(int)
        return image[..., 2] - image[..., 0] > 40, image[..., 0] - image[..., 2] > 40

    end = time.time() + 20
    while not all(mask.sum() > 100 for mask in seen()) and time.time() < end:
        time.sleep(0.3)
    left, right = seen()
    assert left.sum() > 100 and right.sum() > 100
    box = canvas.bounding_box()
    x, y = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 120, y, steps=4)
    tab.mouse.up()
    end = time.time() + 10
    while (seen()[0] == left).all() and time.time() < end:
        time.sleep(0.3)
    assert (seen()[0] != left).sum() > 100
    tab.click('#clear')
    expect(tab.locator('#body canvas')).to_have_count(0)
    expect(tab.locator('#views img')).to_have_count(0)
