"""real_small out of tiny imitations of its seven repositories."""

import json

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from clamp_mmpose.cli.real_small import PLAN, main
from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.datasets.photos.real_small import choose, padded_box
from clamp_mmpose.datasets.photos.sources import READERS, Photo, Subject

h5py = pytest.importorskip('h5py')  # extra [io]


def picture(path, width, height, value=120):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), value, np.uint8))


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def write_sources(root):
    lsp = root / 'lsp'
    joints = np.full((14, 3, 2), 20.0)
    joints[3, 2], joints[:, 2, 1], joints[3, :2, 0] = 0, 1, [7, 9]
    joints[0, :2, 0] = [100, 150]
    for i in (1, 2):
        picture(lsp / f'images/im0000{i}.jpg', 640, 320)
    savemat(str(lsp / 'joints.mat'), dict(joints=joints))

    faces = root / 'P1_Facial_Keypoints/data'
    rows = [['', *range(136)]] + [[f'{who}_{n}.jpg', *range(136)] for who in ('Ann', 'Bo') for n in (2, 51)]
    write(faces / 'training_frames_keypoints.csv', '\n'.join(','.join(map(str, row)) for row in rows))
    for row in rows[1:]:
        picture(faces / 'training' / row[0], 200, 180)

    flies = root / 'deepposekit-data/datasets/fly'
    flies.mkdir(parents=True)
    images, points = np.zeros((3, 64, 64, 1), np.uint8), np.full((3, 32, 2), 50.0)
    images[:, :30], points[:, 1] = 200, [10, 8]
    with h5py.File(str(flies / 'example_annotation_set.h5'), 'w') as file:
        file['images'], file['annotations'] = images, points

    tubes = root / 'keypoint_rcnn_training_pytorch/glue_tubes_keypoints_dataset_134imgs'
    picture(tubes / 'train/images/IMG_1.jpg', 400, 400)
    two = dict(bboxes=[[10, 20, 60, 50], [340, 350, 390, 380]])
    two['keypoints'] = [[[15, 30, 1], [55, 40, 1]], [[350, 360, 1], [380, 370, 1]]]
    write(tubes / 'train/annotations/IMG_1.json', two)
    picture(tubes / 'test/images/IMG_2.jpg', 100, 100)
    write(tubes / 'test/annotations/IMG_2.json', dict(bboxes=[[5, 5, 95, 95]], keypoints=[[[9, 9, 1], [80, 85, 1]]]))

    wings = root / 'ml-morph'
    picture(wings / 'image-examples/63001.jpg', 632, 480)
    points = '\n'.join(f'{290 - 10 * k}. {108 + 10 * k}.' for k in range(12))
    write(wings / 'landmark-examples/tps-example.tps', f'LM=12\n{points}\nIMAGE=63001.jpg\nID=0\n')

    fish = root / 'YoloV8-Pose-Salmon/YoloV8_Pose_Fine_Tuning/data'
    for split in ('train', 'val'):
        picture(fish / f'images/{split}/{split}_1.png', 500, 400)
        whole = ' '.join(f'{0.3 + 0.02 * k} 0.5 {1 + k % 2}' for k in range(11))
        few = ' '.join('0.5 0.5 2' if k < 8 else '0 0 0' for k in range(11))
        write(fish / f'labels/{split}/{split}_1.txt', f'0 0.9 0.9 0.1 0.1 {few}\n0 0.4 0.5 0.2 0.1 {whole}\n')

    for kind in ('freihand', 'onehand10k', 'panoptic'):
        base = root / 'mmpose/tests/data' / kind
        picture(base / 'one.jpg', 100, 100)
        hand = [number for k in range(21) for number in (20 + 2 * k, 30 + k, 1)]
        images = [dict(id=5, file_name='one.jpg')]
        write(base / f'test_{kind}.json', dict(images=images, annotations=[dict(image_id=5, keypoints=hand)]))
    points = {str(k): dict(x=20 + 3 * k, y=50) for k in reversed(range(21))}
    write(root / 'handpose_x/handpose_datasets/a.json', dict(info=[dict(pts=points)]))
    picture(root / 'handpose_x/handpose_datasets/a.jpg', 106, 150)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """The sources, the output, and annotations by the name of the image."""
    root = tmp_path_factory.mktemp('photos')
    write_sources(root / 'sources')
    plan = json.loads(PLAN.read_text())
    for entry in plan:
        name = entry['texts']['name']
        entry['images'] = dict(face=dict(train=1, val=1), fly=dict(train=2, val=1)).get(name, dict(train=9, val=9))
        if name == 'fly_wing':
            entry['images'] = dict(train=['wing_63001', 'wing_63002'], val=[])
    write(root / 'plan.json', plan)
    assert main([str(root / 'sources'), '--out', str(root / 'out'), '--plan', str(root / 'plan.json')]) == 0
    found = {}
    for part in ('train', 'val'):
        content = json.loads((root / f'out/annotations/{part}.json').read_text())
        images = {image['id']: image for image in content['images']}
        for ann in content['annotations']:
            found[images[ann['image_id']]['file_name']] = dict(ann, **images[ann['image_id']], part=part)
    return root, found


def points_of(ann):
    return np.array(ann['keypoints']).reshape(-1, 3)


