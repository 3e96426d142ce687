import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from clamp_mmpose.datasets.files.coco import read_annotations
from demos.animals.demo import CONFIGS, run_demo
from demos.animals.images import PANEL, choose_animals, mean_similarity, xyxy
from demos.common.panels import enlarge

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp('demo')
    (folder / 'data').mkdir()
    (folder / 'data' / 'stale.txt').write_text('from an earlier demo')
    lines = []
    report = run_demo(folder, lines.append, num_images=40, epochs=1)
    return folder, report, lines


def test_the_family_is_unseen(demo):
    folder, _, _ = demo
    families = {}
    for group in ('train-split1-seen', 'val-split1-seen', 'test-split1-seen', 'test-split1-unseen'):
        annotations = read_annotations(folder / 'data' / 'annotations' / f'ap10k-{group}.json', '')
        family_of = {category['id']: category['supercategory'] for category in annotations['categories']}
        families[group] = {family_of[animal['category_id']] for animal in annotations['annotations']}
    unseen = families.pop('test-split1-unseen')
    assert unseen == {'Canidae'} and not any(seen & unseen for seen in families.values())
    assert not (folder / 'data' / 'stale.txt').exists()


def test_report_shows_what_was_measured(demo):
    folder, report, lines = demo
    text = report.read_text(encoding='utf-8')
    metrics = json.loads((folder / 'metrics.json').read_text())
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for cells in (line.split('|') for line in text.splitlines() if line.startswith('|'))
    }
    assert rows[''] == list(CONFIGS) == ['baseline', 'CLAMP']
    seen = next(row for label, row in rows.items() if label.startswith('PCK@0.1, seen species'))
    assert seen == [f'{metrics[name]["seen"]["PCK"]:.3f}' for name in CONFIGS]
    unseen = next(row for label, row in rows.items() if label.startswith('AP, unseen family Canidae'))
    assert unseen == [f'{metrics[name]["unseen"]["coco/AP"]:.3f}' for name in CONFIGS]
    assert all(seconds.isdigit() for seconds in rows['training, s'])
    baseline, clamp = (int(number.replace(',', '')) for number in rows['trained parameters'])
    assert 0 < baseline < clamp
    frozen = [int(number.replace(',', '')) for number in rows['frozen text encoder (not needed once exported)']]
    model = MODELS.build(Config.fromfile(str(next((folder / 'CLAMP').glob('*.py')))).model)
    assert frozen == [0, sum(parameter.numel() for parameter in model.head.text_encoder.parameters())]
    assert all(float(ms) > 0 for ms in rows['inference at batch 8, ms (median)'])
    assert any('CLAMP' in line and 'epochs' in line for line in lines)
    for line in text.splitlines():
        if line.startswith('!['):
            assert (report.parent / line.split('(')[-1].rstrip(')')).stat().st_size > 1000


def test_animals_in_the_images(tmp_path):
    images = [dict(id=i, file_name=f'{i}.jpg') for i in range(9)]
    # only animals 2, 5 and 8 are clearly visible
    animals = [dict(id=i, image_id=i, num_keypoints=17 if i % 3 == 2 else i) for i in range(8)]
    animals.append(dict(id=8, image_id=8, num_keypoints=16))
    path = tmp_path / 'animals.json'
    path.write_text(json.dumps(dict(images=images, annotations=animals, categories=[])))
    assert [(name, animal['id']) for name, animal in choose_animals(path)] == [('2.jpg', 2), ('5.jpg', 5), ('8.jpg', 8)]


def test_panel_shows_the_box_with_space_around():
    assert xyxy(dict(bbox=[10, 20, 30, 40])) == [10, 20, 40, 60]
    box = xyxy(dict(bbox=[10, 20, 30, 40]), padding=2)
    assert box == [-5, 0, 55, 80]
    matrix = enlarge(box, PANEL)
    scale = min(PANEL[0] / 60, PANEL[1] / 80)
    np.testing.assert_allclose(matrix @ [25, 40, 1], [PANEL[0] / 2, PANEL[1] / 2])
    np.testing.assert_allclose(matrix @ [40, 60, 1] - matrix @ [10, 20, 1], [30 * scale, 40 * scale])


def test_mean_similarity_over_labeled_keypoints(demo):
    """The similarities of each animal are its index, so the mean is known."""
    folder, _, _ = demo
    cfg = Config.fromfile(str(next((folder / 'CLAMP').glob('*.py'))))
    model = MODELS.build(cfg.model).train()
    rows = []

    def match(feats, keypoints, input_size):
        rows.append(torch.arange(len(keypoints)).float())
        return rows[-1][:, None, None].expand(-1, 17, 17).clone()

    model.head.keypoint_prompt_similarity = match
    similarity = mean_similarity(model, cfg)
    assert similarity.shape == (17, 17) and model.training
    # each row is the mean index of the animals on which that keypoint is labeled
    annotations = read_annotations(folder / 'data' / 'annotations' / 'ap10k-test-split1-seen.json', '')
    animals = sorted(
        (animal for animal in annotations['annotations'] if animal['num_keypoints']),
        key=lambda animal: animal['image_id'],
    )
    labeled = np.array([animal['keypoints'][2::3] for animal in animals]) > 0
    assert len(animals) == len(rows[0]) and len(rows) == 1
    expected = (labeled * np.arange(len(animals))[:, None]).sum(axis=0) / labeled.sum(axis=0)
    np.testing.assert_allclose(similarity[:, 0], expected, rtol=1e-6)
