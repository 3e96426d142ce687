import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpose.datasets import AP10KDataset

from demos.animals.world import image as toy_image
from demos.animals.world.dataset import draw_toy_animals
from demos.animals.world.drawing import draw_quadruped
from demos.animals.world.image import draw_image
from demos.animals.world.quadruped import FORE_LEG, GAITS, HIND_LEG, KEYPOINTS, POSTURES, Camera, pose_quadruped
from demos.animals.world.species import SPECIES
from demos.canvas.photo import new_layer, paste
from demos.canvas.sketch import Sketch

pytestmark = pytest.mark.slow  # together more than a minute

SPLITS = ('train', 'val', 'test')


@pytest.fixture(scope='module')
def toy(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp('toy')
    draw_toy_animals(out, num_images=45, seed=3)
    return out


def annotations(folder: Path, split: str) -> dict:
    return json.loads((folder / 'annotations' / f'ap10k-{split}-split1.json').read_text())


def digests(folder: Path) -> dict:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob('*.*')}


def paint(species, heading, pose, rng):
    """An animal with a trunk of 150 pixels on an empty canvas: its sketch, the canvas, and the silhouette."""
    canvas = np.full((600, 800, 3), (0, 0, 255), np.uint8)
    sketch, layer = Sketch(rng), new_layer(canvas)
    draw_quadruped(sketch, species, species.coats[0], pose, Camera(heading, 8.0, 0.0))
    sketch.place(150.0, np.array([400.0, 250.0]))
    sketch.paint(layer)
    return sketch, canvas, paste(canvas, layer)


def test_the_seed_decides_every_byte_and_nothing_else_does(tmp_path):
    for name, seed, global_seed in (('one', 0, 5), ('again', 0, 6), ('other', 1, 5)):
        np.random.seed(global_seed)
        before = np.random.get_state()[1:3]
        draw_toy_animals(tmp_path / name, num_images=27, image_size=(96, 64), seed=seed)
        np.testing.assert_equal(np.random.get_state()[1:3], before)
    one, again, other = (digests(tmp_path / name) for name in ('one', 'again', 'other'))
    assert len(one) == 27 + 3
    assert one == again
    assert one.keys() == other.keys() and not set(one.values()) & set(other.values())


def test_written_as_ap10k_on_disk(toy, shared_data):
    real = json.loads((shared_data / 'mmpose_ap10k' / 'test_ap10k.json').read_text())
    real_categories = {category['id']: category for category in real['categories']}
    for split in SPLITS:
        ours = annotations(toy, split)
        assert list(ours) == list(real)
        for part in ('info', 'licenses', 'images', 'annotations', 'categories'):
            expected, found = (file[part] if part == 'info' else file[part][0] for file in (real, ours))
            assert list(found) == list(expected)
            assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]
        # name, family, keypoints in order, skeleton: the real ones
        assert all(category == real_categories[category['id']] for category in ours['categories'])
        for image in ours['images']:
            height, width, _ = cv2.imread(str(toy / 'data' / image['file_name'])).shape
            assert (width, height) == (image['width'], image['height']) == (256, 192)
            assert image['file_name'] == f'{image["id"]:012d}.jpg'


def test_every_split_shows_every_species_and_ids_are_unique(toy):
    files = {split: annotations(toy, split) for split in SPLITS}
    for content in files.values():
        assert {found['category_id'] for found in content['annotations']} == {s.category_id for s in SPECIES}
        assert {found['image_id'] for found in content['annotations']} == {i['id'] for i in content['images']}
    assert len({species.family for species in SPECIES}) == 3
    for part in ('images', 'annotations'):
        ids = sorted(found['id'] for content in files.values() for found in content[part])
        assert ids == list(range(1, len(ids) + 1))
    assert sum(len(content['images']) for content in files.values()) == 45


def test_splits_are_about_70_10_20_percent(monkeypatch, tmp_path):
    blank = toy_image.LabeledAnimal(np.full((17, 3), 2), (0, 0, 9, 9))
    monkeypatch.setattr('demos.animals.world.dataset.draw_image', lambda *_: (np.zeros((64, 64, 3), np.uint8), [blank]))
    draw_toy_animals(tmp_path, num_images=400)
    shares = [len(annotations(tmp_path, split)['images']) / 400 for split in SPLITS]
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.02)


