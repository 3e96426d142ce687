import hashlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmpose.datasets import MpiiDataset

from clamp_mmpose.datasets.zero_shot import ZeroShotDataset
from demos.canvas.folder import DrawnFolder
from demos.canvas.photo import SUPERSAMPLING
from demos.canvas.sketch import Sketch
from demos.people.world.dataset import HELD_OUT, SEEN, write_toy_people
from demos.people.world.figure import Look, draw_person
from demos.people.world.image import COLORS, HEIGHTS, draw_people, exchange
from demos.people.world.poses import ACTIVITIES, KEYPOINTS, Pose, pose_person
from demos.people.world.texts import combination, describe, limb_sentences

pytestmark = pytest.mark.slow  # together more than a minute

IMAGES = (144, 36)
UPRIGHT = [
    [-10, 90],
    [-10, 70],
    [-10, 50],
    [10, 50],
    [10, 70],
    [10, 90],
    [0, 50],
    [0, 20],
    [0, 15],
    [0, 0],
    [-15, 50],
    [-15, 35],
    [-15, 20],
    [15, 20],
    [15, 35],
    [15, 50],
]


@pytest.fixture(scope='module')
def toy(tmp_path_factory) -> Path:
    return write_toy_people(tmp_path_factory.mktemp('toy'), IMAGES, seed=3)


@pytest.fixture(scope='module')
def drawn() -> list:
    """(activity, color, image) of 30 images of each activity."""
    colors = list(COLORS)
    return [
        (activity, colors[n % 6], draw_people(activity, colors[n % 6], 128, (5, a, n)))
        for a, activity in enumerate(ACTIVITIES)
        for n in range(30)
    ]


def annotations(folder: Path, split: str) -> list:
    return json.loads((folder / 'annotations' / f'{split}.json').read_text())


def zero_shot(folder: Path, name: str) -> dict:
    return json.loads((folder / 'zero_shot' / f'{name}.json').read_text())


def digests(folder: Path) -> dict:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*')
        if path.is_file()
    }


def said(text: str) -> tuple:
    """The activity and the color that a description names, exactly one of each."""
    activities = [activity for activity in ACTIVITIES if activity in text]
    colors = [color for color in COLORS if re.search(rf'\b{color}\b', text)]
    assert len(activities) == len(colors) == 1, text
    return activities[0], colors[0]


def words(texts) -> set:
    return {word for text in texts for word in re.findall('[a-z]+', text.lower())}


def test_twelve_pairs_are_held_out_evenly():
    assert len(ACTIVITIES) == 10 and len(COLORS) == 6
    assert len(set(SEEN)) == len(SEEN) == 48 and len(set(HELD_OUT)) == len(HELD_OUT) == 12
    assert not set(SEEN) & set(HELD_OUT)
    activities, colors = zip(*HELD_OUT)
    assert Counter(Counter(activities).values()) == {1: 8, 2: 2}
    assert Counter(colors) == dict.fromkeys(COLORS, 2)


def test_held_out_pairs_are_in_no_description_of_the_training(toy):
    for split, pairs, count in (('train', SEEN, 144), ('val', HELD_OUT, 36)):
        shown = {}
        for person in annotations(toy, split):
            assert len(person['description']) == len(set(person['description'])) == 2
            assert said(person['description'][0]) == said(person['description'][1])
            # the same for all people of an image
            assert shown.setdefault(person['image'], person['description']) == person['description']
        assert len(shown) == count
        assert Counter(said(texts[0]) for texts in shown.values()) == dict.fromkeys(pairs, 3)
    texts = [text for person in annotations(toy, 'train') for text in person['description']]
    assert not [text for text in texts for pair in HELD_OUT if combination(*pair) in text]
    assert any(combination(*SEEN[0]) in text for text in texts)


def test_zero_shot_labels_agree_with_descriptions(toy):
    shown = {f'images/{person["image"]}': said(person['description'][0]) for person in annotations(toy, 'val')}
    known = words(text for person in annotations(toy, 'train') for text in person['description'])
    for name, classes in (('activity', 10), ('color', 6), ('combination', 12)):
        dataset = ZeroShotDataset(ann_file=f'zero_shot/{name}.json', data_root=str(toy), pipeline=[])
        assert len(dataset) == 36 and len(dataset.class_texts) == classes
        assert words(text for texts in dataset.class_texts for text in texts) <= known
        assert (dataset.task, dataset.top_k, dataset.name) == (name.title(), 1, f'toy {name}')
        for i, image in enumerate(zero_shot(toy, name)['images']):
            activity, color = shown[image['file_name']]
            sample = dataset[i]
            assert Path(sample['img_path']).is_file() and len(sample['labels']) == 1
            assert (
                sample['class_names'][sample['labels'][0]]
                == {'activity': activity, 'color': color, 'combination': combination(activity, color)}[name]
            )
    texts = {
        name: ZeroShotDataset(ann_file=f'zero_shot/{name}.json', data_root=str(toy), pipeline=[]).class_texts
        for name in ('activity', 'color', 'combination')
    }
    assert texts['activity'][5][0] == 'a photo of a person in a red shirt riding a bike'
    assert texts['color'][5][5] == 'a photo of a person in an orange shirt riding a bike'
    assert [len(texts[name][0]) for name in ('activity', 'color', 'combination')] == [6, 10, 1]
    assert texts['combination'][HELD_OUT.index(('riding a bike', 'orange'))] == [
        'a photo of a person in an orange shirt riding a bike'
    ]


