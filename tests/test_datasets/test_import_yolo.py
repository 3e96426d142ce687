"""YOLO-pose data sets: those of sleap-io, and by hand."""

import numpy as np
import pytest
from import_files import NAMES, NAN, check_sleap_labels, draw_image

from clamp_mmpose.datasets.imports import ReadOptions, import_project, read_project


def test_yolo_of_sleap_io(sleap_labels, tmp_path):
    sio = pytest.importorskip('sleap_io')
    sio.save_ultralytics(sleap_labels, str(tmp_path / 'yolo'), verbose=False, split_ratios={'train': 0.5, 'val': 0.5})
    project = read_project(tmp_path / 'yolo')
    assert (project.kind, project.names) == ('yolo', NAMES)
    report, images = check_sleap_labels(project, tmp_path / 'out')
    assert report.split == 'as in the project'
    assert sorted(images) == ['train/0000000.png', 'val/0000000.png']


def test_yolo_by_hand(tmp_path):
    root = tmp_path / 'pose'
    for name in ('a.png', 'b.png', 'c.png'):
        draw_image(root / 'images/train' / name)
    labels = root / 'labels/train'
    labels.mkdir(parents=True)
    # 64 x 48 pixels: 0.25 is 16 and 12
    (labels / 'a.txt').write_text(
        '1 0.5 0.5 0.5 0.5 0.25 0.25 2 0.5 0.75 1 0 0 0\n0 .5 .5 .5 .5 .5 .5 2 .5 .5 2 .5 .5 2\n'
    )
    (labels / 'b.txt').write_text('1 0.5 0.5 0.5 0.5 0.25 0.25\n')
    (labels / 'classes.txt').write_text('cat\ndog\n')  # of labelImg: no label
    (labels / 'gone.txt').write_text('1 0.5 0.5 0.5 0.5 0.25 0.25 2 0.5 0.75 1 0 0 0\n')
    (root / 'data.yaml').write_text(
        'path: /home/somebody/pose\ntrain: images/train\nval: images/train\nkpt_shape: [3, 3]\nflip_idx: [0, 2, 1]\n'
        'names:\n  0: cat\n  1: dog\n'
    )
    project = read_project(root, options=ReadOptions(category='dog'))
    assert (project.category, project.names, project.swaps) == ('dog', ['1', '2', '3'], [(1, 2)])
    train = {image.name: image.instances for image in project.images if image.split == 'train'}
    (dog,) = train['train/a.png']
    np.testing.assert_allclose(dog.keypoints, [[16, 12], [32, 36], NAN])
    assert dog.visible.tolist() == [True, False, False] and dog.box == (16, 12, 48, 36)
    assert train['train/b.png'] == train['train/c.png'] == []
    report = import_project(project, root, tmp_path / 'out')
    notes = '\n'.join(report.notes)
    assert '7 numbers, not the 14 of a class, a box and 3 points: left out' in notes
    assert 'gone.png does not exist' in notes
    assert report.folder.names == ['point 1', 'point 2', 'point 3']


def test_yolo_with_two_numbers_a_point(tmp_path):
    draw_image(tmp_path / 'train/images/a.png')
    (tmp_path / 'train/labels').mkdir()
    (tmp_path / 'train/labels/a.txt').write_text('0 0.5 0.5 0.5 0.5 0.25 0.25 0 0\n')
    (tmp_path / 'data.yaml').write_text(
        'train: ../train/images\nnames: [bee]\nkpt_shape: [2, 2]\nkpt_names: {0: [head, tail]}\n'
    )
    project = read_project(tmp_path / 'data.yaml')
    assert project.names == ['head', 'tail'] and project.category == 'bee'
    np.testing.assert_allclose(project.images[0].instances[0].keypoints, [[16, 12], NAN])
