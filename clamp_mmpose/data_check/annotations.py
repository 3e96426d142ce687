"""Check the content of a COCO-style annotation file; :mod:`.dataset` reads the file."""

from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from clamp_mmpose.language.keypoint_names import readable_name

from .fields import BORDER, all_finite, image_size, is_finite, is_id, labeled_keypoints
from .findings import Finding
from .relations import relation_findings

FAR_OUTSIDE = 0.1  # of the image size: farther out it is an error, not a limb that the border cuts off
AREA_SLACK = 1.1  # an instance cannot cover more than its box, except for rounding


def annotation_findings(content: Any, ann_file: str, names: Optional[Sequence[str]]) -> Iterator[Finding]:
    """Faults of the content of ``ann_file``.

    Args:
        content: the parsed JSON, of any type.
        names: keypoint names, as in the metainfo; None: their number and order are not checked.
    """
    lists: Dict[str, List[dict]] = {}
    for key in ('images', 'annotations', 'categories'):
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            yield Finding('AF003', ann_file, f'no list of {key}')
            return
        lists[key] = [entry for entry in entries if isinstance(entry, dict)]
        for i, entry in enumerate(entries):
            if not isinstance(entry, dict):
                yield Finding('AF004', ann_file, f'{key}[{i}] is {entry!r:.40}')
    images = {image['id']: image for image in lists['images'] if is_id(image.get('id'))}
    categories = {category['id'] for category in lists['categories'] if is_id(category.get('id'))}
    for key, entries in lists.items():
        yield from _id_findings(key, entries, images, ann_file)
    for image in lists['images']:
        yield from _image_entry_findings(image)
    for category in lists['categories'] if names is not None else []:
        yield from _order_findings(category, names, ann_file)

    unlabeled = uncounted = 0
    used = False
    for ann in lists['annotations']:
        yield from _instance_findings(ann, images, categories, names)
        labeled = labeled_keypoints(ann) > 0
        unlabeled += not labeled and isinstance(ann.get('keypoints'), list)
        uncounted += labeled and ann.get('num_keypoints') == 0
        used = used or (labeled and not ann.get('iscrowd') and ann.get('num_keypoints') != 0)
    yield from relation_findings(lists['images'], lists['annotations'], ann_file)
    empty = len(images) - len({ann.get('image_id') for ann in lists['annotations'] if _known(ann, images)})
    if empty:
        yield Finding('AF008', ann_file, f'{empty:,} of {len(images):,}')
    if unlabeled:
        yield Finding('AF009', ann_file, f'{unlabeled:,} of {len(lists["annotations"]):,}')
    if not used:
        counted = f', num_keypoints is 0 in {uncounted:,} that have labels' if uncounted else ''
        yield Finding('AF007', ann_file, f'{len(lists["annotations"]):,} annotations{counted}')


def _known(ann: dict, images: Dict[int, dict]) -> bool:
    return is_id(ann.get('image_id')) and ann['image_id'] in images


def _item(ann: dict, images: Dict[int, dict]) -> str:
    """The image file if it is known, as a user will open it, or else the annotation."""
    name = images[ann['image_id']].get('file_name') if _known(ann, images) else None
    return name if isinstance(name, str) else f'annotation {ann.get("id")}'


def _id_findings(key: str, entries: List[dict], images: Dict[int, dict], ann_file: str) -> Iterator[Finding]:
    seen = set()
    for entry in entries:
        number = entry.get('id')
        item = dict(images=str(entry.get('file_name')), annotations=_item(entry, images)).get(key, ann_file)
        if not is_id(number):
            yield Finding('ID001', item, f'{number!r:.40} in {key}')
        elif number in seen:
            yield Finding('ID002', item, f'{number} in {key}')
        else:
            seen.add(number)


def _image_entry_findings(image: dict) -> Iterator[Finding]:
    name = image.get('file_name')
    if not isinstance(name, str) or not name:
        yield Finding('IM001', f'image {image.get("id")}', f'{name!r:.40}')
    if image_size(image) is None:
        yield Finding('IM002', str(name), f'{image.get("width")!r:.20} x {image.get("height")!r:.20}')


