"""Facts from MMPose's MPII files, a list with one row for each person."""

import os.path as osp
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from mmpose.datasets.datasets.body import MpiiDataset

from clamp_mmpose.datasets.files.images import image_size
from clamp_mmpose.language.image_facts import VISIBLE, ImageFacts, Instance
from clamp_mmpose.utils.files import read_json

from .boxes import clipped_box, extent
from .legends import legend_of

PIXEL_STD = 200  # MPII's scale is a person's height divided by it
KEYS = ('image', 'center', 'scale', 'joints', 'joints_vis')


def mpii_images(dataset: MpiiDataset, dropped: Dict[str, int]) -> Iterator[ImageFacts]:
    """One entry for each image, in the order of its first row, with the people in the order of theirs.

    Raises:
        FileNotFoundError: the file or an image does not exist; the images tell their size.
        ValueError: a malformed row; the message names it.
    """
    path = str(dataset.ann_file)
    rows = read_json(path, 'annotations', 'check data_root and ann_file of the data set', expected=list)
    of_image: Dict[str, List[Tuple[int, dict]]] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or any(key not in row for key in KEYS):
            raise ValueError(f'{path}, row {number}: expected {", ".join(KEYS)}, got {row!r:.80}.')
        of_image.setdefault(str(row['image']), []).append((number, row))
    legend = legend_of(dataset.metainfo)
    for image, people in of_image.items():
        if not any(np.any(row['joints_vis']) for _, row in people):
            dropped['instances without keypoints'] += len(people)
            dropped['images without instances'] += 1
            continue
        size = image_size(osp.join(dataset.data_prefix.get('img', ''), image))
        instances = []
        for number, row in people:
            try:
                person = _person(number, row, size, len(legend.names))
            except (TypeError, ValueError) as error:
                raise ValueError(f'{path}, row {number}: {error}') from error
            if person.labeled.any():
                instances.append(person)
            else:
                dropped['instances without keypoints'] += 1
        first = people[0][1]
        yield ImageFacts(
            image,
            osp.splitext(image)[0],
            size,
            legend.names,
            legend.links,
            legend.flip_indices,
            instances,
            activity=_activity(first),
            training=first.get('istrain'),
        )


def _person(number: int, row: Dict[str, Any], size: Tuple[int, int], count: int) -> Instance:
    joints, labeled = np.array(row['joints'], float), np.array(row['joints_vis']).astype(bool)
    if joints.shape != (count, 2) or labeled.shape != (count,):
        raise ValueError(
            f'expected {count} joints of 2 numbers and as many joints_vis, got {list(joints.shape)} and '
            f'{list(labeled.shape)}.'
        )
    x, y = row['center']
    half = row['scale'] * PIXEL_STD / 2
    # as in MMPose: moved down by 15 pixels of the scale, so that no limb is cut, and counted from 0
    x, y = x - 1, y + 15 * row['scale'] - 1
    box = clipped_box((x - half, y - half, x + half, y + half), size)
    if box is None:
        box = extent(joints[labeled], size) if labeled.any() else (0.0, 0.0, 1.0, 1.0)
    visibility = np.where(labeled, VISIBLE, 0)
    return Instance('person', box, joints, visibility, number, tuple(row['center']), row['scale'])


def _activity(row: Dict[str, Any]) -> Optional[str]:
    """'sports, basketball' of the file that FocusCLIP's authors made: MPII's category, then its activity."""
    return ', '.join(str(row[key]) for key in ('cat_name', 'act_name') if row.get(key)) or None
