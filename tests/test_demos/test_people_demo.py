"""The demo of FocusCLIP, with a few images."""

import json

import cv2
import numpy as np
import pytest

from clamp_mmpose.evaluation.zero_shot_table import task_wise_mean
from clamp_mmpose.visualization import focus_triptych
from demos.people.demo import CONFIGS, Run, _findings, run_focus_demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    said = []
    folder = tmp_path_factory.mktemp('demo_focus')
    return run_focus_demo(folder, said.append, images=(130, 24), epochs=1).parent, said


def test_report_shows_what_was_measured(demo):
    folder, said = demo
    report, metrics = (folder / 'report.md').read_text(), json.loads((folder / 'metrics.json').read_text())
    assert list(metrics) == list(CONFIGS)
    for name, run in metrics.items():
        details = [run[task] for task in ('activity', 'color', 'combination')]
        cells = [f'{one["accuracy"]:.1f} [{one["low"]:.1f}, {one["high"]:.1f}]' for one in details]
        cells += [f'{task_wise_mean(details):.1f}', f'{run["seconds"]:.0f} s']
        assert f'| {name} | ' + ' | '.join(cells) + ' |' in report
        assert all(one['trials'] == 24 for one in details)
        assert any(f'activity {details[0]["accuracy"]:.1f} % (chance 10.0 %)' in line for line in said)
    assert '| chance | 10.0 | 16.7 | 8.3 | 11.7 |  |' in report
    assert '130 drawn images of 48 combinations' in report and '24 images of 12 other combinations' in report
    for image in ('heatmaps.jpg', 'predictions.jpg'):
        assert f'images/{image}' in report and cv2.imread(str(folder / 'images' / image)).std() > 5
    assert sum('epoch 1/1' in line for line in said) == 2


def test_only_the_heatmaps_differ(demo):
    focus, clip = (
        (demo[0] / 'runs' / f'{name}_rn-tiny_toy-people/config.py').read_text() for name in ('focusclip', 'clip')
    )
    lines = {line.strip() for line in set(focus.split('\n')) ^ set(clip.split('\n'))}
    assert all(
        'loss_terms' in line or 'image-text' in line or 'focusclip' in line or 'demo_' in line or line in ('],', '[')
        for line in lines
    ), lines


def test_findings_by_hand():
    def run(accuracy, low, high):
        return Run(None, None, 1.0, dict(activity=dict(accuracy=accuracy, low=low, high=high)))

    assert _findings(run(50.0, 45.0, 55.0), run(40.0, 35.0, 44.0), ['activity']) == [
        '- activity: with heatmaps +10.0 points, beyond the intervals.'
    ]
    assert _findings(run(40.0, 35.0, 46.0), run(50.0, 45.0, 55.0), ['activity']) == [
        '- activity: with heatmaps -10.0 points, within the intervals.'
    ]


def test_triptych():
    image = np.full((4, 6, 3), 200, np.uint8)
    heatmap = np.zeros((4, 6), np.float32)
    heatmap[1, 2] = 0.5
    drawn = focus_triptych(image, heatmap)
    assert drawn.shape == (4, 18, 3)
    assert (drawn[:, :6] == 200).all()
    assert drawn[1, 8].tolist() == [128] * 3 and drawn[1, 14].tolist() == [100] * 3 and drawn[0, 14].tolist() == [0] * 3
