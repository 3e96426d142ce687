"""The demo of ChatPose, with a few images."""

import json

import cv2
import numpy as np
import pytest

from demos.chatpose.demo import KINDS, MIXTURES, gain_text, millimeters, run_chatpose_demo, toy_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    said = []
    folder = tmp_path_factory.mktemp('demo_chatpose')
    run_chatpose_demo(folder, said.append, images=(96, 16), epochs=1, epoch_size=64, pretraining=1)
    return folder, said


def test_report_shows_what_was_measured(demo):
    folder, said = demo
    report, metrics = (folder / 'report.md').read_text(), json.loads((folder / 'metrics.json').read_text())
    assert list(metrics['models']) == list(MIXTURES) == ['all', 'without texts', 'without images']
    for name, kinds in metrics['models'].items():
        row = next(line for line in report.splitlines() if line.startswith(f'| {name} |'))
        for kind in KINDS:
            assert f' {kinds[kind]["pa_mpjpe"]:.0f} [' in row
    for kind, value in metrics['mean_pose'].items():
        assert 100 < value < 250, kind
    assert '96 training and 16 test images' in report
    assert metrics['retrieval']['true']['P2T_R10'] >= metrics['retrieval']['true']['P2T_R1']
    for kind in KINDS:
        assert cv2.imread(str(folder / f'images/{kind}.jpg')).std() > 5
    assert sum('epoch 1/1' in line for line in said) == len(MIXTURES)


def test_a_mixture_without_a_kind_keeps_the_number_of_the_others(tmp_path):
    samplers = [toy_config(tmp_path, *item, None, 400).train_dataloader.sampler for item in MIXTURES.items()]
    assert [sampler.epoch_size for sampler in samplers] == [400, 300, 200]
    assert [list(sampler.weights) for sampler in samplers] == [[1, 1, 2], [0, 1, 2], [1, 1, 0]]


def test_report_by_hand():
    assert millimeters(np.array([80.0, 80.0])) == '80 [80, 80]'
    text = gain_text(np.array([180.0, 200.0]), np.array([90.0, 100.0]))
    assert text == '50 % of the error of the mean pose, 95 mm less [90, 100], outside the interval'
