"""The demo on photographs, with drawn ones and two batches."""

import json

import cv2
import pytest
from photo_files import needs_weights, write_photos

from demos.photos.demo import run_photos_demo


@pytest.mark.slow
@needs_weights
def test_report_shows_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(tmp_path))
    monkeypatch.setenv('CLAMP_MMPOSE_CATEGORY', 'bee')
    write_photos(tmp_path)
    said = []
    report = run_photos_demo(tmp_path / 'demo', said.append, iters=2, category='bee', size=64).read_text()
    result = json.loads((tmp_path / 'demo/result.json').read_text())
    assert [each['id'] for each in result['instances']] == [101, 102] and result['iters'] == 2
    hits = [each['hits'][1] / 3 for each in result['instances']]
    assert '| CLAMP | ' in report and f' | {sum(hits) / 2:.3f} [{min(hits):.3f}, {max(hits):.3f}] | ' in report
    assert '| mean pose | 1.000 [1.000, 1.000] |' in report  # all drawn alike
    assert any('batch 2/2, loss_kpt' in line for line in said)
    assert (tmp_path / 'demo/run/iter_2.pth').is_file()
    assert cv2.imread(str(tmp_path / 'demo/images/predictions.jpg')).shape == (2 * (420 + 44), 2 * 420, 3)
