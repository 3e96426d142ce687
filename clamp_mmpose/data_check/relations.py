"""Check entries of an annotation file against each other: files and instances that occur twice, units and formats."""

import posixpath
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np

from .fields import BORDER, all_finite, image_size, is_finite, is_id
from .findings import Finding

MARGIN = 0.1  # of the box: keypoints may lie this far outside
NEAR = 0.5  # of the box: if all keypoints are farther away, box and keypoints are of different instances
COMMON = 0.5  # a fault of the whole file is at least this common, and its explanation fits FITS of the instances
FITS = 0.9
SMALLEST = 0.005  # of the box: a visible instance covers more
FORMATS: Dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {  # how a box [4] of an image (w, h) may be meant
    'corners [x1, y1, x2, y2]': lambda box, size: np.array([*box[:2], *(box[2:] - box[:2])]),
    '[center x, center y, width, height]': lambda box, size: np.array([*(box[:2] - box[2:] / 2), *box[2:]]),
    'fractions of the image (0..1)': lambda box, size: box * [*size, *size],
    'percent of the image': lambda box, size: box * [*size, *size] / 100,
    'y and x swapped': lambda box, size: box[[1, 0, 3, 2]],
    'fractions, [center x, center y, width, height] as YOLO': lambda box, size: (
        np.array([*(box[:2] - box[2:] / 2), *box[2:]]) * [*size, *size]
    ),
}
UNITS: Dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {  # keypoints [K, 2], box, image size
    'fractions of the image (0..1)': lambda points, box, size: points * size,
    'percent of the image': lambda points, box, size: points * size / 100,
    'y and x swapped': lambda points, box, size: points[:, ::-1],
    'fractions of the box': lambda points, box, size: points * box[2:] + box[:2],
    'relative to the box': lambda points, box, size: points + box[:2],
}


def relation_findings(images: List[dict], annotations: List[dict], ann_file: str) -> Iterator[Finding]:
    """Faults between the images and annotations of ``ann_file``, which are objects of any content."""
    by_id = {image['id']: image for image in images if is_id(image.get('id'))}
    yield from _files_twice(images)
    yield from _instances_twice(annotations, by_id)
    instances = [instance for ann in annotations for instance in [_instance(ann, by_id)] if instance is not None]
    yield from _area_findings(instances)
    yield from _place_findings(instances, ann_file)


class _Instance:
    """A valid instance with labeled keypoints: its keypoints ``[N, 2]``, its box, and its image's size if known."""

    def __init__(self, ann: dict, image: Optional[dict]) -> None:
        values = np.asarray(ann['keypoints'], float).reshape(-1, 3)
        self.points, self.box, self.area = values[values[:, 2] > 0, :2], np.asarray(ann['bbox'], float), ann.get('area')
        size = image_size(image) if image else None
        self.size = None if size is None else np.asarray(size, float)
        name = image.get('file_name') if image else None
        self.item, self.label = str(name or f'annotation {ann.get("id")}'), f'annotation {ann.get("id")}'

    def fits(self, points: np.ndarray, box: np.ndarray) -> bool:
        """Most keypoints lie in the box, and the box in the image."""
        if not (box[2:] > 0).all():
            return False
        slack = MARGIN * box[2:]
        inside = ((points >= box[:2] - slack) & (points <= box[:2] + box[2:] + slack)).all(axis=1)
        on_image = self.size is None or ((box[:2] >= -BORDER).all() and (box[:2] + box[2:] <= self.size + BORDER).all())
        return bool(on_image and inside.mean() >= COMMON)


def _instance(ann: dict, by_id: Dict[int, dict]) -> Optional[_Instance]:
    box, points = ann.get('bbox'), ann.get('keypoints')
    if not isinstance(box, list) or len(box) != 4 or not all_finite(box) or min(box[2:]) <= 0:
        return None
    if not isinstance(points, list) or not points or len(points) % 3 or not all_finite(points):
        return None
    if ann.get('iscrowd') or max(points[2::3]) <= 0:
        return None
    return _Instance(ann, by_id.get(ann['image_id']) if is_id(ann.get('image_id')) else None)


