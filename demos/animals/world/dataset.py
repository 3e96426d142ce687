from collections import Counter
from pathlib import Path
from typing import List, Tuple, Union

import numpy as np

from demos.canvas.folder import DrawnFolder, coco_annotation
from demos.canvas.scenery import PLACES

from .image import draw_image
from .quadruped import KEYPOINTS
from .species import SPECIES, ToySpecies

SPLITS = ('train', 'val', 'test')
VAL_SHARE, TEST_SHARE = 0.1, 0.2
# counted from 1, as in AP-10K
SKELETON = '1-2 1-3 2-3 3-4 4-5 4-6 6-7 7-8 4-9 9-10 10-11 5-12 12-13 13-14 5-15 15-16 16-17'
INFO = dict(description='Toy animals in the format of AP-10K', url='', version='1.0', year=2025)
INFO.update(contributor='clamp_mmpose', date_created='2025/01/01')
LICENSES = [dict(id=1, name='The MIT License', url='https://opensource.org/license/mit')]
BONES = dict(keypoints=KEYPOINTS, skeleton=[[int(end) for end in bone.split('-')] for bone in SKELETON.split()])
CATEGORIES = [dict(id=one.category_id, name=one.name, supercategory=one.family, **BONES) for one in SPECIES]


def draw_toy_animals(
    out_dir: Union[str, Path], num_images: int = 400, image_size: Tuple[int, int] = (256, 192), seed: int = 0
):
    """Draw a small animal pose data set in the format of AP-10K, for demos and tests.

    ``out_dir`` gets ``data/*.jpg`` and ``annotations/ap10k-{train,val,test}-split1.json``, which MMPose's
    ``AP10KDataset`` reads. Nine species of three families walk, run, graze, sit and rear in landscapes;
    every split has every species.

    Args:
        out_dir: made if missing; files of the same names are replaced.
        num_images: in all splits together, about 70 / 10 / 20 percent.
        image_size: (w, h) in pixels.
        seed: 0 or more.

    Raises:
        ValueError: too few images to have every species in every split, too small images, a negative seed.
    """
    fewest = len(SPLITS) * len(SPECIES)
    if num_images < fewest:
        raise ValueError(
            f'num_images={num_images} cannot show {len(SPECIES)} species in each of '
            f'{len(SPLITS)} splits; give at least {fewest}.'
        )
    folder = DrawnFolder(out_dir, num_images=num_images, size=tuple(image_size), seed=seed)
    width, height = image_size
    images, annotations = {split: [] for split in SPLITS}, {split: [] for split in SPLITS}
    num_animals = 0
    for image_id, (split, species) in enumerate(_plan(num_images, seed), start=1):
        place = image_id % len(PLACES)
        image, animals = draw_image(species, image_size, place, (seed, image_id))
        name = f'{image_id:012d}.jpg'
        folder.write_image(f'data/{name}', image)
        images[split].append(
            dict(license=1, id=image_id, file_name=name, width=width, height=height, background=place + 1)
        )
        for animal in animals:
            num_animals += 1
            ids = dict(id=num_animals, image_id=image_id, category_id=species.category_id)
            annotations[split].append(coco_annotation(ids, animal.bbox, animal.keypoints))
    for split in SPLITS:
        content = dict(info=INFO, licenses=LICENSES, images=images[split])
        content.update(annotations=annotations[split], categories=CATEGORIES)
        folder.write(f'annotations/ap10k-{split}-split1.json', content)


def _plan(num_images: int, seed: int) -> List[Tuple[str, ToySpecies]]:
    """Split and species of every image; each species has the same shares of the splits."""
    plan = []
    for index, count in Counter(i % len(SPECIES) for i in range(num_images)).items():
        val, test = (max(1, round(share * count)) for share in (VAL_SHARE, TEST_SHARE))
        splits = ['val'] * val + ['test'] * test + ['train'] * (count - val - test)
        plan += [(split, SPECIES[index]) for split in splits]
    return [plan[i] for i in np.random.default_rng(seed).permutation(num_images)]
