import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import run
from benchmarks.heatmaps import CROP, PERSON, HeatmapTimings, heatmap, heatmap_summary, plain_heatmap
from clamp_mmpose.datasets.focus.body_parts import body_parts


def test_plain_method_is_the_published_one(parity):
    expected = np.load(parity / 'focusclip_heatmaps' / 'expected.npz')
    keypoints = expected['keypoints_0']
    assert keypoints[:, 2].all()  # the plain method has no hidden keypoints
    found = plain_heatmap(keypoints[:, :2], body_parts('mpii'), tuple(expected['shape_0']))
    np.testing.assert_allclose(found, expected['heatmap_0'].astype(float), atol=2**-12 + 1e-6)


def test_summary_by_hand():
    timings = HeatmapTimings(*(SimpleNamespace(median=ms / 1000, times=3 * [ms]) for ms in (2.0, 60.0, 0.5, 5.0)))
    result = heatmap_summary(timings)
    assert [result[f'{name}_ratio'] for name in ('image', 'crop', 'crop_of_image')] == [30, 10, 120]
    assert result['runs'] == 3


def test_the_person_fits_into_image_and_crop():
    assert (PERSON.min(axis=0) > 0).all() and (PERSON.max(axis=0) < (1280, 720)).all()
    crop = (PERSON - (325, 40)) * 0.4
    assert (crop > 0).all() and (crop < CROP).all()


def test_different_maps_are_not_compared(monkeypatch):
    monkeypatch.setattr('benchmarks.heatmaps.plain_heatmap', lambda *_: np.ones((1, 1)))
    with pytest.raises(RuntimeError, match='cannot be compared'):
        heatmap(20)


def test_each_timing_is_of_its_own_map(monkeypatch):
    def sizes(runs, *_):
        maps = [run() for run in runs]
        return [np.size(one['focus_heatmap'] if isinstance(one, dict) else one) for one in maps]

    monkeypatch.setattr('benchmarks.heatmaps.alternate', sizes)
    assert list(heatmap(20)) == [1280 * 720, 1280 * 720, 256 * 256, 256 * 256]


def test_command(tmp_path, capsys):
    run.main(['heatmap', '--pairs', '20', '--json', str(tmp_path / 'out.json')])
    result = json.loads((tmp_path / 'out.json').read_text())
    assert f'{result["image_ratio"]:.0f} times' in capsys.readouterr().out and result['runs'] == 20