def test_wings_as_in_the_published_set(made):
    """632 x 480 becomes 320 x 243, y runs downwards, and pixel centers stay: the first point is (146.59, 188.08)."""
    ann = made[1]['fly_wing/wing_63001.jpg']
    assert (ann['width'], ann['height']) == (320, 243)
    np.testing.assert_allclose(points_of(ann)[0], [146.59, 188.08, 2])


def test_hands_of_two_repositories(made):
    ann = made[1]['hand/hand_x_a.jpg']
    np.testing.assert_allclose(points_of(ann)[[0, 20]], [[20, 50, 2], [80, 50, 2]])  # sorted as numbers
    # 60 wide: 15 % are 9; 0 high: 7.5 % of 60 and a pixel are 5.5
    assert ann['bbox'] == [11, 44.5, 78, 11]
    assert {f'hand/hand_{kind}_one.jpg' for kind in ('freihand', 'onehand10k', 'panoptic')} < set(made[1])
    # the box, 20 to 60 and 30 to 50 with its margin, is 52 pixels long, more than half of the frame
    assert points_of(made[1]['hand/hand_freihand_one.jpg'])[0].tolist() == [20, 30, 2]


def test_people_without_invisible_joints(made):
    ann = made[1]['person/person_00001.jpg']
    points = points_of(ann)
    assert (ann['width'], ann['height'], ann['num_keypoints']) == (320, 160, 13)
    assert points[3].tolist() == [0, 0, 0] and points[0].tolist() == [49.75, 74.75, 2]


def test_one_frame_of_each_face(made):
    faces = {name: ann['part'] for name, ann in made[1].items() if name.startswith('face')}
    assert set(faces) == {'face/face_Ann.jpg', 'face/face_Bo.jpg'} and set(faces.values()) == {'train', 'val'}


def test_flies_without_points_on_black(made):
    flies = [ann for name, ann in made[1].items() if name.startswith('fly/')]
    assert len(flies) == 3 and [ann['num_keypoints'] for ann in flies] == [1] * 3
    assert points_of(flies[0])[1].tolist() == [10, 8, 2]


def test_tubes_keep_the_split_of_the_source(made):
    """The union is 380 x 360 of 400 x 400, more than 0.6 of the frame: it stays whole; the other is the val frame."""
    tubes = {name: ann for name, ann in made[1].items() if name.startswith('glue')}
    assert {name: ann['part'] for name, ann in tubes.items()} == {
        'glue_tube/gluetube_IMG_1.jpg': 'train',
        'glue_tube/gluetube_IMG_2.jpg': 'val',
    }
    assert tubes['glue_tube/gluetube_IMG_2.jpg']['bbox'] == [5, 5, 90, 90]


def test_the_best_labeled_fish_is_cropped(made):
    """Its box is 100 x 40 at (150, 180), with 7.5 pixels around; the crop begins 11.5 pixels before that, at 131."""
    ann = made[1]['salmon/salmon_train_1.jpg']
    assert ann['part'] == 'train' and made[1]['salmon/salmon_val_1.jpg']['part'] == 'val'
    assert ann['bbox'] == pytest.approx([150 - 7.5 - 131, 180 - 7.5 - 161, 115, 55])
    assert points_of(ann)[:2].tolist() == [[150 - 131, 200 - 161, 1], [160 - 131, 200 - 161, 2]]


def test_the_set_trains(made):
    root = made[0] / 'out'
    dataset = MP100Dataset(
        'annotations/train.json', str(root / 'categories.json'), data_root=str(root), data_prefix=dict(img='images/')
    )
    assert len({info['category_id'] for info in map(dataset.get_data_info, range(len(dataset)))}) == 7


def test_plan_and_repositories(made, tmp_path, capsys):
    assert main(['--list']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and lines[0].startswith('person: git clone https://github.com/axelcarlier/lsp  # 8fabf318;')
    assert main([str(tmp_path)]) == 1 and 'none of the repositories' in capsys.readouterr().err
    assert [entry['texts']['name'] for entry in json.loads(PLAN.read_text())] == list(READERS)


def test_names_of_the_plan_that_are_missing():
    photos = [Photo(name, None, [], split) for name, split in (('a', ''), ('b', 'val'), ('c', 'train'))]
    chosen, missing = choose(photos, dict(train=['a', 'x'], val=['b']), 0)
    assert {part: [photo.name for photo in own] for part, own in chosen.items()} == dict(train=['a'], val=['b'])
    assert missing == 1
    chosen, missing = choose(photos, dict(train=5, val=5), 0)
    assert {photo.name for photo in chosen['train']} == {'a', 'c'} and missing == 0


def test_crops_of_subjects_far_apart():
    from clamp_mmpose.datasets.photos.real_small import crops

    image = np.zeros((1000, 2000, 3), np.uint8)
    subjects = [Subject(np.array([[x, 500.0, 2]]), [x - 50, 480, 100, 40]) for x in (200, 900)]
    cut = crops(Photo('tube', lambda: image, subjects), 'glue_tube')
    assert [(photo.name, len(photo.subjects)) for photo in cut] == [('tube_a', 1), ('tube_b', 1)]
    # the box with a tenth of 100 on each side begins at (140, 470)
    assert cut[0].load().shape == (60, 120, 3) and cut[0].subjects[0].box == [10, 10, 100, 40]
    assert padded_box(cut[1].subjects[0], (60, 120)) == [10, 10, 100, 40]
