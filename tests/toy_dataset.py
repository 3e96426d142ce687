import json
from typing import NamedTuple

import numpy as np
import pytest
from mp100_files import write_mp100
from PIL import Image

from clamp_mmpose.data_check.check import check_dataset
from clamp_mmpose.data_check.rules import RULES

NAMES = ['left ear', 'right ear', 'nose']
SIZE = (64, 48)
LEVELS = {rule.text: rule.level for rule in RULES.values()}


def metainfo():
    swaps = {'left ear': 'right ear', 'right ear': 'left ear', 'nose': ''}
    return dict(
        dataset_name='toy',
        keypoint_info={
            i: dict(name=name, id=i, color=[0, 0, 0], type='upper', swap=swaps[name]) for i, name in enumerate(NAMES)
        },
        skeleton_info={},
        joint_weights=[1.0] * 3,
        sigmas=[0.05] * 3,
    )


class Toy(NamedTuple):
    """A data set of four images; a test can break parts of it and then write it."""

    root: object
    content: dict
    dataset: dict

    def image(self, i):
        return self.root / 'images' / f'{i}.jpg'

    def write(self):
        (self.root / 'train.json').write_text(json.dumps(self.content))

    def found(self, **kwargs):
        return [(f.level, f.text, f.item) for f in check_dataset(self.dataset, **kwargs)]


@pytest.fixture
def toy(tmp_path):
    (tmp_path / 'images').mkdir()
    noise = np.random.default_rng(0)
    for i in range(4):
        Image.fromarray(noise.integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)).save(tmp_path / f'images/{i}.jpg')
    toy = Toy(
        tmp_path,
        dict(
            images=[dict(id=i, file_name=f'{i}.jpg', width=SIZE[0], height=SIZE[1]) for i in range(4)],
            annotations=[
                dict(
                    id=10 + i,
                    image_id=i,
                    category_id=1,
                    bbox=[4, 5, 40, 30],
                    area=1200,
                    iscrowd=0,
                    num_keypoints=2,
                    keypoints=[10, 11, 2, 20, 12, 1, 0, 0, 0],
                )
                for i in range(4)
            ],
            categories=[dict(id=1, name='mouse', keypoints=list(NAMES), skeleton=[])],
        ),
        dict(
            type='BaseCocoStyleDataset',
            data_root=str(tmp_path),
            ann_file='train.json',
            data_prefix=dict(img='images/'),
            metainfo=metainfo(),
        ),
    )
    toy.write()
    return toy


@pytest.fixture
def mp100(tmp_path):
    """Six instances of two categories: ``ann.json``, ``images/`` and ``texts/``."""
    write_mp100(tmp_path)
    return tmp_path
