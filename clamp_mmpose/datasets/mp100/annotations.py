"""MP-100's annotation files (Xu et al., "Pose for Everything", ECCV 2022) and the instances that the benchmark uses."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.language.category_texts import load_texts

GET_MP100 = (
    "download MP-100's annotations (https://github.com/luminxu/Pose-for-Everything); the configs expect "
    'data/mp100/annotations'
)


class Category(NamedTuple):
    """A category of the file.

    Args:
        id: as in the file, like ``supercategory``.
        slug: its name in lower case, made unique; see :func:`category_slugs`.
        num_keypoints: K, 8 to 68 in MP-100; see :func:`keypoint_counts`.
    """

    id: int
    slug: str
    supercategory: str
    num_keypoints: int


class Instance(NamedTuple):
    """An instance that the benchmark uses (a kept one), in pixels of the original image.

    Args:
        index: its position among the kept instances, from which the published episodes are drawn.
        keypoints: ``[K, 2]``, float64.
        visible: ``[K]``, bool: labeled, v = 1 as well as v = 2.
        bbox: the cleaned box, (x, y, w, h); see :func:`clean_box`.
        normalizer: max(w, h) of the cleaned box; distances are divided by it.
        area: as annotated, or else that of the cleaned box.
    """

    index: int
    id: int
    image_id: int
    category_id: int
    keypoints: np.ndarray
    visible: np.ndarray
    bbox: List[float]
    normalizer: float
    area: float


class MP100Annotations(NamedTuple):
    """The kept instances of a file, image by image in the file's order.

    Args:
        categories: by id, in the file's order.
        images: entries of the file by id, in its order.
        dropped: ids of the annotations left out, see :func:`read_instances`.
    """

    path: str
    instances: List[Instance]
    categories: Dict[int, Category]
    images: Dict[int, dict]
    dropped: List[int]


def clean_box(bbox: Sequence[float], width: float, height: float) -> Optional[List[float]]:
    """The box as the benchmark cleans it: clipped to the image, one pixel smaller; None if nothing is left.

    Args:
        bbox: (x, y, w, h) in pixels of the original image, which is ``width`` by ``height``.
    """
    x, y, w, h = bbox
    x1, y1 = max(0, x), max(0, y)
    x2, y2 = min(width - 1, x1 + max(0, w - 1)), min(height - 1, y1 + max(0, h - 1))
    return [x1, y1, x2 - x1, y2 - y1] if x2 > x1 and y2 > y1 else None


def category_slug(name: str, num_keypoints: int) -> str:
    """MP-100's unique name: it calls its 19-point faces (id 18) and its 68-point faces (id 40) both 'face'."""
    slug = name.strip().lower()
    return f'face_{num_keypoints}_points' if slug == 'face' and num_keypoints in (19, 68) else slug


def category_slugs(categories: Sequence[dict], counts: Dict[int, int]) -> Dict[int, str]:
    """The slug of each category by id: its name in lower case, made unique in MP-100's own files.

    These list several categories, all with an id and name of MP-100; any other file may well have one called 'face'.
    """
    names = {category['id']: str(category.get('name')).strip().lower() for category in categories}
    known = load_texts()
    mp100 = len(names) > 1 and all(
        number in known and name in (known[number].slug, known[number].name) for number, name in names.items()
    )
    return {number: category_slug(name, counts[number]) if mp100 else name for number, name in names.items()}


