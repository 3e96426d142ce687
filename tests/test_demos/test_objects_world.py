import hashlib
import json
import re
from collections import Counter, defaultdict
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.sides import mirrored_indices
from demos.canvas.folder import DrawnFolder
from demos.canvas.sketch import Sketch, rotation
from demos.objects.world.categories import CATEGORIES, ToyCategory
from demos.objects.world.dataset import write_toy_objects
from demos.objects.world.image import draw_object

pytestmark = pytest.mark.slow  # together more than a minute

SPLITS = ('train', 'val', 'test')
BY_NAME = {category.name: category for category in CATEGORIES}


@pytest.fixture(scope='module')
def toy(tmp_path_factory) -> Path:
    return write_toy_objects(tmp_path_factory.mktemp('toy'), (20, 5, 40), seed=3)


@pytest.fixture(scope='module')
def drawn() -> dict:
    """30 objects of each category."""
    return {
        category.name: [draw_object(category, 128, (5, category.id, n)) for n in range(30)] for category in CATEGORIES
    }


def annotations(folder: Path, split: str) -> dict:
    return json.loads((folder / 'annotations' / f'mp100_split1_{split}.json').read_text())


def digests(folder: Path) -> dict:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*')
        if path.is_file()
    }


def words(texts) -> set:
    return {word for text in texts for word in re.findall('[a-z]+', text.lower())}


def instances(folder: Path, split: str):
    """(category, keypoints [K, 3], bbox) of every annotation of a split."""
    for ann in annotations(folder, split)['annotations']:
        category = next(category for category in CATEGORIES if category.id == ann['category_id'])
        yield category, np.array(ann['keypoints']).reshape(-1, 3), np.array(ann['bbox'])


def pck(folder: Path, split: str, predict) -> float:
    """Mean PCK@0.2 of the instances, for predictions (x, y) as shares of the box."""
    scores = []
    for category, keypoints, (x, y, w, h) in instances(folder, split):
        predicted = np.array([predict(name) for name in category.keypoints]) * [w, h] + [x, y]
        distances = np.linalg.norm(keypoints[:, :2] - predicted, axis=1) / max(w, h)
        scores.append((distances < 0.2)[keypoints[:, 2] > 0].mean())
    return float(np.mean(scores))


def test_nine_two_and_three_categories_of_6_to_14_keypoints():
    assert Counter(category.split for category in CATEGORIES) == dict(train=9, val=2, test=3)
    assert [category.id for category in CATEGORIES] == list(range(1, 15))
    assert len(BY_NAME) == 14
    for category in CATEGORIES:
        assert 6 <= len(category.keypoints) == len(set(category.keypoints)) <= 14
        assert {i for link in category.skeleton for i in link} == set(range(len(category.keypoints)))


def test_unseen_categories_use_only_words_of_training_names():
    names = {
        split: [name for category in CATEGORIES if category.split == split for name in category.keypoints]
        for split in SPLITS
    }
    assert words(names['val'] + names['test']) <= words(names['train'])
    assert 25 <= len(words(names['train'])) <= 45
    # and many names are new
    assert len(set(names['val'] + names['test']) - set(names['train'])) >= 8
    for word in words(names['train']):
        holding = [
            category for category in CATEGORIES if category.split == 'train' and word in words(category.keypoints)
        ]
        assert len(holding) >= 2, word


def test_descriptions_are_sentences_in_words_seen_in_training():
    texts = {
        split: [
            category.description(i)
            for category in CATEGORIES
            if category.split == split
            for i in range(len(category.keypoints))
        ]
        for split in SPLITS
    }
    assert words(texts['val'] + texts['test']) <= words(texts['train'])
    for text in chain(*texts.values()):
        assert 12 <= len(text.split()) <= 35 and text.count('.') == 1 and text.endswith('.') and ':' not in text
    bird = BY_NAME['bird']
    assert bird.description(bird.keypoints.index('near wing tip')) == (
        'The near wing tip is the outermost point of the wing towards the viewer, next to the near wing base.'
    )
    table = BY_NAME['table']
    assert table.description(table.keypoints.index('left far corner')) == (
        'The left far corner is the corner of an edge of the object on the left and away from the viewer, next to '
        'the right far corner and the left near corner.'
    )