def test_mmpose_reads_the_annotations(toy):
    for split in ('train', 'val'):
        content = annotations(toy, split)
        dataset = MpiiDataset(
            data_root=str(toy),
            ann_file=f'annotations/{split}.json',
            data_prefix=dict(img='images/'),
            pipeline=[],
            test_mode=True,
        )
        assert len(dataset) == len(content) and dataset.metainfo['num_keypoints'] == 16
        assert tuple(dataset.metainfo['keypoint_id2name'].values()) == KEYPOINTS
        whole = 0
        for i, person in enumerate(content):
            sample = dataset[i]
            assert sample['keypoints'].shape == (1, 16, 2) and Path(sample['img_path']).is_file()
            np.testing.assert_allclose(sample['keypoints'][0], person['joints'], atol=1e-4)
            if all(person['joints_vis']):
                # the box that MMPose makes of center and scale is the square around the joints
                low, high = np.min(person['joints'], axis=0), np.max(person['joints'], axis=0)
                np.testing.assert_allclose(sample['bbox_center'][0], (low + high) / 2, atol=0.02)
                np.testing.assert_allclose(sample['bbox_scale'][0], (high - low).max(), atol=0.02)
                whole += 1
        assert whole > 0.6 * len(content)


def test_joints_outside_the_image_are_not_visible(toy):
    hidden = []
    for person in annotations(toy, 'train'):
        assert re.fullmatch(r'\d{6}\.jpg', person['image'])
        height, width, _ = cv2.imread(str(toy / 'images' / person['image'])).shape
        assert max(height, width) == 128 and min(height, width) >= 104
        for (x, y), visible in zip(person['joints'], person['joints_vis']):
            assert (x, y) == (-1, -1) if not visible else -0.5 <= x < width and -0.5 <= y < height
            hidden.append(not visible)
    assert 0.005 < np.mean(hidden) < 0.06
    number = 0
    for person in annotations(toy, 'val'):  # the first of an image is the nearest
        n = int(person['image'][:-4])
        if n != number:
            pair = HELD_OUT[(n - 500_001) % 12]
            found = draw_people(*pair, 128, (3, n))
            height, width, _ = found.image.shape
            inside = ((found.people[0] > -0.5) & (found.people[0] < [width - 0.5, height - 0.5])).all(axis=1)
            assert person['joints_vis'] == inside.astype(int).tolist()
            np.testing.assert_allclose(np.array(person['joints'])[inside], found.people[0][inside], atol=0.006)
            number = n


def test_keypoints_lie_on_the_person():
    look = Look(
        shirt=(255, 0, 0),
        trousers=(0, 255, 0),
        skin=(0, 0, 255),
        hair=(90, 0, 90),
        shoes=(0, 90, 90),
        thing=(200, 200, 0),
        sleeves=0.4,
    )
    torsos = Counter()
    for seed in range(6):
        for activity in ACTIVITIES:
            rng = np.random.default_rng(seed)
            sketch = Sketch(rng)
            draw_person(sketch, activity, pose_person(activity, rng), look)
            sketch.place(200, np.array([250, 250]))
            canvas = np.zeros((500, 500, 4), np.uint8)
            sketch.paint(canvas, 0)
            place = {name: tuple(np.round(point).astype(int)[::-1]) for name, point in sketch.points.items()}
            for name in KEYPOINTS:
                if name != 'head_top':  # at the edge of the hair
                    assert canvas[place[name]][3] == 255, (activity, name)
            middle = (sketch.points['thorax'] + sketch.points['pelvis']) / 2
            torsos[tuple(canvas[tuple(np.round(middle).astype(int)[::-1])][:3].tolist())] += 1
            head = sketch.points['head_top'] + 0.15 * (sketch.points['upper_neck'] - sketch.points['head_top'])
            assert tuple(canvas[tuple(np.round(head).astype(int)[::-1])][:3].tolist()) in (
                look.hair,
                look.skin,
                look.thing,
            )
            if activity in ('jumping', 'running', 'doing a handstand'):  # nothing in their hands
                assert canvas[place['right_wrist']][:3].tolist() == [0, 0, 255]
    assert torsos[255, 0, 0] >= 0.8 * sum(torsos.values())  # arms and boxes are in front of the others


