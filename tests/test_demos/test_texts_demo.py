"""The demo of LLaVA-Pose, with a few images."""

import json

import cv2
import pytest

from demos.texts.demo import CONFIGS, consistency, report_lines, run_texts_demo
from demos.texts.questions import Score

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    said = []
    folder = tmp_path_factory.mktemp('demo_texts')
    return run_texts_demo(folder, said.append, images=(64, 6), epochs=1, pretraining=1).parent, said


def test_report_shows_what_was_measured(demo):
    folder, said = demo
    report, metrics = (folder / 'report.md').read_text(), json.loads((folder / 'metrics.json').read_text())
    assert list(metrics['answers']) == [*CONFIGS, 'with keypoints, asked about another image']
    for name, one in metrics['answers'].items():
        assert f'| {name} | {100 * one["right"]:.0f} % [' in report
        assert one['right'] + one['wrong'] + one['unanswered'] == pytest.approx(1)
    assert metrics['answers']['captions only']['right'] == 0  # its texts say nothing of limbs
    assert '64 drawn people' in report and 'in 6 other images' in report
    assert cv2.imread(str(folder / 'images/answers.jpg')).std() > 5
    assert sum('epoch 1/1' in line for line in said) == 2
    assert (folder / 'quality/text_quality.md').is_file() and (folder / 'descriptions/keypoints').is_dir()
    assert '0.0 statements about limbs' in report and ', 100 % supported' in report


def test_only_the_texts_differ(demo):
    first, second = (
        [json.loads(line) for line in (demo[0] / 'texts' / kind / 'conversation.jsonl').read_text().splitlines()]
        for kind in ('keypoints', 'captions')
    )
    assert [record['image'] for record in first] == [record['image'] for record in second]
    spoken = ' '.join(turn['value'] for record in second for turn in record['conversations'])
    assert ' arm' not in spoken and ' knee' not in spoken


def test_report_by_hand():
    scores = {
        'with keypoints': Score(0.75, 0.25, 0.0, [(2, 2), (1, 2)]),
        'captions only': Score(0.0, 0.0, 1.0, [(0, 2), (0, 2)]),
    }
    measures = dict(statements=dict(value=4.0), consistency=dict(value=97.6))
    measured = dict(files={'keypoints/detail': dict(measures=measures)})
    lines = report_lines(scores, dict.fromkeys(scores, 60.0), measured, 2.0, 4, (10, 2))
    assert '| with keypoints | 75 % [50, 100] | 25 % | 0 % | 60 s |' in lines
    assert '- With keypoints minus captions only: 75 % [50, 100] points, outside the interval.' in lines
    assert consistency(measured) == 'keypoints/detail 4.0 statements about limbs in each text, 98 % supported'
