import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from tiny import NAMES, text_query_config, write_config, write_dots
from torch.utils.benchmark import Measurement, TaskSpec

from benchmarks import run
from benchmarks.models import alternate, peak_memory, summary
from benchmarks.texts import texts

ROOT = Path(__file__).parents[2]


def benchmark(*args):
    run.main([str(arg) for arg in args])


def measured(*milliseconds):
    return Measurement(1, [ms / 1000 for ms in milliseconds], TaskSpec('function()', 'pass'))


def test_models_run_in_turn():
    calls = []
    timings = alternate([lambda: calls.append('a'), lambda: calls.append('b')], pairs=4, warmup=2)
    assert calls == ['a', 'b'] * 6
    assert [len(timing.times) for timing in timings] == [4, 4]


def test_summary_by_hand():
    result = summary(['a.py', 'b.py'], 8, [measured(3, 1, 2, 30), measured(2, 2, 2, 2)])
    assert (result['median_ms'], result['against_median_ms'], result['ratio']) == pytest.approx((2.5, 2.0, 1.25))
    assert result['quartiles_ms'] == pytest.approx([1.75, 9.75]) and result['runs'] == 4
    alone = summary(['a.py'], 8, [measured(3, 1, 2)])
    assert alone['median_ms'] == pytest.approx(2)
    assert alone['against'] is alone['ratio'] is alone['against_median_ms'] is None


def test_inference_command(tmp_path, capsys):
    config = write_config(tmp_path / 'config.py', write_dots(tmp_path))
    benchmark(
        'inference',
        config,
        '--against',
        config,
        '--batch-size',
        2,
        '--device',
        'cpu',
        '--pairs',
        20,
        '--json',
        tmp_path / 'speed.json',
    )
    result = json.loads((tmp_path / 'speed.json').read_text())
    assert (result['config'], result['against'], result['batch_size']) == (str(config), str(config), 2)
    assert result['ratio'] == result['median_ms'] / result['against_median_ms']
    assert 'ratio' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        benchmark('inference', config, '--pairs', 3)
    assert 'at least 20' in capsys.readouterr().err


def test_run_as_a_script(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['run.py', '--help'])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(ROOT / 'benchmarks' / 'run.py'), run_name='__main__')
    assert done.value.code == 0 and 'docs/benchmarks.md' in capsys.readouterr().out


def test_data_command(tmp_path):
    config = write_config(tmp_path / 'config.py', write_dots(tmp_path))
    benchmark('data', config, '--seconds', 0.2, '--json', tmp_path / 'data.json')
    result = json.loads((tmp_path / 'data.json').read_text())
    assert result['samples'] > 0 and result['samples_per_second'] > 0


@pytest.mark.slow
def test_peak_memory_is_that_of_the_model_alone(tmp_path):
    config = str(write_config(tmp_path / 'config.py', write_dots(tmp_path)))
    ballast = np.ones(3 * 2**27)  # 3 GiB
    measured = peak_memory(config, 2, 'cpu', False)
    assert 100 < measured < 3000
    assert ballast[0] == 1


def test_text_queries(tmp_path):
    """A text-query head against CLAMP's; its training step encodes no text."""
    ours = Config(text_query_config())
    ours.model.head.names = NAMES
    ours.dump(tmp_path / 'text.py')
    clamp = write_config(tmp_path / 'clamp.py', write_dots(tmp_path))
    benchmark(
        'head',
        tmp_path / 'text.py',
        '--against',
        clamp,
        '--batch-size',
        2,
        '--device',
        'cpu',
        '--pairs',
        20,
        '--json',
        tmp_path / 'head.json',
    )
    result = json.loads((tmp_path / 'head.json').read_text())
    assert result['ratio'] == result['median_ms'] / result['against_median_ms']
    benchmark(
        'texts',
        tmp_path / 'text.py',
        '--batch-size',
        2,
        '--device',
        'cpu',
        '--pairs',
        20,
        '--json',
        tmp_path / 'texts.json',
    )
    result = json.loads((tmp_path / 'texts.json').read_text())
    assert result['encoded_texts'] == 0
    for kind in ('training', 'prediction'):
        assert result[kind]['ratio'] == result[kind]['median_ms'] / result[kind]['against_median_ms']


def test_texts_that_are_encoded_are_counted(tmp_path):
    """If the text tower is trained, each of the 20 + 3 steps encodes the five names."""
    ours = Config(text_query_config())
    ours.model.head.names = NAMES
    ours.model.head.text_encoder.tune = True
    ours.dump(tmp_path / 'text.py')
    timings = texts(str(tmp_path / 'text.py'), 2, 'cpu', 20)
    assert timings.encoded >= 5 * 23
