"""COCO files of sleap-io, Roboflow and COCO itself."""

import json
from pathlib import Path

import numpy as np
import pytest
from import_files import (
    NAMES,
    check_sleap_labels,
    coco,
    contents,
    draw_image,
)

from clamp_mmpose.datasets.imports import ReadOptions, import_project, read_project
from clamp_mmpose.datasets.imports.coco import _links


def test_coco_of_sleap_io(sleap_labels, tmp_path):
    sio = pytest.importorskip('sleap_io')
    file = Path(sleap_labels.videos[0].filename[0]).with_name('labels.json')  # it names images without their folder
    sio.save_coco(sleap_labels, str(file))
    project = read_project(file)
    assert (project.kind, project.names) == ('coco', NAMES)
    check_sleap_labels(project, tmp_path / 'out')


def test_roboflow(tmp_path):
    good = [10, 11, 2, 20, 21, 1, 0, 0, 0]
    for part, rows in dict(train=[good, good[:6]], valid=[good], test=[good]).items():
        draw_image(tmp_path / part / 'a.png', len(part))
        content = coco(NAMES, rows)
        content['annotations'].append(dict(content['annotations'][0], image_id=99))
        (tmp_path / part / '_annotations.coco.json').write_text(json.dumps(content))
    report = import_project(read_project(tmp_path), tmp_path, tmp_path / 'out')
    images = {**contents(tmp_path / 'out'), **contents(tmp_path / 'out', 'test')}
    assert {name: image['part'] for name, image in images.items()} == {
        'train/a.png': 'train',
        'valid/a.png': 'val',
        'test/a.png': 'test',
    }
    (instance,) = images['train/a.png']['instances']
    assert instance['keypoints'] == [10, 11, 2, 20, 21, 1, 0, 0, 0] and instance['bbox'] == [5, 5, 40, 40]
    assert (report.folder.category, report.folder.links) == ('dog', [(0, 1)])
    notes = '\n'.join(report.notes)
    assert '1 instances of another image left out' in notes
    assert '1 instances with another number of keypoints left out' in notes


def test_folders_of_coco_2017(tmp_path):
    """COCO's own layout; both parts have an image of the same name."""
    for part in ('train2017', 'val2017'):
        draw_image(tmp_path / part / 'a.png', len(part))
        content = dict(
            images=[dict(id=1, file_name='a.png', width=64, height=48)],
            annotations=[dict(id=1, image_id=1, category_id=1, keypoints=[len(part), 9, 2], bbox=[2, 3, 30, 20])],
            categories=[dict(id=1, name='mouse', keypoints=['nose'])],
        )
        (tmp_path / 'annotations').mkdir(exist_ok=True)
        (tmp_path / f'annotations/person_keypoints_{part}.json').write_text(json.dumps(content))
    report = import_project(read_project(tmp_path), tmp_path, tmp_path / 'out')
    assert report.added == 2 and report.split == 'as in the project'
    files = {part: contents(tmp_path / 'out', part).values() for part in ('train', 'val')}
    assert {part: image['source']['file'] for part, (image,) in files.items()} == {
        part: str(tmp_path / f'{part}2017/a.png') for part in files
    }
    assert [image['instances'][0]['keypoints'][0] for (image,) in files.values()] == [9, 7]


def test_coco_with_several_categories(tmp_path):
    draw_image(tmp_path / 'images/a.png')
    content = coco(NAMES, [[10, 11, 2] * 3])
    content['categories'].append(dict(id=2, name='cat', keypoints=['nose', 'tail'], skeleton=[]))
    content['annotations'].append(
        dict(id=9, image_id=7, category_id=2, keypoints=[1, 2, 2, 3, 4, 2], bbox=[0, 0, 9, 9])
    )
    (tmp_path / 'all.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match='dog, cat have different keypoints: choose one with --category'):
        read_project(tmp_path / 'all.json')
    project = read_project(tmp_path / 'all.json', options=ReadOptions(category='cat'))
    assert project.names == ['nose', 'tail'] and project.images[0].path == tmp_path / 'images/a.png'
    np.testing.assert_array_equal(project.images[0].instances[0].keypoints, [[1, 2], [3, 4]])


@pytest.mark.parametrize('skeleton', [[[1, 2], [2, 3]], [[0, 1], [1, 2]]])
def test_links_are_counted_from_one_or_from_zero(skeleton):
    notes = []
    assert _links(skeleton, 3, notes) == [(0, 1), (1, 2)] and not notes