def test_the_middle_of_the_torso_has_the_color_of_the_shirt(drawn):
    right = []
    for _, color, found in drawn:
        x, y = np.round((found.people[0][6] + found.people[0][7]) / 2).astype(int)
        if 0 <= y < found.image.shape[0] and 0 <= x < found.image.shape[1]:
            distances = {name: np.abs(found.image[y, x].astype(float) - rgb).sum() for name, rgb in COLORS.items()}
            right.append(min(distances, key=distances.get) == color)
    assert len(right) > 250 and np.mean(right) > 0.85


def test_left_and_right_are_the_persons(drawn):
    for activity, _, found in drawn:
        for keypoints in found.people:
            across = dict(zip(KEYPOINTS, keypoints[:, 0]))
            if activity in ('jumping', 'lifting a barbell', 'waving a flag', 'holding an umbrella'):
                assert across['right_shoulder'] < across['left_shoulder']  # faces the viewer
            if activity == 'doing a handstand':
                assert across['right_shoulder'] > across['left_shoulder']
            if activity == 'riding a bike':  # the arms reach forwards on either side
                facing = np.sign(across['right_wrist'] - across['pelvis'])
                assert facing == np.sign(across['left_wrist'] - across['pelvis'])
                # the shoulder on the near side, the right one if facing right, is a little behind
                assert across['right_shoulder'] < across['left_shoulder']
    bikes = [
        np.sign(found.people[0][10, 0] - found.people[0][6, 0])
        for activity, _, found in drawn
        if activity == 'riding a bike'
    ]
    assert 0.2 < np.mean(np.array(bikes) > 0) < 0.8
    assert [exchange(name) for name in ('right_ankle', 'left_wrist', 'pelvis', 'upper_neck')] == [
        'left_ankle',
        'right_wrist',
        'pelvis',
        'upper_neck',
    ]


def test_people_take_35_to_80_percent_of_an_image(drawn):
    sizes = [np.ptp(found.people[0], axis=0).max() / 128 for _, _, found in drawn]
    assert max(sizes) < HEIGHTS[1] + 0.02 and np.mean(np.array(sizes) > HEIGHTS[0] - 0.02) > 0.97 and min(sizes) > 0.25
    assert np.std(sizes) > 0.07


def test_one_image_in_five_shows_a_second_smaller_person(drawn):
    pairs = [found.people for _, _, found in drawn if len(found.people) == 2]
    assert 0.12 < len(pairs) / len(drawn) < 0.28
    assert all(
        np.ptp(second[[6, 9]], axis=0).max() < 1.1 * np.ptp(first[[6, 9]], axis=0).max() for first, second in pairs
    )
    assert {len(found.people) for _, _, found in drawn} == {1, 2}


def test_angles_of_a_pose():
    rng = np.random.default_rng(0)
    arms, legs = ((90.0, 180.0), (0.0, 0.0)), ((0.0, 0.0), (90.0, 0.0))
    frontal, sideways = (Pose(front, arms, legs).joints(rng) for front in (True, False))

    def step(points: dict, start: str, end: str) -> list:
        way = points[end] - points[start]
        return np.round(way / np.linalg.norm(way), 6).tolist()

    # a right arm stretched outwards is on the left of a person facing the viewer; forwards is to the right of the image
    assert step(frontal, 'right_shoulder', 'right_elbow') == [-1, 0]
    assert step(sideways, 'right_shoulder', 'right_elbow') == [1, 0]
    assert step(frontal, 'right_elbow', 'right_wrist') == [0, -1]
    assert step(frontal, 'left_hip', 'left_knee') == [1, 0] and step(frontal, 'left_knee', 'left_ankle') == [0, 1]
    assert step(Pose(True, arms, legs, lean=90.0).joints(rng), 'pelvis', 'thorax') == [1, 0]
    assert step(Pose(True, arms, legs, turn=90.0).joints(rng), 'pelvis', 'thorax') == [1, 0]


def test_sentences_about_limbs():
    points = np.array(UPRIGHT, float)
    assert limb_sentences(points) == ['{} hands are both below the shoulder.', '{} legs are both straight.']
    points[10] = [-15, 0]  # the right wrist
    points[5] = [40, 70]  # the left ankle: thigh down, shin to the right, 90 degrees
    assert limb_sentences(points) == [
        '{} right arm is raised above the shoulder.',
        '{} left hand is below the shoulder.',
        '{} left knee is bent.',
        '{} right leg is straight.',
    ]
    points[7:10, 0] -= 20  # thorax, neck and head: atan(20 / 30) = 34 degrees
    assert '{} body leans to the left of the image.' in limb_sentences(points)
    upside_down = np.array(UPRIGHT) * [1.0, -1]
    assert limb_sentences(upside_down) == ['{} feet are higher than the head.', '{} legs are both straight.']