def test_written_as_mp100(toy, shared_data):
    real = json.loads((shared_data / 'mp100' / 'annotations' / 'mp100_split1_val.json').read_text())
    plain = min(real['annotations'], key=len)
    for split in SPLITS:
        ours = annotations(toy, split)
        assert ours.keys() == real.keys() and ours['info'].keys() == real['info'].keys()
        for part, expected in (
            ('images', real['images'][0]),
            ('annotations', plain),
            ('categories', real['categories'][0]),
        ):
            for found in ours[part]:
                assert {key: type(value) for key, value in found.items()} == {
                    key: type(value) for key, value in expected.items()
                }
                for key in ('bbox', 'keypoints'):
                    if part == 'annotations':
                        assert {type(value) for value in found[key]} == {float}
        expected = [category for category in CATEGORIES if category.split == split]
        assert ours['categories'] == [
            dict(
                supercategory=category.supercategory,
                id=category.id,
                name=category.name,
                keypoints=list(category.keypoints),
                skeleton=[list(link) for link in category.skeleton],
            )
            for category in expected
        ]
        count = dict(train=20, val=5, test=40)[split]
        assert Counter(ann['category_id'] for ann in ours['annotations']) == {c.id: count for c in expected}
        for image in ours['images']:
            height, width, _ = cv2.imread(str(toy / 'images' / image['file_name'])).shape
            assert (width, height) == (image['width'], image['height'])
            assert max(width, height) == 128 and min(width, height) >= 96
        for ann in ours['annotations']:
            keypoints = np.array(ann['keypoints']).reshape(-1, 3)
            assert ann['num_keypoints'] == (keypoints[:, 2] == 2).sum() >= 4
            assert not keypoints[keypoints[:, 2] != 2].any()
            assert ann['area'] == ann['bbox'][2] * ann['bbox'][3]
    for part in ('images', 'annotations'):
        ids = [entry['id'] for split in SPLITS for entry in annotations(toy, split)[part]]
        assert len(set(ids)) == len(ids) == 9 * 20 + 2 * 5 + 3 * 40


def test_the_data_set_reads_all_of_it_with_its_texts(toy):
    for split in SPLITS:
        ann_file = f'annotations/mp100_split1_{split}.json'
        content = annotations(toy, split)
        assert read_instances(toy / ann_file).dropped == []
        dataset = MP100Dataset(
            data_root=str(toy),
            ann_file=ann_file,
            data_prefix=dict(img='images/'),
            pipeline=[],
            texts=str(toy / 'texts'),
            test_mode=True,
        )
        assert len(dataset) == len(content['annotations'])
        names = {category['id']: category['keypoints'] for category in content['categories']}
        for i, ann in enumerate(content['annotations']):
            sample = dataset[i]
            assert sample['keypoint_names'] == names[ann['category_id']]
            np.testing.assert_allclose(sample['keypoints'][0], np.reshape(ann['keypoints'], (-1, 3))[:, :2], rtol=1e-6)
            assert Path(sample['img_path']).is_file()


def test_texts_mirror_left_and_right(toy):
    texts = load_texts(toy / 'texts')
    assert list(texts) == [category.id for category in CATEGORIES]
    for category in CATEGORIES:
        own = texts[category.id]
        assert (own.slug, own.supercategory, own.names, own.skeleton) == (
            category.name,
            category.supercategory,
            category.keypoints,
            category.skeleton,
        )
        assert own.split == int(category.split == 'test')
        assert own.descriptions == tuple(category.description(i) for i in range(len(category.keypoints)))
        assert own.flip_indices == mirrored_indices(category.keypoints)
        sided = [i for i, name in enumerate(category.keypoints) if {'left', 'right'} & set(name.split())]
        assert [i for i, j in enumerate(own.flip_indices) if i != j] == sided
    assert texts[9].names[:2] == ('left top corner', 'right top corner')
    assert texts[9].flip_indices == [1, 0, 2, 3, 5, 4, 7, 6]


