"""The loggers of docs/commands.md: one setting of a config each."""

import inspect
import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmpose.registry import VISUALIZERS

PAGE = (Path(__file__).parents[2] / 'docs/commands.md').read_text(encoding='utf-8')
LINES = {
    re.findall(r"type='(\w+)'", block)[1]: block
    for block in re.findall(r'```python\n(.+?)```', PAGE, re.DOTALL)
    if '\nvisualizer = ' in block
}


def read(line, folder):
    """The visualizer of a config with MMPose's base and this line."""
    (folder / 'config.py').write_text(f"_base_ = ['mmpose::_base_/default_runtime.py']\n{line}\n")
    return Config.fromfile(folder / 'config.py').visualizer


def test_all_are_documented():
    assert list(LINES) == ['TensorboardVisBackend', 'WandbVisBackend', 'MLflowVisBackend']


@pytest.mark.parametrize('name', LINES)
def test_the_line_adds_a_backend_that_exists(name, tmp_path):
    local, backend = read(LINES[name], tmp_path)['vis_backends']
    assert local == dict(type='LocalVisBackend') and backend.pop('type') == name
    assert set(backend) <= set(inspect.signature(VISBACKENDS.get(name)).parameters)


def test_tensorboard_has_the_same_numbers(tmp_path):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    line = LINES['TensorboardVisBackend']
    visualizer = VISUALIZERS.build(dict(read(line, tmp_path), save_dir=str(tmp_path), name='loggers'))
    visualizer.add_config(Config(dict(model=dict(type='TopdownPoseEstimator'))))
    for step, loss in [(1, 0.5), (2, 0.25)]:
        visualizer.add_scalars(dict(loss=loss), step=step)
    visualizer.close()
    events = accumulator.EventAccumulator(str(tmp_path / 'vis_data')).Reload()
    assert [(event.step, event.value) for event in events.Scalars('loss')] == [(1, 0.5), (2, 0.25)]
    rows = [json.loads(row) for row in (tmp_path / 'vis_data/scalars.json').read_text().splitlines()]
    assert [(row['step'], row['loss']) for row in rows] == [(1, 0.5), (2, 0.25)]
