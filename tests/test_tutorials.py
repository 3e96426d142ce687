"""The code of docs/add_a_head.md and docs/add_a_dataset.md runs, and gives known results."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, MODELS
from mmpose.structures import PoseDataSample

DOCS = Path(__file__).parents[1] / 'docs'


def run_code(page):
    """What the Python blocks of a page define, run one after another."""
    defined = {'__name__': page}
    for block in re.findall(r'```python\n(.*?)```', (DOCS / page).read_text(encoding='utf-8'), re.DOTALL):
        exec(compile(block.replace("'my_heads'", "'math'").replace("'my_datasets'", "'math'"), page, 'exec'), defined)
    return defined


@pytest.fixture(scope='module')
def head_page():
    yield run_code('add_a_head.md')
    MODELS.module_dict.pop('NameAttentionHead')


@pytest.fixture(scope='module')
def dataset_page():
    yield run_code('add_a_dataset.md')
    DATASETS.module_dict.pop('CSVKeypoints')


def samples(weights):
    labels = InstanceData(
        keypoint_labels=torch.tensor([[[0.5, 0.25]] * 4]), keypoint_weights=torch.tensor([weights], dtype=torch.float32)
    )
    return [PoseDataSample(gt_instance_labels=labels)]


def test_the_head_finds_the_cell_that_its_names_attend_to(head_page):
    head = MODELS.build(head_page['model']['head']).eval()
    torch.nn.init.zeros_(head.query.weight)
    torch.nn.init.ones_(head.query.bias)
    feature_map = torch.zeros(1, 256, 4, 4)
    feature_map[0, :, 1, 2] = 100.0
    with torch.no_grad():
        (found,) = head.predict((feature_map,), samples([1] * 4))
        losses = head.loss((feature_map,), samples([1, 0, 1, 1]))
        nothing = head.loss((feature_map,), samples([0] * 4))
    # the cell in column 2 and row 1 of 4, each 32 pixels of the network input
    np.testing.assert_allclose(found.keypoints, [[[79.5, 47.5]] * 4], rtol=1e-5)
    np.testing.assert_allclose(found.keypoint_scores, [[1.0] * 4])
    assert losses['loss_kpt'].item() == pytest.approx(15.5 / 128 * 2, rel=1e-5)  # 79.5 - 64 and 47.5 - 32
    assert nothing['loss_kpt'].item() == 0


def test_a_model_with_the_head_trains(head_page):
    model = MODELS.build(head_page['model'])
    image = torch.randint(0, 255, (1, 3, 128, 128), dtype=torch.uint8)
    losses = model.data_preprocessor(dict(inputs=list(image), data_samples=samples([1] * 4)), training=True)
    loss = model.loss(losses['inputs'], losses['data_samples'])['loss_kpt']
    loss.backward()
    assert model.head.query.weight.grad.abs().sum() > 0 and model.backbone.timm_model.conv1[0].weight.grad is not None


def test_the_data_set_has_points_boxes_and_pixels(dataset_page, tmp_path):
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images/a.png'), np.full((80, 100, 3), 200, np.uint8))
    rows = ['image,name,x,y', 'a.png,beak tip,10,20', 'a.png,tail tip,50,40', 'a.png,left wing tip,30,60']
    (tmp_path / 'train.csv').write_text('\n'.join(rows))
    config = dict(dataset_page['train_dataloader']['dataset'], data_root=str(tmp_path))
    dataset = DATASETS.build(dict(config, pipeline=[]))
    instance = dataset.get_data_info(0)
    assert instance['keypoints'].tolist() == [[[10, 20], [30, 60], [0, 0], [50, 40]]]
    assert instance['keypoints_visible'].tolist() == [[1, 1, 0, 1]]
    assert instance['bbox'].tolist() == [[4, 14, 56, 66]]  # 40 x 40, and 15 % of 40 on each side
    assert instance['area'] == 52 * 52
    assert instance['flip_indices'] == [0, 2, 1, 3]

    np.random.seed(0)
    sample = DATASETS.build(config)[0]
    assert sample['inputs'].shape == (3, 128, 128)
    assert sample['data_samples'].gt_fields.heatmaps.shape == (4, 32, 32)

    (tmp_path / 'train.csv').write_text('\n'.join([*rows, 'a.png,claw,1,2']))
    with pytest.raises(ValueError, match=r"train.csv: unknown keypoints \['claw'\]"):
        DATASETS.build(dict(config, pipeline=[]))