def test_labels_lie_in_the_box_and_the_box_in_the_image(toy):
    pairs = 0
    for split in SPLITS:
        for found in annotations(toy, split)['annotations']:
            keypoints = np.array(found['keypoints']).reshape(17, 3)
            labeled = keypoints[:, 2] == 2
            x, y, w, h = found['bbox']
            assert x >= 0 and y >= 0 and w > 20 and h > 20 and x + w <= 256 and y + h <= 192
            assert found['area'] == w * h
            assert found['num_keypoints'] == labeled.sum() >= 4
            assert not keypoints[~labeled].any()
            # a joint is inside the animal, so no tolerance beyond rounding
            assert (keypoints[labeled, :2] >= [x - 1, y - 1]).all()
            assert (keypoints[labeled, :2] <= [x + w, y + h]).all()
        pairs += len(annotations(toy, split)['annotations']) - len(annotations(toy, split)['images'])
    assert pairs > 0


def test_stock_ap10k_dataset_reads_everything(toy):
    for split in SPLITS:
        content = annotations(toy, split)
        dataset = AP10KDataset(
            data_root=str(toy),
            data_mode='topdown',
            data_prefix=dict(img='data/'),
            pipeline=[],
            ann_file=f'annotations/ap10k-{split}-split1.json',
        )
        assert len(dataset) == len(content['annotations'])
        by_id = {found['id']: found for found in content['annotations']}
        for sample in (dataset[i] for i in range(len(dataset))):
            keypoints = np.array(by_id[sample['id']]['keypoints']).reshape(17, 3)
            np.testing.assert_array_equal(sample['keypoints'][0], keypoints[:, :2])
            np.testing.assert_array_equal(sample['keypoints_visible'][0], keypoints[:, 2] > 0)
            assert Path(sample['img_path']).is_file()


@pytest.mark.parametrize('species', SPECIES, ids=lambda species: species.name)
def test_bones_keep_their_lengths(species):
    rng = np.random.default_rng(0)
    trunks = []
    for action in [*GAITS, *POSTURES] * 3:
        joints = pose_quadruped(species.build, action, rng).joints
        for side in ('left', 'right'):
            for names, lengths in ((FORE_LEG, species.build.fore), (HIND_LEG, species.build.hind)):
                leg = np.stack([joints[f'{side}_{name}'] for name in names])
                np.testing.assert_allclose(np.linalg.norm(np.diff(leg, axis=0), axis=1), lengths, rtol=1e-6)
            trunks.append(np.linalg.norm(joints[f'{side}_shoulder'] - joints[f'{side}_hip']))
        assert np.linalg.norm(joints['poll'] - joints['neck']) == pytest.approx(species.build.neck[0])
        assert np.linalg.norm(joints['nose'] - joints['poll']) == pytest.approx(species.build.head[0])
    np.testing.assert_allclose(trunks, trunks[0], rtol=1e-6)
    assert trunks[0] == pytest.approx(1, abs=0.05)


def test_left_and_right_are_those_of_a_body_and_not_of_its_mirror_image():
    rng = np.random.default_rng(0)
    for heading in (-25.0, 0.0, 25.0, 155.0, 180.0, 205.0):
        camera = Camera(heading, 10.0, 0.0)
        joints = pose_quadruped(SPECIES[0].build, 'stand', rng).joints
        faces_left = camera.project(joints['nose'])[0] < camera.project(joints['root_of_tail'])[0]
        # seen from above, what is nearer to the camera is lower in the image
        left_hip, right_hip = (camera.project(joints[f'{side}_hip'])[1] for side in ('left', 'right'))
        assert (left_hip > right_hip) == faces_left
        assert camera.near_side == ('left' if faces_left else 'right')


@pytest.mark.parametrize('species', SPECIES, ids=lambda species: species.name)
def test_the_near_legs_are_bright_and_the_far_ones_dark(species):
    rng = np.random.default_rng(0)
    compared = 0
    for heading, near, far in [(180.0, 'left', 'right'), (0.0, 'right', 'left')] * 4:
        sketch, canvas, _ = paint(species, heading, pose_quadruped(species.build, 'walk', rng), rng)
        joints = sketch.points
        bones = [bone for names in (FORE_LEG, HIND_LEG) for bone in zip(names, names[1:])]
        near_legs = np.concatenate(
            [np.linspace(joints[f'{near}_{start}'], joints[f'{near}_{end}'], 20) for start, end in bones]
        )
        for part in ('front_paw', 'back_paw'):
            bright, dark = (np.round(joints[f'{side}_{part}']).astype(int) for side in (near, far))
            if np.linalg.norm(near_legs - dark, axis=1).min() > 25:  # not hidden
                compared += 1
                assert canvas[dark[1], dark[0]].sum() < 0.8 * canvas[bright[1], bright[0]].sum()
    assert compared >= 6


