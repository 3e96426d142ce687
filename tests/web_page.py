"""A page of a tiny model with random weights, for the tests of the web page."""

import json
import os

import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.language.category_texts import CategoryTexts

LOCAL = ('127.0.0.1', 'localhost', '::1')


def missing(what):
    if os.environ.get('CLAMP_MMPOSE_REQUIRE_BROWSER') == '1':
        pytest.fail(what)
    pytest.skip(what)


def category(number, name, names, skeleton=()):
    return CategoryTexts(
        slug=f'{name}_{number}',
        category_id=number,
        name=name,
        supercategory='',
        split=1,
        names=tuple(names),
        descriptions=tuple(names),
        skeleton=tuple(skeleton),
        flip_indices=list(range(len(names))),
    )


TEXTS = {
    7: category(7, 'face', ['chin', 'nose']),
    9: category(9, 'face', ['left eye', 'right eye', 'tip of the nose'], [(0, 1), (1, 2)]),
}


def build(folder, cfg):
    """An inferencer of a model with random weights, and the files it comes from."""
    cfg = Config(cfg)
    torch.manual_seed(0)
    cfg.dump(str(folder / 'config.py'))
    torch.save(dict(state_dict=init_model(cfg, device='cpu').state_dict()), folder / 'model.pth')
    return TextPoseInferencer(str(folder / 'config.py'), str(folder / 'model.pth'), device='cpu')


def expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def field(page, name):
    return page.locator(f'#{name} input, #{name} textarea').first


def upload(page, path):
    if page.locator('#photo img').count():
        page.click('#photo button[aria-label="Remove Image"]')
    page.set_input_files('#photo input[type=file]', str(path))
    page.wait_for_selector('#photo img')


def send_file(client, content, name='image.png'):
    """Upload a file to a page; its path."""
    answer = client.post('/gradio_api/upload', files={'files': (name, content)})
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def send(client, body, session='user'):
    """Status and text of a refused request, or True or False and the result."""
    answer = client.post('/gradio_api/queue/join', content=body, headers={'Content-Type': 'application/json'})
    if answer.status_code != 200:
        return answer.status_code, answer.text
    with client.stream('GET', '/gradio_api/queue/data', params=dict(session_hash=session)) as stream:
        for line in stream.iter_lines():
            message = json.loads(line[5:]) if line.startswith('data:') else {}
            ours = message.get('event_id') == answer.json()['event_id']
            if ours and message['msg'] == 'process_completed':
                return message['success'], message['output'].get('data') or message['output'].get('error')