def _order_findings(category: dict, names: Sequence[str], ann_file: str) -> Iterator[Finding]:
    """Whether the annotations have the same keypoints in another order; no other check finds this."""
    listed = category.get('keypoints')
    if not isinstance(listed, list):
        return
    theirs, ours = ([readable_name(str(name)).replace(' ', '') for name in group] for group in (listed, names))
    if sorted(theirs) == sorted(ours) and theirs != ours:
        first = next(i for i in range(len(ours)) if theirs[i] != ours[i])
        yield Finding(
            'KP007',
            ann_file,
            f'keypoint {first} is {listed[first]!r} in category {category.get("name")!r}, {names[first]!r} in the '
            'metainfo',
        )


def _instance_findings(
    ann: dict, images: Dict[int, dict], categories: set, names: Optional[Sequence[str]]
) -> Iterator[Finding]:
    item, label = _item(ann, images), f'annotation {ann.get("id")}'
    size = None
    if _known(ann, images):
        size = image_size(images[ann['image_id']])
    else:
        yield Finding('ID003', item, f'{ann.get("image_id")!r:.40}')
    if not is_id(ann.get('category_id')) or ann['category_id'] not in categories:
        yield Finding('ID004', item, f'{label}: {ann.get("category_id")!r:.40}')
    if 'bbox' not in ann or 'keypoints' not in ann:
        yield Finding('BX001', item, label)
        return
    for code, detail in (*_box_faults(ann, size), *_keypoint_faults(ann, size, names)):
        yield Finding(code, item, f'{label}: {detail}')


def _box_faults(ann: dict, size: Optional[Tuple[float, float]]) -> Iterator[Tuple[str, str]]:
    """Code and detail of each."""
    box, area = ann['bbox'], ann.get('area')
    faulty = None
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_finite, box)):
        yield 'BX002', f'{box!r:.60}'
        return
    x, y, width, height = box
    if width <= 0 or height <= 0:
        faulty = 'BX003'
    elif size and (x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0):
        faulty = 'BX004'
    elif size and (min(x, y) < -BORDER or x + width > size[0] + BORDER or y + height > size[1] + BORDER):
        yield 'BX006', f'{box} in {_by(size)}'
    if faulty:
        unused = ann.get('iscrowd') or not labeled_keypoints(ann)
        place = f' in {_by(size)}' if size else ''
        yield 'BX005' if unused else faulty, f'{box}{place}'
    if area is None:
        yield 'BX008', 'no area'
    elif not is_finite(area) or area <= 0:
        yield 'BX009', f'{area!r:.40}'
    elif not faulty and area > AREA_SLACK * width * height:
        yield 'BX010', f'{area:g}, box {width:g}x{height:g}'


def _keypoint_faults(
    ann: dict, size: Optional[Tuple[float, float]], names: Optional[Sequence[str]]
) -> Iterator[Tuple[str, str]]:
    """Code and detail of each."""
    values = ann['keypoints']
    if not isinstance(values, list):
        yield 'KP001', f'{values!r:.40}'
        return
    if len(values) % 3:
        yield 'KP001', f'{len(values)} values'
        return
    if names is not None and len(values) != 3 * len(names):
        yield 'KP002', f'{len(values) // 3} instead of {len(names)}'
        return
    points = list(zip(values[::3], values[1::3], values[2::3]))
    if not all_finite(values):
        for i, point in enumerate(points):
            if not all_finite(list(point)):
                yield 'KP004', f'keypoint {_name(i, names)} is {list(point)!r:.60}'
        return
    low, high = ([share * side for side in size or ()] for share in (-FAR_OUTSIDE, 1 + FAR_OUTSIDE))
    for i, (x, y, v) in enumerate(points):
        if v not in (0, 1, 2):
            yield 'KP005', f'keypoint {_name(i, names)} has {v:g}'
        if v > 0 and size and not (low[0] <= x <= high[0] and low[1] <= y <= high[1]):
            yield 'KP003', f'keypoint {_name(i, names)} is at ({x:g}, {y:g}) in {_by(size)}'
    count = labeled_keypoints(ann)
    if 'num_keypoints' in ann and ann['num_keypoints'] != count:
        yield 'KP006', f'{ann["num_keypoints"]!r:.20}, but {count} are labeled'


def _name(i: int, names: Optional[Sequence[str]]) -> str:
    return str(i) if names is None else repr(names[i])


def _by(size: Tuple[float, float]) -> str:
    return f'{size[0]:g}x{size[1]:g}'
