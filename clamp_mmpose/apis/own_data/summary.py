"""What a data folder holds that decides on the settings of a training."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple, Union

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.language.foreign_sides import names_a_foreign_side
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.sides import find_sides

from .directions import concentration, turns

REMEDY = 'write the folder with: clamp-mmpose import SOURCE --out FOLDER'
PARTS = ('train', 'val')


@dataclass(frozen=True)
class DataSummary:
    """A data folder in numbers.

    Attributes:
        folder: as it was given.
        names: K keypoint names, readable.
        parts: the annotation files, ``'train'``, ``'val'`` and perhaps ``'test'``.
        images, instances: in ``train.json``.
        val_images: in ``val.json``.
        aspect_ratio: median of width / height of the boxes.
        box_share: median of the longer side of a box, as a share of the image's longer side.
        alone: share of the images that have one instance.
        pixels: of all images for training and validation.
        concentration: see :func:`~clamp_mmpose.apis.own_data.directions.concentration`.
        spread: standard deviation of the turns in degrees.
        unpaired: names of a left or right keypoint without a partner; a mirrored image would have the wrong one.
    """

    folder: Path
    names: List[str]
    parts: Tuple[str, ...]
    images: int
    instances: int
    val_images: int
    aspect_ratio: float
    box_share: float
    alone: float
    pixels: int
    concentration: float
    spread: float
    unpaired: Tuple[str, ...]


def read_summary(folder: Union[str, Path]) -> DataSummary:
    """Read a folder that ``clamp-mmpose import`` wrote: ``annotations/train.json``, ``val.json`` and ``metainfo.py``.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, has no labeled instance, or metainfo and annotations have different keypoints.
    """
    folder = Path(folder)
    metainfo = folder / 'metainfo.py'
    if not metainfo.is_file():
        raise FileNotFoundError(f'{folder} has no metainfo.py (looked in {Path.cwd()}): {REMEDY}.')
    contents = {part: read_annotations(folder / 'annotations' / f'{part}.json', REMEDY) for part in PARTS}
    meta = parse_pose_metainfo(dict(from_file=str(metainfo)))
    annotations = [ann for ann in contents['train']['annotations'] if ann.get('num_keypoints', 1) and 'bbox' in ann]
    if not annotations or not contents['val']['images']:
        raise ValueError(f'{folder} has no labeled instance in train.json, or no image in val.json: {REMEDY}.')
    names = keypoint_names(meta)
    wrong = next((ann for ann in annotations if len(ann['keypoints']) != 3 * len(names)), None)
    if wrong is not None:
        raise ValueError(
            f'{metainfo} has {len(names)} keypoints, but annotation {wrong["id"]} of train.json has '
            f'{len(wrong["keypoints"]) / 3:g}: {REMEDY}.'
        )
    sizes = {image['id']: (image['width'], image['height']) for image in contents['train']['images']}
    boxes = np.array([ann['bbox'][2:] for ann in annotations], float).clip(1)
    longer = np.array([max(sizes[ann['image_id']]) for ann in annotations], float)
    counts = Counter(ann['image_id'] for ann in annotations)
    angles = turns([_points(ann['keypoints']) for ann in annotations])
    length = concentration(angles)
    partners, sided = meta['flip_indices'], find_sides(names).sided
    return DataSummary(
        folder=folder,
        names=names,
        parts=(*PARTS, *(['test'] if (folder / 'annotations' / 'test.json').is_file() else [])),
        images=len(counts),
        instances=len(annotations),
        val_images=len(contents['val']['images']),
        aspect_ratio=float(np.median(boxes[:, 0] / boxes[:, 1])),
        box_share=float(np.median(boxes.max(axis=1) / longer)),
        alone=sum(count == 1 for count in counts.values()) / len(counts),
        pixels=sum(image['width'] * image['height'] for part in contents.values() for image in part['images']),
        concentration=length,
        spread=float(np.degrees(np.sqrt(-2 * np.log(max(length, 1e-6))))),
        unpaired=tuple(
            name for i, name in enumerate(names) if partners[i] == i and (sided[i] or names_a_foreign_side(name))
        ),
    )


def _points(keypoints: List[float]) -> np.ndarray:
    """``[K, 2]`` of the flat list of an annotation, NaN where nothing is labeled."""
    points = np.array(keypoints, float).reshape(-1, 3)
    return np.where(points[:, 2:] > 0, points[:, :2], np.nan)
