"""Small projects of other tools, drawn by the tests."""

import json
from pathlib import Path
from typing import Dict, Sequence

import cv2
import numpy as np

from clamp_mmpose.datasets.imports import import_project

SIZE = (64, 48)  # w, h


def draw_image(path: Path, seed: int = 0, size=SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    encoded, content = cv2.imencode('.png', pixels)
    assert encoded
    path.write_bytes(content.tobytes())
    return path


def deeplabcut_project(
    folder: Path, rows: Dict[str, Sequence[object]], parts: Sequence[str], scorer: str = 'Ann'
) -> Path:
    """A project with one video, ``vid``; ``rows``: x, y of each part by the name of the image."""
    labels = folder / 'labeled-data' / 'vid'
    for number, name in enumerate(rows):
        draw_image(labels / name, number)
    (folder / 'config.yaml').write_text(
        f'Task: test\nscorer: {scorer}\nbodyparts: {json.dumps(list(parts), ensure_ascii=False)}\n'
        'video_sets:\n  C:\\videos\\vid.mp4:\n    crop: 0, 64, 0, 48\nskeleton: []\n',
        encoding='utf-8',
    )
    deeplabcut_table(labels / f'CollectedData_{scorer}.csv', rows, parts, scorer)
    return folder


def deeplabcut_table(path: Path, rows: Dict[str, Sequence[object]], parts: Sequence[str], scorer: str) -> None:
    lines = [
        ['scorer', *[scorer] * 2 * len(parts)],
        ['bodyparts', *[part for part in parts for _ in 'xy']],
        ['coords', *['x', 'y'] * len(parts)],
        *([f'labeled-data/vid/{name}', *map(str, values)] for name, values in rows.items()),
    ]
    path.write_text('\n'.join(','.join(line) for line in lines) + '\n', encoding='utf-8')


def contents(folder: Path, part: str = '') -> Dict[str, dict]:
    """The image with its ``instances`` by file name of a folder that an import wrote."""
    images = {}
    for name in [part] if part else ['train', 'val']:
        content = json.loads((folder / 'annotations' / f'{name}.json').read_text())
        ids = {image['id']: dict(image, part=name, instances=[]) for image in content['images']}
        for annotation in content['annotations']:
            ids[annotation['image_id']]['instances'].append(annotation)
        images.update({image['file_name']: image for image in ids.values()})
    return images


NAMES = ['nose', 'L_ear', 'R_ear']
NAN = [np.nan, np.nan]
POINTS = np.array([[[10, 12], [20, 22], [30, 12]], [[40, 10], NAN, [50.5, 40.25]]], float)


def check_sleap_labels(project, folder, atol=1e-3):
    """Import, and compare with what sleap-io wrote."""
    report = import_project(project, 'project', folder)
    images = contents(folder)
    assert len(images) == 2
    one, two = sorted((image['instances'] for image in images.values()), key=len)
    assert (len(one), len(two)) == (1, 2)
    found = [np.reshape(instance['keypoints'], (3, 3)) for instance in one + sorted(two, key=lambda i: i['bbox'][0])]
    for points, expected in zip(found, (POINTS[0], POINTS[0] + 1, POINTS[1])):
        np.testing.assert_allclose(points[:, :2], np.nan_to_num(expected), atol=atol)
        np.testing.assert_array_equal(points[:, 2] > 0, ~np.isnan(expected[:, 0]))
    return report, images


def coco(names, keypoints, file_name='a.png', **category):
    instances = [
        dict(id=i, image_id=7, category_id=1, keypoints=points, bbox=[5, 5, 40, 40], iscrowd=0)
        for i, points in enumerate(keypoints)
    ]
    base = dict(id=1, name='dog', keypoints=names, skeleton=[[1, 2]], **category)
    # Roboflow lists its super-category first, without keypoints
    return dict(
        images=[dict(id=7, file_name=file_name, width=64, height=48)],
        annotations=instances,
        categories=[dict(id=0, name='dogs', supercategory='none'), base],
    )


def regions(points, box=None, **item):
    """Results of Label Studio: name, x, y in percent."""
    size = dict(original_width=SIZE[0], original_height=SIZE[1], image_rotation=0, **item)
    made = [
        dict(size, id=f'{name}{x}', type='keypointlabels', value=dict(x=x, y=y, width=0.5, keypointlabels=[name]))
        for name, x, y in points
    ]
    if box:
        value = dict(x=box[0], y=box[1], width=box[2], height=box[3], rotation=0, rectanglelabels=['mouse'])
        made.append(dict(size, id=f'box{box[0]}', type='rectanglelabels', value=value))
    return made


def label_studio(path, *tasks):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(tasks)))
    return path


def task(image, *results, **more):
    annotations = [dict(completed_by=i + 1, result=result) for i, result in enumerate(results)]
    return dict(id=3, data=dict(image=image), annotations=annotations, **more)
