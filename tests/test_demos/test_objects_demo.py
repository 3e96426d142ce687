"""The demo of the text-query head, with a few images."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.category_texts import load_texts
from demos.objects.demo import TEST, box_centers, run_cape_demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    said = []
    folder = tmp_path_factory.mktemp('demo_cape')
    return run_cape_demo(folder, said.append, images=(4, 2, 3), epochs=1).parent, said


def test_report_shows_what_was_measured(demo):
    folder, said = demo
    report = (folder / 'report.md').read_text()
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert list(metrics) == [
        'by name',
        "by each other's names",
        'center of the box',
        'by name, new images of the nine',
    ]
    unseen = list(metrics['by name']['categories'])
    assert unseen == ['table', 'bird', 'shirt']
    for name, trial in metrics.items():
        cells = [
            f'{trial["scores"]["PCK@0.2"]:.3f}',
            *(f'{trial["categories"][one]:.3f}' if one in trial['categories'] else '' for one in unseen),
            f'{trial["scores"]["mPCK"]:.3f}',
            f'{trial["scores"]["NME"]:.3f}',
        ]
        assert f'| {name} | ' + ' | '.join(cells) + ' |' in report
        assert any(name in line and f'{trial["scores"]["PCK@0.2"]:.3f}' in line for line in said)
    assert f'{metrics["by name"]["auroc"]:.3f}' in report
    assert f'{metrics["by name, new images of the nine"]["auroc"]:.3f}' in report
    for image in ('unseen.jpg', 'score_maps.jpg'):
        assert f'images/{image}' in report and cv2.imread(str(folder / 'images' / image)).std() > 5
    assert sum('epoch' in line for line in said) >= 1


def test_no_keypoint_keeps_its_name(demo):
    named, shuffled = (load_texts(demo[0] / folder) for folder in ('data/texts', 'shuffled_texts'))
    assert named.keys() == shuffled.keys() and len(named) == 14
    for category_id, own in named.items():
        other = shuffled[category_id]
        assert sorted(own.names) == sorted(other.names)
        assert not any(a == b for a, b in zip(own.names, other.names))
        assert dict(zip(own.names, own.descriptions)) == dict(zip(other.names, other.descriptions))


def test_box_centers_by_plain_loops(demo):
    annotations = read_instances(demo[0] / 'data' / TEST)
    shares = []
    for instance in annotations.instances:
        x, y, w, h = instance.bbox
        distances = [
            np.hypot(px - (x + w / 2), py - (y + h / 2))
            for (px, py), visible in zip(instance.keypoints, instance.visible)
            if visible
        ]
        shares.append(np.mean([distance / max(w, h) < 0.2 for distance in distances]))
    assert box_centers(demo[0] / 'data' / TEST).scores['PCK@0.2'] == pytest.approx(np.mean(shares))


def test_unseen_categories_are_not_in_training(demo):
    seen, unseen = (
        set(read_instances(demo[0] / 'data' / 'annotations' / f'mp100_split1_{part}.json').categories)
        for part in ('train', 'test')
    )
    assert len(seen) == 9 and len(unseen) == 3 and not seen & unseen
    assert Path(TEST).name == 'mp100_split1_test.json'
