"""Facts from the samples of a data set that reads its annotations in its own way."""

import os.path as osp
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
from mmengine.dataset import BaseDataset

from clamp_mmpose.datasets.files.images import image_size
from clamp_mmpose.language.image_facts import VISIBLE, ImageFacts, Instance

from .boxes import clipped_box, extent
from .legends import legend_of


def other_images(dataset: BaseDataset, dropped: Dict[str, int]) -> Iterator[ImageFacts]:
    """One entry for each image, in the order of the samples, which must have ``img_path``, ``keypoints``
    ``[N, K, 2]`` and ``keypoints_visible`` ``[N, K]``; of ``id``, ``img_id``, ``bbox`` and ``category_id`` what is
    there. A visible keypoint counts as seen.

    Raises:
        ValueError: a sample has none of these, or the data set no keypoint names.
    """
    name = type(dataset).__name__
    if not dataset.metainfo.get('num_keypoints'):
        raise ValueError(f'{name} has no keypoints in its metainfo: give a metainfo with their names.')
    legend = legend_of(dataset.metainfo)
    classes = {entry['id']: entry['name'] for entry in dataset.metainfo.get('CLASSES', ()) if isinstance(entry, dict)}
    of_image: Dict[str, List[dict]] = {}
    for number, sample in enumerate(dataset.load_data_list()):
        missing = [key for key in ('img_path', 'keypoints', 'keypoints_visible') if sample.get(key) is None]
        if missing:
            raise ValueError(f'{name}, sample {number} has no {", ".join(missing)}: texts are written from keypoints.')
        of_image.setdefault(sample['img_path'], []).append(sample)
    folder = dataset.data_prefix.get('img', '')
    for path, samples in of_image.items():
        size = image_size(path)
        instances = [one for sample in samples for one in _instances(sample, size, classes, len(legend.names))]
        labeled = [one for one in instances if one.labeled.any()]
        dropped['instances without keypoints'] += len(instances) - len(labeled)
        if not labeled:
            dropped['images without instances'] += 1
            continue
        image = osp.relpath(path, folder) if folder else path
        image_id = samples[0].get('img_id', image)
        yield ImageFacts(image, image_id, size, legend.names, legend.links, legend.flip_indices, labeled)


def _instances(sample: Dict[str, Any], size: Tuple[int, int], classes: Dict[int, str], count: int) -> List[Instance]:
    points = np.asarray(sample['keypoints'], float)
    visible = np.asarray(sample['keypoints_visible'])
    if points.ndim != 3 or points.shape[1] != count or visible.shape[:2] != points.shape[:2]:
        raise ValueError(
            f'{sample["img_path"]}: expected keypoints [N, {count}, 2] and keypoints_visible [N, {count}], got '
            f'{list(points.shape)} and {list(visible.shape)}.'
        )
    visibility = np.where(visible.reshape(*visible.shape[:2], -1)[..., 0] > 0, VISIBLE, 0)
    boxes, number = sample.get('bbox'), sample.get('category_id')
    category = 'instance' if number is None else classes.get(int(np.ravel(number)[0]), 'instance')
    found = []
    for i, (keypoints, labels) in enumerate(zip(points[..., :2], visibility)):
        box = clipped_box(boxes[i], size) if boxes is not None else None
        if box is None:
            box = extent(keypoints[labels > 0], size) if labels.any() else (0.0, 0.0, 1.0, 1.0)
        found.append(Instance(category, box, keypoints, labels, sample.get('id')))
    return found
