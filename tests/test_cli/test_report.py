"""The report of a training: what is in the page, and what cannot be."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from mmengine.config import Config
from tiny import write_config, write_dots

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.apis.report.confidence import confidence
from clamp_mmpose.apis.report.evaluate import Evaluation
from clamp_mmpose.apis.report.trained_run import TrainedRun, find_run, read_scalars
from clamp_mmpose.apis.report.without_boxes import predict_without_boxes
from clamp_mmpose.apis.report.worst import worst_instances
from clamp_mmpose.apis.report.write import render
from clamp_mmpose.cli import report, train
from clamp_mmpose.evaluation.keypoints.files import read_scored_instances
from clamp_mmpose.evaluation.keypoints.pck import pck_intervals
from clamp_mmpose.evaluation.keypoints.scored_instance import KeypointCategory, ScoredInstance

EXTRA = """
train_dataloader.update(num_workers=0, persistent_workers=False)
train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
vis_backends = [dict(type='LocalVisBackend')]
experiment_name = 'report'  # MMEngine's logs of two trainings of one name in one second are one
"""
EAR = KeypointCategory('mouse', ('left ear', 'right ear'), (1, 0))


class Page(HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.shown = [], []
        self.feed(text)
        self.text = ' '.join(' '.join(self.shown).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.shown.append(data)


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    """A training of two epochs on twelve images."""
    folder = tmp_path_factory.mktemp('report')
    config = write_config(folder / 'dots.py', write_dots(folder / 'data'), extra=EXTRA)
    assert train.main([str(config), '--work-dir', str(folder / 'work')]) == 0
    return folder / 'work'


def test_report_of_a_training(work_dir, capsys):
    before = {path.name for path in work_dir.iterdir()}
    assert report.main([str(work_dir), '--cfg-options', 'find_instances=two_pass']) == 0
    assert {path.name for path in work_dir.iterdir()} - before == {'report.html', 'report.json'}
    instances = read_scored_instances(work_dir / 'report.json')
    assert len(instances) == 12
    value, low, high = pck_intervals(instances, (0.2,))[0]
    assert f'pck/PCK@0.2   {value:.3f}  ({low:.3f} to {high:.3f})' in capsys.readouterr().out
    page = Page((work_dir / 'report.html').read_text())
    assert 'epoch_2.pth (iteration 6) on the validation data: 12 images, 12 instances' in page.text
    assert f'PCK@0.2 {value:.3f} {low:.3f}–{high:.3f}' in page.text
    assert 'left eye, right eye' in page.text and 'coco/AP_low' in page.text
    (alone,) = pck_intervals(without_boxes(work_dir, instances), (0.1,))
    assert f'PCK@0.1 without boxes {alone.value:.3f} {alone.low:.3f}–{alone.high:.3f}' in page.text
    images = [attrs for tag, attrs in page.tags if tag == 'img']
    assert len(images) == 13 and all(attrs['src'].startswith('data:image/') for attrs in images)
    assert {tag for tag, _ in page.tags}.isdisjoint({'script', 'link', 'iframe', 'object', 'a'})
    policy = next(attrs['content'] for _, attrs in page.tags if attrs.get('http-equiv') == 'Content-Security-Policy')
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not re.search(r'https?:', page.text)


def without_boxes(work_dir, instances):
    inferencer = TextPoseInferencer(str(work_dir / 'dots.py'), str(work_dir / 'epoch_2.pth'), det_model='two_pass')
    (result,) = inferencer([one.image for one in instances], batch_size=12)
    return [
        dataclasses.replace(one, keypoints=np.array(own['keypoints']))
        for one, (own,) in zip(instances, result['predictions'])
    ]


def test_images_with_one_instance_are_predicted_without_boxes(work_dir):
    instances = read_scored_instances(work_dir / 'report.json')
    twice = [*instances[:3], dataclasses.replace(instances[0], id=99)]
    assert predict_without_boxes(find_run(work_dir), twice) == []
    found = predict_without_boxes(find_run(work_dir, options=dict(find_instances='two_pass')), twice)
    expected = without_boxes(work_dir, instances[1:3])
    assert [one.id for one in found] == [one.id for one in expected]
    for one, other, boxed in zip(found, expected, instances[1:3]):
        assert np.allclose(one.keypoints, other.keypoints, atol=1e-3) and one.scores.shape == (5,)
        assert np.array_equal(one.labels, boxed.labels, equal_nan=True)
        assert not np.allclose(one.keypoints, boxed.keypoints, atol=0.5)


def test_scalars_of_the_work_dir(work_dir):
    """Three iterations an epoch; evaluations are at the end of each."""
    scalars = read_scalars(work_dir)
    assert [step for step, _ in scalars['loss']] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in scalars['PCK']] == [3, 6]


def test_scalars_of_a_resumed_training(tmp_path):
    """The second run repeats iteration 20; a line that was cut is left out, and so is the log of a test."""
    for name, lines in {
        '1': [dict(loss=3, iter=10, step=10), dict(loss=2, iter=20, step=20), dict(PCK=0.5, step=2)],
        '2': [dict(loss=1, iter=20, step=20), dict(PCK=0.6, step=2)],
        '3': [dict(PCK=0.1, step=0)],
    }.items():
        (tmp_path / name / 'vis_data').mkdir(parents=True)
        text = '\n'.join(map(json.dumps, lines)) + '\n{"loss": 0.'
        (tmp_path / name / 'vis_data/scalars.json').write_text(text)
    assert read_scalars(tmp_path) == {'loss': [(10, 3), (20, 1)], 'PCK': [(20, 0.6)]}


def test_best_checkpoint_is_chosen(tmp_path):
    (tmp_path / 'config.py').write_text('model = dict()\n')
    (tmp_path / 'best_PCK_iter_4.pth').touch()
    (tmp_path / 'iter_6.pth').touch()
    assert find_run(tmp_path).checkpoint.name == 'best_PCK_iter_4.pth'
    assert find_run(tmp_path, tmp_path / 'iter_6.pth').checkpoint.name == 'iter_6.pth'


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['nowhere'], 'nowhere is not a folder: give the work dir of a training'),
        (['empty'], 'empty has no config (*.py)'),
        (['new'], 'new has no checkpoint yet: train first'),
        (['new', '--checkpoint', 'no.pth'], 'checkpoint no.pth does not exist'),
        (['done', '--out', 'report.pdf'], 'expected a name that ends in .html, got report.pdf'),
        (['done', '--split', 'test'], 'has no test_dataloader'),
    ],
)
def test_one_line_says_what_is_missing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    for name in ('new', 'done'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'config.py').write_text('model = dict()\n')
    (tmp_path / 'done/best_PCK_iter_1.pth').touch()
    assert report.main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def instance(number, found, scores=(0.9, 0.3), category=EAR, image='no/such.png'):
    """Labels at (20, 20) and (60, 20) in a box of 100 pixels."""
    labels = np.array([[20.0, 20], [60, 20]])
    return ScoredInstance(
        number, number, image, category, (0.0, 0.0, 100.0, 50.0), labels, np.array(found, float), np.array(scores)
    )


def rendered(instances, tmp_path):
    config = Config(dict(model=dict(head=dict(type='HeatmapHead'))))
    run = TrainedRun(tmp_path, config, tmp_path / 'a.py', tmp_path / 'a.pth')
    return render(run, Evaluation({'NME': 0.25}, instances, ['val.json'], False, [], 0), 'val')


def test_texts_are_escaped(tmp_path):
    """Names of keypoints, categories and files may be anything."""
    bad = '<script>alert("x")</script><img src=http://a.b/c.png>'
    category = KeypointCategory(bad, (bad, 'right ear'), (1, 0))
    page = Page(rendered([instance(1, [[20, 20], [90, 20]], category=category, image=f'{bad}.png')], tmp_path))
    assert {tag for tag, _ in page.tags}.isdisjoint({'script', 'iframe'})
    sources = [attrs['src'] for tag, attrs in page.tags if tag == 'img']
    assert sources and all(source.startswith('data:') for source in sources)
    assert bad in page.text


def test_tables_by_hand(tmp_path):
    """Two of three instances are right; the third has its ears exchanged."""
    right, wrong = [[20, 20], [60, 23]], [[60, 20], [20, 20]]
    page = Page(rendered([instance(1, right), instance(2, right), instance(3, wrong)], tmp_path))
    assert 'left ear 3 0.667 0.667 (0.000–1.000) 0.667 13.3 0.90' in page.text
    assert 'right ear 3 0.667 0.667 (0.000–1.000) 0.667 15.3 0.30' in page.text
    assert 'left ear, right ear 3 0 1' in page.text
    assert 'Left and right are confused: 2 of 6 such keypoints' in page.text
    assert '1. no/such.png: mean error 40.0 % of the box; left ear (40 %), right ear (40 %)' in page.text
    assert 'image no/such.png does not exist' in page.text
    # of six keypoints four are correct; three have .9, three .3
    assert '0.9 to 1.0 3 0.90 0.67 50.0 % 0.67' in page.text
    assert '0.3 to 0.4 3 0.30 0.67 100.0 % 0.67' in page.text
    assert 'Expected calibration error 0.300' in page.text


def test_confidence_by_hand():
    found = confidence([instance(1, [[20, 20], [60, 60]]), instance(2, [[20, 20], [60, 20]], scores=(1, -0.1))])
    assert found.error == pytest.approx((0.1 + 0 + 0.3 + 1) / 4)
    assert found.kept[0] == (1, 0.75) and found.kept[3] == (0.75, pytest.approx(2 / 3)) and found.kept[9] == (0.5, 1)


def test_worst_first(tmp_path):
    import cv2

    path = str(tmp_path / 'a.png')
    cv2.imwrite(path, np.full((50, 100, 3), 90, np.uint8))
    near, far = [[20, 22], [60, 20]], [[20, 20], [60, 45]]
    ranked = worst_instances([instance(1, near, image=path), instance(2, far, image=path)], number=2)
    assert [one.error for one in ranked] == pytest.approx([0.125, 0.01])
    assert [one.wrong for one in ranked] == [['right ear (25 %)'], []]
    drawn = cv2.imdecode(np.frombuffer(ranked[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert max(drawn.shape[:2]) == 360
    # the box and its margin: all of the image, 3.6 times as large; a red line joins label and prediction
    blue, green, red = drawn[round(3.6 * 33), round(3.6 * 60.5)].tolist()
    assert red > 180 > 110 > max(blue, green)
