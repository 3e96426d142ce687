import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import cv2
import mmengine
import numpy as np
import pytest
from answering_head import answering_config
from tiny import model_config, text_query_config
from web_page import LOCAL, TEXTS, build, expect, field, upload

from clamp_mmpose.cli import app
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.visualization.named_keypoints import PALETTE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('web_app')
    rng = np.random.default_rng(0)
    for i in range(2):
        blocks = rng.integers(60, 255, (6, 8, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f'{i}.png'), cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_CUBIC))
    (folder / 'broken.png').write_bytes((folder / '0.png').read_bytes()[:2000])
    (folder / 'text.png').write_text('no image')
    return folder


@pytest.fixture(scope='module')
def server(web_app, folder):
    """The page of a tiny model; the process must not connect to other machines meanwhile."""
    reached = []

    def spy(function, address):
        def call(*args, **kwargs):
            reached.append(address(*args))
            return function(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, 'connect', spy(socket.socket.connect, lambda self, to: to))
        patch.setattr(socket, 'getaddrinfo', spy(socket.getaddrinfo, lambda host, *_: (host,)))
        inferencer = build(folder, text_query_config())
        app = web_app.build_app(inferencer, TEXTS)
        yield SimpleNamespace(address=web_app.launch(app), inferencer=inferencer)
        app.close()
    assert [address for address in reached if isinstance(address, tuple) and address[0] not in LOCAL] == []


def click_image(page, x, y):
    """Click a pixel of the image, which is shown unscaled in the middle of its element."""
    image = page.locator('#photo img')
    width, height = image.evaluate('image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])')
    box = image.bounding_box()
    # the browser reports whole screen pixels, rounded down
    image.click(position=dict(x=(box['width'] - width) / 2 + x + 0.5, y=(box['height'] - height) / 2 + y + 0.5))


def draw_box(page, first, second):
    click_image(page, *first)
    expect(field(page, 'box')).to_have_value(f'from ({first[0]}, {first[1]}): click the opposite corner')
    click_image(page, *second)
    expect(field(page, 'box')).to_have_value(f'({first[0]}, {first[1]}) to ({second[0]}, {second[1]})')


def pick(page, label):
    page.click('#category input')
    page.get_by_role('option', name=label, exact=True).click()


def find(page):
    """Press the button and wait for the points."""
    page.click('#find')
    page.wait_for_selector('#drawn img')


def rows(page, number, table='#table'):
    found = page.locator(f'{table} [role=row]:has([role=gridcell])')
    expect(found).to_have_count(number)
    return [row.locator('[role=gridcell]').all_inner_texts() for row in found.all()]


def copied(page):
    page.bring_to_front()  # the clipboard belongs to the page in front
    expect(page.locator('#json')).to_contain_text('keypoint_scores')  # it is filled after the image
    page.evaluate('navigator.clipboard.writeText("")')
    for i in range(100):  # wait_for_function takes a promise for true
        if i % 20 == 0:  # Gradio may draw the JSON anew while the button is pressed
            page.click('#json button')
        text = page.evaluate('navigator.clipboard.readText()')
        if text:
            return json.loads(text)
        page.wait_for_timeout(100)
    pytest.fail('nothing was copied')