def _files_twice(images: List[dict]) -> Iterator[Finding]:
    seen: Dict[str, Any] = {}
    ids = set()
    for image in images:
        name, number = image.get('file_name'), image.get('id')
        if not isinstance(name, str) or not name or not is_id(number) or number in ids:
            continue
        ids.add(number)
        path = posixpath.normpath(name)
        if path in seen:
            yield Finding('RE002', name, f'ids {seen[path]} and {number}')
        seen.setdefault(path, number)


def _instances_twice(annotations: List[dict], by_id: Dict[int, dict]) -> Iterator[Finding]:
    seen: Dict[str, Any] = {}
    for ann in annotations:
        points = ann.get('keypoints')
        if not isinstance(points, list) or not any(is_finite(v) and v > 0 for v in points[2::3]):
            continue
        box = ann.get('bbox')
        key: Any = (ann.get('image_id'), ann.get('category_id'), tuple(box) if isinstance(box, list) else box, *points)
        try:
            hash(key)
        except TypeError:  # an object or a list in place of a number
            key = repr(key)
        if key in seen:
            image = by_id.get(ann['image_id'], {}) if is_id(ann.get('image_id')) else {}
            detail = f'annotations {seen[key]!r:.20} and {ann.get("id")!r:.20}'
            yield Finding('RE003', str(image.get('file_name') or f'annotation {ann.get("id")}'), detail)
        seen.setdefault(key, ann.get('id'))


def _area_findings(instances: List[_Instance]) -> Iterator[Finding]:
    for instance in instances:
        full = instance.box[2] * instance.box[3]
        if is_finite(instance.area) and 0 < instance.area < SMALLEST * full:
            width, height = instance.box[2:]
            yield Finding('BX011', instance.item, f'{instance.label}: {instance.area:g}, box {width:g}x{height:g}')


def _place_findings(instances: List[_Instance], ann_file: str) -> Iterator[Finding]:
    """Keypoints and boxes that do not belong together: one finding for the file if there is an explanation."""
    if instances and all(_within_one(instance) for instance in instances):
        yield Finding('BX012', ann_file, 'all boxes and keypoints fit as fractions of the image (0..1)')
        return
    bad = [instance for instance in instances if not instance.fits(instance.points, instance.box)]
    away = [instance for instance in bad if not _touches(instance)]
    if len(bad) > COMMON * len(instances):
        code, detail = _explanation(bad)
        if code:
            yield Finding(code, ann_file, f'{len(bad):,} of {len(instances):,} instances fit as {detail}')
            return
    for instance in away:
        first = ', '.join(f'{value:g}' for value in instance.points[0])
        box = ', '.join(f'{value:g}' for value in instance.box)
        yield Finding('KP011', instance.item, f'{instance.label}: the first is at ({first}), the box is [{box}]')


def _within_one(instance: _Instance) -> bool:
    """Whether all coordinates are 0..1, in an image of more pixels."""
    return max(*(instance.box[:2] + instance.box[2:]), instance.points.max()) <= 1 + 1e-6 and (
        instance.size is not None and instance.size.min() > 1
    )


def _touches(instance: _Instance) -> bool:
    """Whether any keypoint lies in the box or near it; True if the box is outside the image."""
    if (
        instance.size is not None
        and ((instance.box[:2] >= instance.size) | (instance.box[:2] + instance.box[2:] <= 0)).any()
    ):
        return True
    slack = NEAR * instance.box[2:]
    low, high = instance.box[:2] - slack, instance.box[:2] + instance.box[2:] + slack
    return bool(((instance.points >= low) & (instance.points <= high)).all(axis=1).any())


def _explanation(bad: List[_Instance]) -> Tuple[Optional[str], str]:
    """Code and text of the format that makes keypoints and boxes fit, None if there is none."""
    sized = [instance for instance in bad if instance.size is not None][:1000]  # enough to tell
    if not sized:
        return None, ''
    for name, read in UNITS.items():
        fits = [i.fits(read(i.points, i.box, i.size), i.box) for i in sized]
        if np.mean(fits) >= FITS:
            return 'KP012', name
    for name, read in FORMATS.items():
        fits = [i.fits(i.points, read(i.box, i.size)) for i in sized]
        if np.mean(fits) >= FITS:
            return 'BX012', name
    for name in [name for name in UNITS if name in FORMATS]:
        fits = [i.fits(UNITS[name](i.points, i.box, i.size), FORMATS[name](i.box, i.size)) for i in sized]
        if np.mean(fits) >= FITS:
            return 'BX012', f'{name}, keypoints as well'
    return None, ''