def test_the_seed_decides_every_byte_and_the_number_of_images_does_not(tmp_path):
    for name, seed, counts, global_seed in (
        ('one', 0, (2, 1, 1), 5),
        ('again', 0, (2, 1, 1), 6),
        ('more', 0, (3, 2, 1), 5),
        ('other', 1, (2, 1, 1), 5),
    ):
        np.random.seed(global_seed)
        before = np.random.get_state()[1:3]
        write_toy_objects(tmp_path / name, counts, size=96, seed=seed)
        np.testing.assert_equal(np.random.get_state()[1:3], before)
    one, again, more, other = (digests(tmp_path / name) for name in ('one', 'again', 'more', 'other'))
    images = {name for name in one if name.endswith('.jpg')}
    assert len(images) == 9 * 2 + 2 + 3 and len(one) == len(images) + 3 + 15 + 1
    assert one == again
    assert all(more[name] == one[name] != other[name] for name in images)
    found = {ann['id']: ann for ann in annotations(tmp_path / 'more', 'train')['annotations']}
    assert all(found[ann['id']] == ann for ann in annotations(tmp_path / 'one', 'train')['annotations'])


def interrupt_after(monkeypatch, count):
    """Stop a drawing after this many images."""
    written, write = [], DrawnFolder.write_image

    def stop(self, name, image):
        if len(written) == count:
            raise KeyboardInterrupt
        written.append(name)
        write(self, name, image)

    monkeypatch.setattr(DrawnFolder, 'write_image', stop)


def test_a_finished_folder_is_left_alone_and_a_half_written_one_is_completed(tmp_path, monkeypatch):
    whole, half = tmp_path / 'whole', tmp_path / 'half'
    assert write_toy_objects(whole, (1, 1, 1), 96) == whole
    times = {path: path.stat().st_mtime_ns for path in whole.rglob('*')}
    with monkeypatch.context() as patch:
        interrupt_after(patch, 0)
        write_toy_objects(str(whole), [1, 1, 1], 96)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob('*')} == times

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 8)
        write_toy_objects(half, (1, 1, 1), 96)
    assert len(list(half.rglob('*.jpg'))) == 8 and not list(half.rglob('*.json'))
    write_toy_objects(half, (1, 1, 1), 96)
    assert digests(half) == digests(whole)
    # interrupted with other settings: must not look finished
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_after(patch, 8)
        write_toy_objects(half, (1, 1, 1), 96, seed=1)
    write_toy_objects(half, (1, 1, 1), 96)
    assert digests(half) == digests(whole)


def test_labeled_points_lie_on_the_object_and_the_box_is_tight(drawn):
    for name, objects in drawn.items():
        for found in objects:
            height, width, _ = found.image.shape
            labeled = found.keypoints[found.keypoints[:, 2] > 0]
            assert len(labeled) >= 4
            assert (labeled[:, :2] >= 0).all() and (labeled[:, :2] <= [width - 1, height - 1]).all()
            rows, columns = np.nonzero(found.silhouette)
            offsets = np.stack([columns, rows], axis=1)[None] - labeled[:, None, :2]
            assert np.linalg.norm(offsets, axis=2).min(axis=1).max() <= 2, name
            x, y, w, h = found.bbox
            assert (columns.min(), rows.min(), columns.max(), rows.max()) == (x, y, x + w - 1, y + h - 1)
            assert x >= 0 and y >= 0 and x + w <= width and y + h <= height


def test_objects_fill_40_to_80_percent_of_the_image(drawn):
    shares = [
        found.bbox[2] * found.bbox[3] / np.prod(found.image.shape[:2])
        for objects in drawn.values()
        for found in objects
    ]
    assert np.mean([0.4 <= share <= 0.8 for share in shares]) > 0.75
    assert min(shares) > 0.25 and max(shares) < 0.9


def test_a_point_is_where_it_is_drawn():
    def dot(sketch):
        sketch.ellipse((0.3, 0.2), (0.05, 0.05), (255, 0, 0), ink=0)
        for name in ('a', 'b', 'c', 'd'):
            sketch.mark(name, (0.3, 0.2))

    category = ToyCategory(1, 'dot', 'thing', 'train', ('a', 'b', 'c', 'd'), (), dot, True)
    for n in range(5):
        found = draw_object(category, 128, (n,))
        rows, columns = np.nonzero(found.silhouette)
        np.testing.assert_allclose(found.keypoints[:, :2], [[columns.mean(), rows.mean()]] * 4, atol=0.2)


def test_about_an_eighth_of_the_points_is_hidden(toy):
    hidden = [keypoints[:, 2] == 0 for split in SPLITS for _, keypoints, _ in instances(toy, split)]
    assert 0.08 <= np.concatenate(hidden).mean() <= 0.16


