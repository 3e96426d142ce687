import os
import shutil
from urllib.parse import urlsplit

import pytest
import torch
from mmpose.apis import init_model
from tiny import write_config, write_dots
from tiny_llava import tiny_chat_pose, tuned_llava
from web_page import LOCAL, missing

from clamp_mmpose.apis import TextPoseInferencer

FLAGS = (
    '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
    '--disable-component-update --disable-sync'
)


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """(config, checkpoint, images): a model whose keypoints move with the image."""
    folder = tmp_path_factory.mktemp('inferencer')
    data = write_dots(folder / 'data', num_images=5)
    config = write_config(folder / 'dots.py', data)
    torch.manual_seed(0)
    model = init_model(str(config), device='cpu')
    torch.nn.init.normal_(model.head.final_layer.weight)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return str(config), str(folder / 'model.pth'), sorted(map(str, (data / 'images').iterdir()))


@pytest.fixture(scope='session')
def dots_inferencer(trained):
    return TextPoseInferencer(trained[0], trained[1], device='cpu')


@pytest.fixture(scope='session')
def tuned(tmp_path_factory):
    """A vision-language model: its config, a checkpoint of what was trained, and the model."""
    return tuned_llava(tmp_path_factory.mktemp('tuned'))


@pytest.fixture(scope='session')
def chat_pose(tmp_path_factory):
    """A ChatPose whose answers have poses: its config, a checkpoint, and the model."""
    return tiny_chat_pose(tmp_path_factory.mktemp('chat_pose'))


@pytest.fixture(scope='module')
def web_app():
    try:
        from clamp_mmpose.apis import web_app
    except ImportError as error:
        missing(str(error))
    return web_app


@pytest.fixture(scope='module')
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing('needs Playwright: pip install playwright')
    named = os.environ.get('CHROMIUM')
    names = [named] if named else ['chromium', 'chromium-browser', 'google-chrome']
    path = next((found for found in map(shutil.which, names) if found), None)
    if path is None:
        missing(f'no browser found among {" or ".join(names)}: install chromium, or set CHROMIUM to one')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Opens the page as a new user; a request to another machine, or one that is refused, fails the test."""
    contexts, requested, refused = [], [], []

    def visit(address):
        context = browser.new_context(viewport=dict(width=1280, height=900))
        context.grant_permissions(['clipboard-read', 'clipboard-write'])
        context.on('request', lambda request: requested.append(request.url))
        context.on('response', lambda got: refused.append((got.status, got.url)) if got.status >= 400 else None)
        contexts.append(context)
        page = context.new_page()
        page.on('websocket', lambda opened: requested.append(opened.url))
        page.goto(address)
        page.wait_for_selector('#photo')
        return page

    yield visit
    for context in contexts:
        context.close()
    assert refused == []
    assert len(requested) > 10
    assert [
        url for url in requested if urlsplit(url).scheme not in ('blob', 'data') and urlsplit(url).hostname not in LOCAL
    ] == []
