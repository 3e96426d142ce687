import json

from benchmarks import run
from clamp_mmpose.body.fitting import fitting


def test_fitting(tmp_path, monkeypatch, capsys):
    """A fit of a few steps is already better than the mean pose."""
    monkeypatch.setattr(fitting, 'CAMERA_STEPS', 10)
    monkeypatch.setattr(fitting, 'POSE_STEPS', 40)
    assert run.main(['body-fitting', '--people', '3', '--json', str(tmp_path / 'a.json')]) == 0
    result = json.loads((tmp_path / 'a.json').read_text())
    assert (result['people'], result['keypoints']) == (3, 12)
    assert result['error_px'] < 5 and result['pa_mpjpe_mm'] < 0.8 * result['mean_pose_pa_mpjpe_mm']
    assert 0 < result['seconds'] < 60 and 'points of the body skeleton' in capsys.readouterr().out