def keypoint_counts(categories: Iterable[dict], annotations: Iterable[dict]) -> Dict[int, int]:
    """K of each category: as many as it lists or, if it lists none (MP-100's faces), as its first annotation has."""
    first: Dict[int, int] = {}
    for ann in annotations:
        first.setdefault(ann['category_id'], len(ann['keypoints']) // 3)
    return {
        category['id']: len(category.get('keypoints') or ()) or first.get(category['id'], 0) for category in categories
    }


def read_instances(ann_file: Union[str, Path]) -> MP100Annotations:
    """Read the instances of a split that the benchmark uses.

    A process reads a file again only if its size or modification time has changed; callers share the result.

    Crowds and boxes without an area (``area <= 0``, or nothing is left after :func:`clean_box`) are left out and listed
    in ``dropped``. Instances without visible keypoints are kept, as an episode may use them as support or query.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not JSON, a key is missing, an id is unknown or occurs twice, numbers are not finite, or an
            instance and its category (:func:`keypoint_counts`) differ in the number of keypoints.
    """
    path = Path(ann_file).expanduser()
    stat = path.stat() if path.is_file() else None
    return _read_instances(str(ann_file), stat and (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=8)
def _read_instances(ann_file: str, state: Optional[Tuple[int, int]]) -> MP100Annotations:
    content = read_annotations(ann_file, GET_MP100, finite=False)
    try:
        images = _images(content['images'])
        for ann in _unique(content['annotations'], 'annotation'):
            _require(ann, ('image_id', 'category_id', 'bbox', 'keypoints'), 'annotation')
            if not isinstance(ann['keypoints'], list) or not isinstance(ann['category_id'], int):
                raise ValueError(
                    f'the keypoints of annotation {ann["id"]} must be a list and its category_id an '
                    f'integer, not {ann["keypoints"]!r:.40} and {ann["category_id"]!r:.40}.'
                )
        categories = _categories(content['categories'], content['annotations'])
        of_image: Dict[int, List[dict]] = {image_id: [] for image_id in images}
        for ann in content['annotations']:
            if not isinstance(ann['image_id'], int) or ann['image_id'] not in images:
                raise ValueError(
                    f'annotation {ann["id"]} refers to image {ann["image_id"]!r}, which the file does not list.'
                )
            if ann['category_id'] not in categories:
                raise ValueError(
                    f'annotation {ann["id"]} has the category {ann["category_id"]!r}; the file lists '
                    f'{list(categories)}.'
                )
            of_image[ann['image_id']].append(ann)

        instances: List[Instance] = []
        dropped = []
        for image_id, image in images.items():
            for ann in of_image[image_id]:
                instance = _instance(ann, image, categories[ann['category_id']], len(instances))
                if instance is None:
                    dropped.append(ann['id'])
                else:
                    instances.append(instance)
    except ValueError as error:
        raise ValueError(f'{ann_file}: {error}') from error
    return MP100Annotations(ann_file, instances, categories, images, dropped)


def _instance(ann: dict, image: dict, category: Category, index: int) -> Optional[Instance]:
    label = f'annotation {ann["id"]}'
    given = _numbers(ann['bbox'], f'the box of {label}')
    if len(given) != 4:
        raise ValueError(f'the box of {label} is not [x, y, width, height] but {ann["bbox"]}.')
    values = _numbers(ann['keypoints'], f'the keypoints of {label}')
    if len(values) % 3:
        raise ValueError(f'the keypoints of {label} are {len(values)} numbers; they must be x, y, v of each keypoint.')
    if len(values) != 3 * category.num_keypoints:
        raise ValueError(
            f'{label} has {len(values) // 3} keypoints, its category {category.slug!r} has {category.num_keypoints}.'
        )
    bbox = clean_box(given.tolist(), image['width'], image['height'])
    if bbox is None or ann.get('iscrowd'):
        return None
    area = _numbers([ann.get('area', bbox[2] * bbox[3])], f'the area of {label}')[0]
    if area <= 0:
        return None
    points = values.reshape(-1, 3)
    points.flags.writeable = False
    return Instance(
        index,
        ann['id'],
        ann['image_id'],
        ann['category_id'],
        points[:, :2],
        points[:, 2] > 0,
        bbox,
        max(bbox[2:]),
        float(area),
    )


def _categories(entries: List[Any], annotations: List[dict]) -> Dict[int, Category]:
    for entry in _unique(entries, 'category'):
        _require(entry, ('name',), 'category')
        if not isinstance(entry.get('keypoints', []), list):
            raise ValueError(f'category {entry["id"]} must list its keypoints, not {entry["keypoints"]!r:.40}.')
    counts = keypoint_counts(entries, annotations)
    categories: Dict[int, Category] = {}
    slugs = category_slugs(entries, counts)
    for entry in entries:
        slug = slugs[entry['id']]
        same = [category.id for category in categories.values() if category.slug == slug]
        if same:
            raise ValueError(f'categories {same[0]} and {entry["id"]} are both named {slug!r}; rename one.')
        categories[entry['id']] = Category(
            entry['id'], slug, str(entry.get('supercategory', 'none')), counts[entry['id']]
        )
    return categories


def _images(entries: List[Any]) -> Dict[int, dict]:
    images = {}
    for entry in _unique(entries, 'image'):
        _require(entry, ('file_name', 'width', 'height'), 'image')
        if _numbers([entry['width'], entry['height']], f'the size of image {entry["id"]}').min() <= 0:
            raise ValueError(
                f'image {entry["id"]} is {entry["width"]} by {entry["height"]} pixels; both must be positive.'
            )
        images[entry['id']] = entry
    return images


def _unique(entries: List[Any], kind: str) -> List[dict]:
    seen = set()
    for i, entry in enumerate(entries):
        number = entry.get('id') if isinstance(entry, dict) else None
        if not isinstance(number, int):
            raise ValueError(
                f'{kind} number {i} of the list must be an object whose id is an integer, not {entry!r:.60}.'
            )
        if number in seen:
            raise ValueError(f'the {kind} id {number} occurs more than once.')
        seen.add(number)
    return entries


def _require(entry: dict, keys: Sequence[str], kind: str) -> None:
    missing = [key for key in keys if key not in entry]
    if missing:
        raise ValueError(f'{kind} {entry["id"]} has no {", ".join(missing)}.')


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        array = np.array(values)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.ndim != 1 or (array.size and (array.dtype.kind not in 'iuf' or not np.isfinite(array).all())):
        raise ValueError(f'{what} must be a flat list of finite numbers, not {values!r:.80}.')
    return array.astype(np.float64)
