import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.heatmaps import CROP, PERSON, HeatmapTimings, heatmap, heatmap_summary, plain_heatmap
from benchmarks.models import Timing
from clamp_mmpose.datasets.focus.body_parts import body_parts

ROOT = Path(__file__).parents[2]


def test_plain_way_is_the_published_one(parity):
    expected = np.load(parity / 'focusclip_heatmaps' / 'expected.npz')
    keypoints = expected['keypoints_0']
    assert keypoints[:, 2].all()  # the plain way knows no hidden keypoints
    found = plain_heatmap(keypoints[:, :2], body_parts('mpii'), tuple(expected['shape_0']))
    np.testing.assert_allclose(found, expected['heatmap_0'].astype(float), atol=2**-12 + 1e-6)


def test_summary_by_hand():
    timings = HeatmapTimings(*(Timing([value] * 3) for value in (2.0, 60.0, 0.5, 5.0)))
    result = heatmap_summary(timings)
    assert (result['picture_ratio'], result['crop_ratio'], result['crop_of_picture_ratio']) == (30, 10, 120)
    assert result['runs'] == 3


def test_the_person_fits_into_picture_and_crop():
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
        return [Timing([float(np.size(one['focus_heatmap'] if isinstance(one, dict) else one))]) for one in maps]

    monkeypatch.setattr('benchmarks.heatmaps.alternate', sizes)
    assert [timing.median for timing in heatmap(20)] == [1280 * 720, 1280 * 720, 256 * 256, 256 * 256]


def test_command(tmp_path):
    done = subprocess.run(
        [sys.executable, 'benchmarks/run.py', 'heatmap', '--pairs', '20', '--json', str(tmp_path / 'out.json')],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / 'out.json').read_text())
    assert f'{result["picture_ratio"]:.0f} times' in done.stdout and result['runs'] == 20
