"""Facts from annotations of COCO's format."""

from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.datasets.datasets.wholebody import CocoWholeBodyDataset

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.datasets.files.images import image_size
from clamp_mmpose.language.image_facts import VISIBLE, ImageFacts, Instance

from .boxes import clipped_box, extent
from .legends import Legend, category_legends

REMEDY = 'check data_root and ann_file of the data set'
PARTS = ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts')  # of COCO-WholeBody, in its order


def coco_images(dataset: BaseCocoStyleDataset, dropped: Dict[str, int]) -> Iterator[ImageFacts]:
    """The images with instances, in the order of the file; what is left out is counted in ``dropped``.

    Raises:
        FileNotFoundError, ValueError: the file or an entry is malformed; the message names it.
    """
    path = str(dataset.ann_file)
    content = read_annotations(path, REMEDY)
    try:
        yield from _images(dataset, content, dropped)
    except KeyError as error:
        raise ValueError(f'{path} is not a COCO-style annotation file: an entry has no {error}.') from error
    except TypeError as error:
        raise ValueError(f'{path} is not a COCO-style annotation file: {error}.') from error
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def _images(dataset: BaseCocoStyleDataset, content: dict, dropped: Dict[str, int]) -> Iterator[ImageFacts]:
    legends = category_legends(dataset, content)
    categories = {category['id']: category['name'] for category in content['categories']}
    of_image: Dict[Any, List[dict]] = {image['id']: [] for image in content['images']}
    for ann in content['annotations']:
        if ann['image_id'] not in of_image or ann['category_id'] not in categories:
            raise ValueError(
                f'annotation {ann["id"]} is of image {ann["image_id"]!r:.40} and category {ann["category_id"]!r:.40}, '
                'which the file does not list both.'
            )
        of_image[ann['image_id']].append(ann)
    per_category = not dataset.metainfo.get('num_keypoints')
    for image in content['images']:
        if not isinstance(image['file_name'], str):
            raise ValueError(f'image {image["id"]} has the file_name {image["file_name"]!r:.60}; expected a text.')
        kept = [ann for ann in of_image[image['id']] if not ann.get('iscrowd')]
        dropped['crowds'] += len(of_image[image['id']]) - len(kept)
        size = _size(image, dataset.data_prefix.get('img', '')) if kept else (0, 0)
        groups: Dict[Any, List[Instance]] = {}
        for ann in kept:
            number = ann['category_id']
            found = _instance(dataset, ann, image, size, categories[number], legends[number])
            if found is None:
                dropped['instances without keypoints'] += 1
            else:
                groups.setdefault(number if per_category else None, []).append(found)
        if not groups:
            dropped['images without instances'] += 1
        for place, (number, instances) in enumerate(groups.items()):
            legend = legends[kept[0]['category_id'] if number is None else number]
            image_id = image['id'] if place == 0 else f'{image["id"]}-{number}'  # ids differ
            yield ImageFacts(
                image['file_name'], image_id, size, legend.names, legend.links, legend.flip_indices, instances
            )


def _size(image: dict, folder: str) -> Tuple[int, int]:
    width, height = image.get('width'), image.get('height')
    if width is None or height is None:
        return image_size(f'{folder}/{image["file_name"]}' if folder else image['file_name'])
    if not width > 0 or not height > 0:
        raise ValueError(f'image {image["id"]} is {width} by {height} pixels; both must be positive.')
    return int(width), int(height)


def _instance(
    dataset: BaseCocoStyleDataset, ann: dict, image: dict, size: Tuple[int, int], category: str, legend: Legend
) -> Optional[Instance]:
    points = _points(dataset, ann, image, size)
    if points is None or not (points[:, 2] > 0).any():
        return None
    if len(points) != len(legend.names):
        raise ValueError(
            f'annotation {ann["id"]} has {len(points)} keypoints, but {len(legend.names)} are named: '
            'give the metainfo of these annotations.'
        )
    visibility = np.where(points[:, 2] > 0, np.where(points[:, 2] == 1, 1, VISIBLE), 0)
    x, y, width, height = ann.get('bbox') or (0, 0, 0, 0)
    box = clipped_box((x, y, x + width, y + height), size) or extent(points[visibility > 0, :2], size)
    return Instance(category, box, points[:, :2], visibility, ann['id'], category_id=ann['category_id'])


def _points(dataset: BaseCocoStyleDataset, ann: dict, image: dict, size: Tuple[int, int]) -> Optional[np.ndarray]:
    """x, y, visibility of the K keypoints; None without them."""
    parse = type(dataset).parse_data_info
    if parse is CocoWholeBodyDataset.parse_data_info:
        values = [value for part in PARTS for value in ann.get(part) or ()]
    elif parse is BaseCocoStyleDataset.parse_data_info:
        values = ann.get('keypoints') or []
    else:  # a data set that reads entries in its own way
        width, height = size
        entry = dict(image, width=width, height=height, img_id=image['id'], img_path=image['file_name'])
        info = dataset.parse_data_info(dict(raw_ann_info=ann, raw_img_info=entry))
        if not info:
            return None
        visible = np.asarray(info['keypoints_visible'], float)[0].reshape(len(info['keypoints'][0]), -1)[:, :1]
        return np.concatenate([np.asarray(info['keypoints'], float)[0, :, :2], VISIBLE * (visible > 0)], axis=1)
    if len(values) % 3:
        raise ValueError(f'annotation {ann["id"]} has {len(values)} numbers as keypoints; expected x, y, v of each.')
    return np.array(values, float).reshape(-1, 3) if values else None