@pytest.mark.parametrize('species', SPECIES, ids=lambda species: species.name)
def test_the_silhouette_is_what_is_painted(species):
    rng = np.random.default_rng(0)
    for action in species.actions:
        _, canvas, silhouette = paint(species, 10.0, pose_quadruped(species.build, action, rng), rng)
        painted = (canvas != (0, 0, 255)).any(axis=2)
        assert painted.sum() > 5000
        assert (painted != (silhouette > 0)).mean() < 1e-3


def test_the_far_eye_is_marked_only_when_the_head_is_turned():
    rng = np.random.default_rng(0)
    marked = {}
    for heading in (0.0, 90.0, 180.0):
        pose = replace(pose_quadruped(SPECIES[0].build, 'walk', rng), head=np.eye(3))  # looks straight ahead
        sketch, *_ = paint(SPECIES[0], heading, pose, rng)
        marked[heading] = [side for side in ('left', 'right') if f'{side}_eye' in sketch.points]
    assert marked == {0.0: ['right'], 90.0: ['left', 'right'], 180.0: ['left']}


def test_joints_under_a_cover_are_not_labeled(monkeypatch):
    monkeypatch.setattr(toy_image, 'MIN_LABELED', 0)
    monkeypatch.setattr('demos.canvas.photo.BLUR_CHANCE', 0)
    monkeypatch.setattr(toy_image, 'PAIR_CHANCE', 0)
    masks = []
    monkeypatch.setattr(toy_image, 'paste', lambda *args: masks.append(paste(*args)) or masks[-1])
    hidden = 0
    for entropy in range(12):
        images = {}
        for chance in (0, 1):
            monkeypatch.setattr(toy_image, 'COVER_CHANCE', chance)
            images[chance] = draw_image(SPECIES[entropy % 9], (256, 192), 0, [entropy])
        (open_image, [free]), (covered_image, [covered]) = images[0], images[1]
        under = cv2.resize(masks[-1], (256, 192), interpolation=cv2.INTER_AREA)
        changed = (open_image != covered_image).any(axis=2)
        assert changed[under == 255].mean() > 0.9
        assert not changed[under == 0].any()
        assert free.bbox == covered.bbox
        for before, after in zip(free.keypoints, covered.keypoints):
            x, y, _ = before
            if before[2] and under[y, x] == 255:
                hidden += 1
                assert not after.any()
            elif under[y, x] == 0:
                np.testing.assert_array_equal(after, before)
    assert hidden >= 8


def test_joints_behind_a_nearer_animal_are_not_labeled(monkeypatch):
    monkeypatch.setattr(toy_image, 'MIN_LABELED', 0)
    monkeypatch.setattr(toy_image, 'PAIR_CHANCE', 1)
    monkeypatch.setattr(toy_image, 'COVER_CHANCE', 0)
    sketches, silhouettes, stand = [], [], toy_image._stand
    monkeypatch.setattr(toy_image, '_stand', lambda *args: sketches.append(stand(*args)) or sketches[-1])
    monkeypatch.setattr(toy_image, 'paste', lambda *args: silhouettes.append(paste(*args)) or silhouettes[-1])
    hidden = 0
    for entropy in range(18):
        _, animals = draw_image(SPECIES[entropy % 9], (256, 192), 0, [entropy])
        _, near, _ = silhouettes[-3:]  # the last is that of the cover
        for sketch, animal in zip(sketches[-2:], animals):
            for name, label in zip(KEYPOINTS, animal.keypoints):
                if name not in sketch.points:  # hidden by the head
                    assert not label.any()
                    continue
                x, y = np.round(sketch.points[name]).astype(int)
                if not (0 <= x < 512 and 0 <= y < 384):
                    continue
                behind = sketch is sketches[-2] and near[y, x] > 0
                hidden += behind
                assert label[2] == (0 if behind else 2)
    assert hidden >= 8


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_images=26), 'num_images=26 cannot show 9 species in each of 3 splits; give at least 27'),
        (dict(image_size=(256, 63)), r'size=\(256, 63\) is too small'),
    ],
)
def test_too_small_is_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_toy_animals(tmp_path / 'out', **arguments)
    assert not (tmp_path / 'out').exists()
