"""The benchmark of answers with poses, on a small model."""

import json

from benchmarks import pose_answers
from benchmarks.run import main


def test_pose_answers(tmp_path, monkeypatch, capsys):
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
    monkeypatch.setattr(pose_answers, 'SIZES', sizes)
    monkeypatch.setattr(pose_answers, 'TOWER', sizes)
    file = tmp_path / 'results.json'
    assert main(['pose-answers', '--tokens', '6', '--poses', '3', '--pairs', '3', '--json', str(file)]) == 0
    result = json.loads(file.read_text())
    assert result['poses'] == 3 and result['ratio'] == result['ms'] / result['plain_ms']
    assert f'ratio {result["ratio"]:.3f}' in capsys.readouterr().out
