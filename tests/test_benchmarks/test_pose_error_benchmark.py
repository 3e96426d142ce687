import json

import pytest

from benchmarks import run
from benchmarks.pose_errors import pose_errors


def test_both_ways_have_the_same_error():
    result = pose_errors(50)
    assert result['difference_mm'] < 1e-8
    assert result['ratio'] == pytest.approx(result['mmpose_pa_mpjpe_s'] / result['pa_mpjpe_s'])


def test_command(tmp_path, capsys):
    out = tmp_path / 'result.json'
    assert run.main(['pose-errors', '--poses', '20', '--json', str(out)]) == 0
    assert '20 poses of 14 joints' in capsys.readouterr().out
    assert json.loads(out.read_text())['poses'] == 20
