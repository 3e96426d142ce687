"""Small data sets in MP-100's format: one with its own texts, one of real categories."""

import json

import numpy as np
from PIL import Image

from clamp_mmpose.language.category_texts import load_texts

INDEX = """
- {id: 4, slug: mug, name: mug, supercategory: things, num_keypoints: 3, split: 1, layout: mug}
- {id: 9, slug: pen, name: pen, supercategory: things, num_keypoints: 2, split: 1, layout: pen}
"""
MUG = """
keypoints:
- left rim: The left rim is the upper edge on the left side.
- right rim: The right rim is the upper edge on the right side.
- bottom: The bottom is the middle of the lower edge.
skeleton: [[0, 2], [1, 2]]
swap: [[0, 1]]
"""
PEN = """
keypoints:
- tip: The tip is the end that writes.
- cap: The cap is the other end.
skeleton: [[0, 1]]
swap: []
"""
DOTS = [[30, 30], [110, 40], [70, 60]]  # keypoints of annotation 10; each is a white pixel


def write_mp100(folder):
    """Images of 160x100: two mugs, two pens, a mug without visible keypoints, a box that is dropped."""
    (folder / 'texts').mkdir()
    for name, text in (('mp100', INDEX), ('mug', MUG), ('pen', PEN)):
        (folder / f'texts/{name}.yml').write_text(text)
    for category in ('mug', 'pen'):
        (folder / 'images' / category).mkdir(parents=True)
    mug = [*DOTS[0], 2, *DOTS[1], 1, *DOTS[2], 0]
    pen = [40, 50, 2.0, 90, 60, 2.0]
    rows = [
        (10, 'mug/0.png', 4, mug),
        (11, 'mug/1.png', 4, mug),
        (12, 'pen/2.png', 9, pen),
        (13, 'pen/3.png', 9, pen),
        (14, 'mug/4.png', 4, [0] * 9),
        (15, 'mug/5.png', 4, mug),
    ]
    content = dict(
        images=[dict(id=i, file_name=name, width=160, height=100) for i, (_, name, *_) in enumerate(rows)],
        annotations=[
            dict(
                id=number,
                image_id=i,
                category_id=category,
                bbox=[20, 25, 101, 51],
                area=5000,
                iscrowd=0,
                keypoints=keypoints,
            )
            for i, (number, _, category, keypoints) in enumerate(rows)
        ],
        categories=[
            dict(id=9, name='Pen', supercategory='things', keypoints=['0', '1'], skeleton=[]),
            dict(id=4, name='mug', supercategory='things', keypoints=['a', 'b', 'c'], skeleton=[]),
        ],
    )
    content['annotations'][5]['bbox'] = [20, 25, -3, 51]
    (folder / 'ann.json').write_text(json.dumps(content))
    for i, (_, name, *_) in enumerate(rows):
        image = np.zeros((100, 160, 3), np.uint8)
        image[0, i] = 1  # the files are no copies of each other
        for x, y in DOTS:
            image[y, x] = 255
        Image.fromarray(image).save(folder / 'images' / name)


def write_annotations(path, categories=20, instances=100, num_keypoints=9):
    """A split as large as MP-100's test sets: instances with all points visible, one on each image of 640x480."""
    rng = np.random.default_rng(0)
    numbers = range(1000, 1000 + categories * instances)
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=640, height=480) for i in numbers],
        annotations=[
            dict(
                id=i,
                image_id=i,
                category_id=1 + (i - 1000) // instances,
                bbox=[20, 30, 301, 201],
                area=60000,
                keypoints=[
                    value for x, y in rng.uniform((20, 30), (320, 230), (num_keypoints, 2)) for value in (x, y, 2)
                ],
            )
            for i in numbers
        ],
        categories=[
            dict(
                id=1 + i,
                name=f'thing {1 + i}',
                supercategory='things',
                keypoints=[str(k) for k in range(num_keypoints)],
                skeleton=[],
            )
            for i in range(categories)
        ],
    )
    path.write_text(json.dumps(content))


def write_blank_mp100(folder, slugs):
    """One blank image of each of these categories of MP-100, with random keypoints; the arguments of its data set."""
    texts = {category.slug: category for category in load_texts().values()}
    content = dict(images=[], annotations=[], categories=[])
    for i, slug in enumerate(slugs):
        category, number = texts[slug], len(texts[slug].names)
        (folder / 'images' / slug).mkdir(parents=True)
        Image.fromarray(np.full((120, 160, 3), 50 * i, np.uint8)).save(folder / f'images/{slug}/1.png')
        content['images'].append(dict(id=i, file_name=f'{slug}/1.png', width=160, height=120))
        points = np.random.default_rng(i).uniform(20, 100, (number, 2)).round(1)
        content['annotations'].append(
            dict(
                id=i,
                image_id=i,
                category_id=category.category_id,
                bbox=[15.0, 15.0, 90.0, 90.0],
                area=8100.0,
                iscrowd=0,
                num_keypoints=number,
                keypoints=[value for x, y in points for value in (x, y, 2.0)],
            )
        )
        content['categories'].append(
            dict(
                id=category.category_id,
                name=slug,
                supercategory=category.supercategory,
                keypoints=[str(k) for k in range(number)],
                skeleton=[],
            )
        )
    (folder / 'annotations.json').write_text(json.dumps(content))
    return dict(data_root=str(folder), ann_file='annotations.json')