def test_covered_points_are_hidden_and_no_others(monkeypatch):
    category = BY_NAME['shirt']
    monkeypatch.setattr('demos.objects.world.image.COVER_CHANCE', 0)
    without = [draw_object(category, 128, (n,)) for n in range(20)]
    monkeypatch.setattr('demos.objects.world.image.COVER_CHANCE', 1)
    covered = [draw_object(category, 128, (n,)) for n in range(20)]
    changes = []
    for before, after in zip(without, covered):
        np.testing.assert_array_equal(before.silhouette, after.silhouette)
        assert before.bbox == after.bbox
        difference = np.abs(before.image.astype(int) - after.image).max(axis=2) > 12
        cover = cv2.dilate(difference.astype(np.uint8), np.ones((3, 3)))
        for was, now in zip(before.keypoints, after.keypoints):
            if was[2] and not now[2]:
                x, y = np.round(was[:2]).astype(int)
                changes.append(cover[y, x])
            else:
                np.testing.assert_array_equal(was, now)
    assert len(changes) > 15 and np.mean(changes) > 0.9  # a cover may have the color of what it covers


@pytest.mark.parametrize('name, share', [('table', 0.05), ('quadruped', 0.04)])
def test_a_missing_part_is_not_in_the_image(monkeypatch, name, share):
    def sketch(present: bool) -> Sketch:
        # otherwise the same object: chances use no random numbers
        monkeypatch.setattr(Sketch, 'chance', lambda self, chance: chance == share and not present)
        found = Sketch(np.random.default_rng(0))
        BY_NAME[name].draw(found)
        found.place(200, np.array([200, 200]))
        return found

    whole, lacking = sketch(True), sketch(False)
    feet = {point for point in whole.points if point.endswith('leg bottom')}
    assert len(feet) >= 2 and not feet & set(lacking.points)
    masks = []
    for one in (whole, lacking):
        canvas = np.zeros((600, 600, 4), np.uint8)
        one.paint(canvas, 2)
        masks.append(canvas[..., 3])
    for foot in feet:
        x, y = np.round(whole.points[foot]).astype(int)
        assert masks[0][y, x] == 255 and masks[1][y, x] == 0


def test_left_is_left_in_the_image_and_front_is_on_either_side(toy):
    fronts = defaultdict(list)
    pairs = 0
    for category, keypoints, _ in (found for split in SPLITS for found in instances(toy, split)):
        places = {name: keypoint[:2] for name, keypoint in zip(category.keypoints, keypoints) if keypoint[2]}
        for name in places:
            right = name.replace('left', 'right')
            if right != name and right in places:
                assert places[name][0] < places[right][0]
                pairs += 1
        for front, back in (('front wheel', 'back wheel'), ('nose tip', 'tail tip'), ('nose tip', 'tail base')):
            if category.faces and front in places and back in places:
                fronts[category.name].append(places[front][0] > places[back][0])
                break
        for name in places:
            if category.supercategory == 'furniture' and name.replace('far', 'near') in set(places) - {name}:
                assert places[name][1] < places[name.replace('far', 'near')][1]
    assert pairs > 500
    assert set(fronts) == {'quadruped', 'car', 'aeroplane', 'fish', 'bus', 'bird'}
    assert 0.35 < np.mean(list(chain(*fronts.values()))) < 0.65


def test_mean_positions_are_not_enough(toy):
    """A predictor that uses only the box and the names fails on unseen categories."""
    places = defaultdict(list)
    for category, keypoints, (x, y, w, h) in instances(toy, 'train'):
        for name, keypoint in zip(category.keypoints, keypoints):
            if keypoint[2]:
                places[name].append((keypoint[:2] - [x, y]) / [w, h])
    center = pck(toy, 'test', lambda name: [0.5, 0.5])
    mean = pck(toy, 'test', lambda name: np.mean(places[name], axis=0) if name in places else [0.5, 0.5])
    assert 0.1 < center <= 0.3
    assert center < mean < 0.5


def test_rotation_is_clockwise():
    np.testing.assert_allclose(rotation(90) @ [1, 0], [0, 1], atol=1e-9)  # from the right to below: y points down


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(images_per_category=(3, 2)), 'three numbers'),
        (dict(images_per_category=(3, 0, 2)), 'from 1 to 999999'),
        (dict(size=40), 'size=40'),
        (dict(seed=-1), 'seed=-1'),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_toy_objects(tmp_path / 'toy', **arguments)
    assert not (tmp_path / 'toy').exists()