def test_a_leg_between_bent_and_straight_is_not_described():
    points = np.array(UPRIGHT, float)
    points[5] = [20, 87.32]  # the left knee at 150 degrees
    assert limb_sentences(points) == ['{} hands are both below the shoulder.', '{} right leg is straight.']


def test_limbs_always_have_a_sentence(drawn):
    shares = defaultdict(list)
    for activity, _, found in drawn:
        sentences = limb_sentences(found.people[0])
        assert sentences
        shares[activity].append('{} feet are higher than the head.' in sentences)
    assert all(shares['doing a handstand'])
    assert not any(any(found) for activity, found in shares.items() if activity != 'doing a handstand')


def test_wordings():
    points = np.array(UPRIGHT, float)
    texts = [
        {
            text
            for seed in range(30)
            for text in describe('kicking a ball', 'orange', 'gray', people, np.random.default_rng(seed))
        }
        for people in ([points], [points, points])
    ]
    assert (
        'There is one person in the image who is kicking a ball. The person wears an orange shirt and gray '
        'trousers. Their legs are both straight.'
    ) in texts[0]
    assert (
        'There are two people in the image who are each kicking a ball. Both wear an orange shirt and gray '
        "trousers. The nearer person's legs are both straight."
    ) in texts[1]
    assert len(texts[0]) == len(texts[1]) == 8  # 4 wordings, and 2 sentences about limbs
    assert all(1 <= text.count('.') <= 3 and text.endswith('.') for text in texts[0] | texts[1])


def test_the_seed_decides_every_byte_and_the_number_of_images_does_not(tmp_path):
    for name, images, seed, global_seed in (
        ('one', (48, 12), 0, 5),
        ('again', (48, 12), 0, 6),
        ('more', (50, 13), 0, 5),
        ('other', (48, 12), 1, 5),
    ):
        np.random.seed(global_seed)
        before = np.random.get_state()[1:3]
        write_toy_people(tmp_path / name, images, size=64, seed=seed)
        np.testing.assert_equal(np.random.get_state()[1:3], before)
    one, again, more, other = (digests(tmp_path / name) for name in ('one', 'again', 'more', 'other'))
    images = {name for name in one if name.endswith('.jpg')}
    assert len(images) == 60 and len(one) == 60 + 2 + 3 + 1
    assert one == again
    assert all(more[name] == one[name] != other[name] for name in images)
    for split in ('train', 'val'):
        first = annotations(tmp_path / 'one', split)
        assert annotations(tmp_path / 'more', split)[: len(first)] == first


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
    assert write_toy_people(whole, (48, 12), 64) == whole
    times = {path: path.stat().st_mtime_ns for path in whole.rglob('*')}
    with monkeypatch.context() as patch:
        interrupt_after(patch, 0)
        write_toy_people(str(whole), [48, 12], 64)
    assert {path: path.stat().st_mtime_ns for path in whole.rglob('*')} == times

    for seed in (0, 1):  # the same settings, and others: neither may look finished
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            interrupt_after(patch, 55)
            write_toy_people(half, (48, 12), 64, seed=seed)
        assert not (half / 'drawn.json').exists()
        write_toy_people(half, (48, 12), 64)
        assert digests(half) == digests(whole)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(images=(100,)), 'two numbers'),
        (dict(images=(47, 12)), 'at least 48'),
        (dict(images=(48, 11)), 'at least 12'),
        (dict(images=(600_000, 12)), 'below 500001'),
        (dict(size=63), 'size=63'),
        (dict(seed=-1), 'seed=-1'),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_toy_people(tmp_path / 'toy', **arguments)
    assert not (tmp_path / 'toy').exists()


def test_nearer_people_are_painted_last_and_keypoints_are_pixel_centers(monkeypatch):
    painted, paint = [], Sketch.paint
    monkeypatch.setattr(Sketch, 'paint', lambda self, *args: painted.append(self) or paint(self, *args))
    pairs = 0
    for n in range(20):
        painted.clear()
        people = draw_people('jumping', 'red', 64, (5, n)).people
        places = [np.stack([one.points[name] for name in KEYPOINTS]) for one in painted if one.points]  # no things
        np.testing.assert_allclose(SUPERSAMPLING * (people[0] + 0.5) - 0.5, places[-1], atol=1e-6)
        if len(people) == 2:
            assert np.ptp(places[0], axis=0).max() < np.ptp(places[1], axis=0).max()
            pairs += 1
    assert pairs