def download(page, source):
    """The image behind an address of the page: [H, W, 3] RGB."""
    return cv2.imdecode(np.frombuffer(page.request.get(source).body(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def direct(inferencer, path, **kwargs):
    (result,) = inferencer(str(path), **kwargs)
    return result['predictions'][0]


def test_as_a_user(server, folder, visit):
    page = visit(server.address)
    upload(page, folder / '0.png')

    # names of a category, and back to one's own
    field(page, 'names').fill('left ear, tail tip')
    pick(page, 'face (3 points)')
    expect(field(page, 'names')).to_have_value('left eye\nright eye\ntip of the nose')
    expect(field(page, 'skeleton')).to_have_value('0-1, 1-2')
    pick(page, 'face (2 points)')
    expect(field(page, 'names')).to_have_value('chin\nnose')
    expect(field(page, 'skeleton')).to_have_value('')
    pick(page, 'own names')
    expect(field(page, 'names')).to_have_value('left ear, tail tip')

    # second corner up and left of the first; a third click starts a new box
    draw_box(page, (50, 40), (60, 60))
    draw_box(page, (301, 222), (20, 31))
    find(page)
    shown = copied(page)
    (expected,) = direct(
        server.inferencer, folder / '0.png', bboxes=[[20, 31, 301, 222]], keypoints=['left ear', 'tail tip']
    )
    assert shown['keypoint_names'] == expected['keypoint_names'] == ['left ear', 'tail tip']
    assert shown['bbox'] == [[20, 31, 301, 222]]
    assert np.allclose(shown['keypoints'], expected['keypoints'], atol=1e-4)
    assert np.allclose(shown['keypoint_scores'], expected['keypoint_scores'], atol=1e-6)
    assert shown.keys() == expected.keys()
    for row, name, (x, y), score in zip(
        rows(page, 2), ['left ear', 'tail tip'], expected['keypoints'], expected['keypoint_scores']
    ):
        assert row[0].strip() == name
        assert np.allclose([float(cell) for cell in row[1:]], [x, y, score], atol=[0.051, 0.051, 0.00051])

    # without a box: the whole image
    page.click('#clear-box')
    expect(field(page, 'box')).to_have_value('the whole image')
    page.wait_for_function('document.querySelector("#photo img").naturalWidth == 320')
    find(page)
    page.wait_for_function('!document.querySelector("#json").innerText.includes("301")')
    (whole,) = direct(
        server.inferencer, folder / '0.png', bboxes=[[0, 0, 320, 240]], keypoints=['left ear', 'tail tip']
    )
    assert copied(page)['keypoints'] == whole['keypoints'] != shown['keypoints']


def test_a_category_describes_its_names(server, folder, visit, monkeypatch):
    """Also after its names were edited, until another one is picked; TextQueryHead has no answers to show."""
    asked, queries = [], server.inferencer.queries

    def spy(*args):
        found = queries(*args)
        asked.append((found.texts, found.category))
        return found

    monkeypatch.setattr(server.inferencer, 'queries', spy)
    page = visit(server.address)
    upload(page, folder / '0.png')
    pick(page, 'face (2 points)')
    expect(field(page, 'names')).to_have_value('chin\nnose')
    field(page, 'names').fill('nose, cheek\nchin: at the bottom')
    find(page)
    assert copied(page)['keypoint_names'] == ['nose', 'cheek', 'chin']
    pick(page, 'face (3 points)')
    expect(field(page, 'names')).to_have_value(re.compile('tip of the nose'))
    field(page, 'names').fill('nose, left eye, jaw')
    find(page)
    expect(page.locator('#json')).to_contain_text('left eye')
    assert asked[::2] == [  # the inferencer calls it again, with what it gave
        (['nose: nose', 'cheek', 'chin: at the bottom'], 'face'),
        (['nose', 'left eye: left eye', 'jaw'], 'face'),
    ]
    assert page.locator('#answers').count() == 0


def test_questions_and_answers(web_app, folder, visit, tmp_path):
    inferencer = build(tmp_path, answering_config())
    page_app = web_app.build_app(inferencer, TEXTS)
    try:
        page = visit(web_app.launch(page_app))
        upload(page, folder / '0.png')
        pick(page, 'face (2 points)')
        expect(field(page, 'names')).to_have_value('chin\nnose')
        find(page)
        (expected,) = direct(inferencer, folder / '0.png', bboxes=[[0, 0, 320, 240]], category=TEXTS[7])
        assert expected['question'] == ['Where is chin: chin of face?', 'Where is nose: nose of face?']
        cells = rows(page, 2, '#answers')
        assert [[cell.strip() for cell in row] for row in cells] == [
            list(row) for row in zip(['chin', 'nose'], expected['question'], expected['answer'])
        ]
        shown = copied(page)
        assert shown['question'] == expected['question'] and shown['answer'] == expected['answer']
        upload(page, folder / '1.png')
        expect(page.locator('#answers')).to_have_count(0)
        field(page, 'names').fill('<b>tip</b>')
        find(page)
        assert rows(page, 1, '#answers')[0][1].strip() == 'Where is <b>tip</b> of face?'
    finally:
        page_app.close()


def test_hollow_below_the_threshold(server, folder, visit):
    page = visit(server.address)
    upload(page, folder / '0.png')
    field(page, 'names').fill('right front paw\nlamp')
    find(page)
    found = copied(page)
    scores = found['keypoint_scores']
    assert abs(scores[0] - scores[1]) > 0.02
    plain = cv2.resize(cv2.imread(str(folder / '0.png'))[..., ::-1], (640, 480))
    centers = [(round(2 * x + 0.5), round(2 * y + 0.5)) for x, y in found['keypoints']]
    assert np.abs(np.subtract(*centers)).max() > 40  # so that no name covers the other keypoint

    for threshold in (1, round(sum(scores) / 2, 2), 0):
        before = page.locator('#drawn img').get_attribute('src')
        field(page, 'threshold').fill(str(threshold))
        field(page, 'threshold').blur()
        page.wait_for_function('before => document.querySelector("#drawn img").src != before', arg=before)
        drawn = download(page, page.locator('#drawn img').get_attribute('src'))
        assert drawn.shape == (480, 640, 3)
        for (x, y), color, score in zip(centers, PALETTE, scores):
            full = score >= threshold
            assert (tuple(drawn[y, x]) == color) == full
            assert (np.abs(drawn[y, x].astype(int) - plain[y, x]).max() <= 1) == (not full)
            ring = [(y + dy, x + dx) for a in (-1, 1) for b in (-4, 4) for dx, dy in ((a, b), (b, a))]
            # nearer to the color than the image itself, which may have a similar one
            near = sum(
                np.abs(np.subtract(drawn[at], color, dtype=int)).max()
                < min(40, np.abs(np.subtract(plain[at], color, dtype=int)).max() - 3)
                for at in ring
            )
            assert (near >= 3) == (not full)  # the name may cover a part of the ring


def test_score_maps(server, folder, visit):
    """Each map is scaled to its own range: full brightness at its maximum, 15 % at its minimum."""
    page = visit(server.address)
    upload(page, folder / '0.png')
    pick(page, 'face (3 points)')
    expect(field(page, 'names')).to_have_value(re.compile('tip of the nose'))
    draw_box(page, (40, 30), (280, 210))
    find(page)
    tiles = page.locator('#score-maps img')
    expect(tiles).to_have_count(3)
    sample = direct(
        server.inferencer,
        folder / '0.png',
        bboxes=[[40, 30, 280, 210]],
        keypoints=TEXTS[9].names,
        category=TEXTS[9],
        draw_score_maps=True,
        return_datasamples=True,
    )
    small = cv2.resize(cv2.imread(str(folder / '0.png')), (240, 180), interpolation=cv2.INTER_AREA)
    maps = [cv2.resize(score_map, (240, 180)) for score_map in sample.pred_fields.score_maps]
    for k, tile in enumerate(tiles.all()):
        shown = download(page, tile.get_attribute('src'))[22:]  # below the name
        light = cv2.blur(shown.sum(axis=2) / small.sum(axis=2), (5, 5))
        for extreme, brightness in ((maps[k].argmax(), 1.0), (maps[k].argmin(), 0.15)):
            assert abs(light.flat[extreme] - brightness) < 0.1
        correlation = [np.corrcoef(light.ravel(), score_map.ravel())[0, 1] for score_map in maps]
        assert np.argmax(correlation) == k


def test_second_image_encodes_no_text(server, folder, visit):
    page = visit(server.address)
    encoded = []
    hook = server.inferencer.model.head.text_encoder.encoder.register_forward_pre_hook(
        lambda _, inputs: encoded.append(list(inputs[0]))
    )
    try:
        upload(page, folder / '0.png')
        field(page, 'names').fill('left horn\nright horn')
        find(page)
        first = copied(page)
        upload(page, folder / '1.png')
        expect(page.locator('#drawn')).to_have_count(0)  # the results of the previous image are cleared
        find(page)
    finally:
        hook.remove()
    assert encoded == [['left horn', 'right horn']]
    assert copied(page)['keypoints'] != first['keypoints']


def test_mistakes_are_explained(server, folder, visit):
    page = visit(server.address)
    alert = page.locator('#message [role=alert]')

    def refuse(message, names='chin, nose', skeleton=''):
        field(page, 'names').fill(names)
        field(page, 'skeleton').fill(skeleton)
        page.click('#find')
        expect(alert).to_contain_text(message)
        assert page.locator('#drawn').count() == 0

    refuse('there is no image yet')
    for name in ('broken.png', 'text.png'):
        page.set_input_files('#photo input[type=file]', str(folder / name))
        expect(alert).to_contain_text('this file is not a complete image')
        expect(page.locator('#photo img')).to_have_count(0)
        refuse('there is no image yet')
    upload(page, folder / '0.png')
    expect(alert).to_have_count(0)
    refuse('keypoint names must not be empty', names=' ,\n')
    refuse("keypoint names must differ, but '<i>chin</i>' and '<i>Chin</i>'", names='<i>chin</i>, <i>Chin</i>')
    refuse('0 to 1; got [0, 2]', skeleton='0-2')
    refuse('a skeleton is written as pairs', skeleton='chin to nose')
    refuse('the tower reads up to 24', names='nose ' * 30)
    click_image(page, 30, 40)
    expect(field(page, 'box')).to_have_value('from (30, 40): click the opposite corner')
    refuse('the box has one corner')
    click_image(page, 90, 40)
    expect(field(page, 'box')).to_have_value('(30, 40) to (90, 40)')
    refuse('the box is empty')
    assert page.locator('.toast-body').count() == 0  # where Gradio shows unexpected errors
    page.click('#clear-box')
    expect(field(page, 'box')).to_have_value('the whole image')
    field(page, 'names').fill('chin')
    find(page)
    expect(alert).to_have_count(0)


def test_two_users_at_once(server, folder, visit):
    """Each has their own box and names, and neither waits for the other."""
    pages = [visit(server.address) for _ in range(2)]
    inputs = [('chin, nose', (30, 20)), ('left ear, right ear, mane', (90, 70))]
    for page, (names, corner), i in zip(pages, inputs, (0, 1)):
        upload(page, folder / f'{i}.png')
        field(page, 'names').fill(names)
        draw_box(page, corner, (200, 200))
    together = threading.Barrier(2)

    def wait_for_the_other(*_):
        together.wait(30)

    hook = server.inferencer.model.backbone.register_forward_pre_hook(wait_for_the_other)
    try:
        for page in pages:
            page.click('#find')
        for page in pages:
            page.wait_for_selector('#drawn img')
    finally:
        hook.remove()
    for page, (names, corner), i in zip(pages, inputs, (0, 1)):
        (expected,) = direct(server.inferencer, folder / f'{i}.png', bboxes=[[*corner, 200, 200]], keypoints=names)
        assert copied(page) == json.loads(mmengine.dump(expected, file_format='json'))


def test_model_that_reads_no_text(web_app, folder, visit, tmp_path):
    cfg = text_query_config()
    cfg['model'] = model_config()
    cfg['test_dataloader']['dataset']['pipeline'][-2:] = [dict(type='PackPoseInputs')]
    page_app = web_app.build_app(build(tmp_path, cfg), TEXTS)
    try:
        page = visit(web_app.launch(page_app))
        upload(page, folder / '0.png')
        field(page, 'names').fill('chin')
        page.click('#find')
        expect(page.locator('#message [role=alert]')).to_contain_text('CLAMPHead finds 5 fixed keypoints')
    finally:
        page_app.close()


def test_command_refuses_a_model_that_reads_no_text(web_app, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('clamp_mmpose.apis.web_app.launch', lambda *args: pytest.fail('the page was started'))
    build(tmp_path, dict(text_query_config(), model=model_config()))
    assert app.main([str(tmp_path / 'config.py'), str(tmp_path / 'model.pth'), '--device', 'cpu']) == 1
    assert 'error: CLAMPHead finds its 5 fixed keypoints; the web page needs' in capsys.readouterr().err


def test_typed_names(web_app):
    assert web_app.read_names('left ear, right ear,\n\nnose\ntail: behind the legs, thin') == [
        'left ear',
        'right ear',
        'nose',
        'tail: behind the legs, thin',
    ]
    for texts in load_texts().values():  # names of a category survive the text field
        assert web_app.read_names('\n'.join(texts.names)) == list(texts.names)


@pytest.mark.slow
def test_command(server, folder, tmp_path):
    process = subprocess.Popen(
        [sys.executable, 'tools/app.py', str(folder / 'config.py'), str(folder / 'model.pth'), '--device', 'cpu'],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, TMPDIR=str(tmp_path)),
    )
    try:
        address = next(re.search(r'http://127\.0\.0\.1:\d+', line) for line in process.stdout if 'Open ' in line)[0]
        with urllib.request.urlopen(f'{address}/config') as answer:
            config = json.load(answer)
        assert config['analytics_enabled'] is False
        (choices,) = [part['props']['choices'] for part in config['components'] if part['type'] == 'dropdown']
        assert len(choices) == 101 and ['face (68 points)', 40] in choices  # MP-100's categories, and one's own names
        (uploads,) = tmp_path.glob('clamp_mmpose_*')
    finally:
        process.terminate()
        process.wait()
    assert not uploads.exists()


@pytest.mark.slow
def test_gradio_is_optional():
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            'import sys; sys.modules["gradio"] = None; import clamp_mmpose.apis; print("fine"); '
            'import clamp_mmpose.apis.web_app',
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout == 'fine\n'
    assert 'ImportError: the web page needs Gradio: pip install "clamp_mmpose[app]"' in done.stderr
