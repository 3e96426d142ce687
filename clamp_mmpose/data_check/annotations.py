"""Faults of the content of a COCO-style annotation file; :mod:`.check` reads the file and reports them."""

from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.language.keypoint_names import readable_name

Case = Tuple[str, ...]  # what (a key of KINDS), the file or id, details; for MP-100 the category, too

FAR_OUTSIDE = 0.1  # of the image's size: further out a keypoint is a slip, not a limb the border cuts off
BORDER = 1  # pixels by which a box may leave the image through rounding
AREA_SLACK = 1.1  # an instance cannot cover more than its box, but for rounding
LARGEST = 1e15  # NaN and infinity are not below it, and neither are integers that overflow a float

# what -> (level, remedy)
KINDS = {
    # annotation files
    'annotation file does not exist': ('error', 'download or write it, or correct data_root and ann_file'),
    'annotation file cannot be read': ('error', 'restore it: it is truncated, damaged or no JSON'),
    'annotation file is not COCO-style': ('error', 'it needs the lists images, annotations and categories'),
    'entry is no object': ('error', 'make it a JSON object, or take it out'),
    'detection file cannot be read': ('error', 'restore it, correct bbox_file, or take bbox_file out'),
    'format is not checked': ('info', 'this data set reads annotations in its own way; only its metainfo is checked'),
    'keypoints are not counted': ('info', 'this data set puts its keypoints together itself'),
    'no labelled instance': ('error', 'MMPose leaves out crowds and instances without labelled keypoints'),
    'images without annotations': ('info', 'nothing is learned from them'),
    'instances without labelled keypoints': ('info', 'MMPose leaves them out'),
    # ids
    'id is no whole number': ('error', 'number images, annotations and categories'),
    'id occurs more than once': ('error', 'give each image, each annotation and each category an id of its own'),
    'image_id does not exist': ('error', 'add the image, or take the annotation out'),
    'category_id does not exist': ('error', 'add the category, or correct the annotation'),
    # instances
    'annotation without box or keypoints': ('warning', 'MMPose leaves it out: complete it'),
    'box is not four finite numbers': ('error', 'bbox is [x, y, width, height] in pixels'),
    'box is empty': ('error', 'bbox is [x, y, width, height], not two corners; both sizes must be positive'),
    'box lies outside the image': ('error', 'correct the box, or take the annotation out'),
    'box of an unused instance is faulty': ('warning', 'a crowd, or without labelled keypoints: MMPose leaves it out'),
    'box reaches beyond the image': ('warning', 'MMPose clips it; is it [x, y, width, height]?'),
    'area is missing': ('warning', 'CocoMetric needs it, unless use_area=False: width x height of the box will do'),
    'area is not positive': ('error', "give the instance's area in square pixels: OKS divides by it"),
    'area is larger than the box': ('warning', 'OKS forgives more for larger areas: give it in square pixels'),
    'keypoints are not triplets': ('error', 'keypoints is one flat list: x, y, v of each keypoint'),
    'number of keypoints differs from the metainfo': ('error', 'take the type or metainfo of these annotations'),
    'keypoint is not a finite number': ('error', 'an unlabelled keypoint is 0, 0, 0'),
    'visibility is not 0, 1 or 2': ('error', '0: not labelled, 1: labelled but hidden, 2: visible'),
    'keypoint lies far outside the image': ('warning', 'correct it, or mark it as not labelled (0, 0, 0)'),
    'num_keypoints is not the number of labelled keypoints': ('warning', 'MMPose leaves an instance out where it is 0'),
    'keypoints are in another order than in the metainfo': ('warning', 'take the order of the annotations'),
    # MP-100
    'box is dropped by the benchmark': ('info', 'cleaning leaves nothing of it: it is neither trained on nor scored'),
    'number of keypoints differs from the category': ('error', 'give as many as the category lists'),
    'texts cannot be read': ('error', 'correct texts, the folder, or the file'),
    'category has no texts': ('error', 'write them, or give texts, the folder written for these annotations'),
    'number of keypoints differs from the texts': ('error', 'correct the texts, or give texts, another folder'),
    'annotations are not complete': ('error', 'MP100Dataset cannot read them: correct what it names'),
    # pictures with descriptions or classes
    'data set cannot be read': ('error', 'correct what it names'),
    'zero-shot data set is absent': ('warning', 'get it, or leave it out: tests list it as absent'),
    # images
    'image has no file name': ('error', 'give its file_name'),
    'image has no width and height': ('error', "give the image's width and height in pixels"),
    'image folder does not exist': ('error', "download the images, or correct data_root and data_prefix['img']"),
    'image does not exist': ('error', 'restore the file, or take the image and its annotations out'),
    'image is truncated or damaged': ('error', 'restore the file, or take the image and its annotations out'),
    'image has another size than its annotations': ('error', 'label this file, or restore the one that was labelled'),
    'image is turned by its EXIF tag': ('warning', 'MMPose turns it, too: make sure that it was labelled upright'),
    'image is turned by its EXIF tag, as in its annotations': ('info', 'MMPose turns it, too'),
    'image is used for training and for evaluation': ('warning', 'take it out of one of them'),
    # config and metainfo
    'config has no data set': ('error', 'give the dataset of train_dataloader, val_dataloader or test_dataloader'),
    'data set type is unknown': ('error', 'correct the type, or import the module that registers it (custom_imports)'),
    'paths cannot be joined': ('error', 'data_root and ann_file are strings, data_prefix is dict(img=...)'),
    'metainfo cannot be used': ('error', 'it needs dataset_name, keypoint_info, skeleton_info, joint_weights, sigmas'),
    'metainfo has another number of joint_weights or sigmas': ('error', 'give one for each keypoint'),
    'flip pair is not symmetric': ('error', 'each of the two must name the other as its swap'),
    'flip pair does not swap left and right': ('warning', 'name the same part of the other side as its swap'),
    'keypoint names cannot be prompts': ('error', 'rename them in the metainfo, or give the head names=[...]'),
    'number of keypoints differs from the head': ('error', 'take the names or out_channels of this data set'),
}


class Finding(NamedTuple):
    """One fault of one file, instance or setting.

    Args:
        level: ``'error'``: training or evaluation would fail or be wrong; ``'warning'``: worth a look; ``'info'``.
        where: the setting of the config that the data set comes from.
        what: the kind of fault, one of ``KINDS``.
        item: the file or id.
        remedy: what to do.
        detail: what was found there.
        category: of MP-100.
    """

    level: str
    where: str
    what: str
    item: str
    remedy: str
    detail: str = ''
    category: str = ''


def findings_of(cases: Iterable[Case], where: str) -> List[Finding]:
    return [Finding(KINDS[what][0], where, what, item, KINDS[what][1], *details) for what, item, *details in cases]


def annotation_cases(content: Any, ann_file: str, names: Optional[Sequence[str]]) -> Iterator[Case]:
    """Faults of what was read from ``ann_file``.

    Args:
        content: the parsed JSON, whatever it is.
        names: of the keypoints, as in the metainfo; None leaves their number and order unchecked.
    """
    lists: Dict[str, List[dict]] = {}
    for key in ('images', 'annotations', 'categories'):
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            yield 'annotation file is not COCO-style', ann_file, f'no list of {key}'
            return
        lists[key] = [entry for entry in entries if isinstance(entry, dict)]
        for i, entry in enumerate(entries):
            if not isinstance(entry, dict):
                yield 'entry is no object', ann_file, f'{key}[{i}] is {entry!r:.40}'
    images = {image['id']: image for image in lists['images'] if is_id(image.get('id'))}
    categories = {category['id'] for category in lists['categories'] if is_id(category.get('id'))}
    for key, entries in lists.items():
        yield from _id_cases(key, entries, images, ann_file)
    for image in lists['images']:
        yield from _image_entry_cases(image)
    for category in lists['categories'] if names is not None else []:
        yield from _order_cases(category, names, ann_file)

    unlabelled = 0
    used = False
    for ann in lists['annotations']:
        yield from _instance_cases(ann, images, categories, names)
        labelled = labelled_keypoints(ann) > 0
        unlabelled += not labelled and isinstance(ann.get('keypoints'), list)
        used = used or (labelled and not ann.get('iscrowd'))
    empty = len(images) - len({ann.get('image_id') for ann in lists['annotations'] if _known(ann, images)})
    if empty:
        yield 'images without annotations', ann_file, f'{empty:,} of {len(images):,}'
    if unlabelled:
        yield 'instances without labelled keypoints', ann_file, f'{unlabelled:,} of {len(lists["annotations"]):,}'
    if not used:
        yield 'no labelled instance', ann_file, f'{len(lists["annotations"]):,} annotations'


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def image_size(image: dict) -> Optional[Tuple[float, float]]:
    """(w, h) as the annotations say."""
    size = image.get('width'), image.get('height')
    return size if all(is_finite(side) and side > 0 for side in size) else None


def labelled_keypoints(ann: dict) -> int:
    keypoints = ann.get('keypoints')
    return sum(is_finite(v) and v > 0 for v in keypoints[2::3]) if isinstance(keypoints, list) else 0


def _known(ann: dict, images: Dict[int, dict]) -> bool:
    return is_id(ann.get('image_id')) and ann['image_id'] in images


def _item(ann: dict, images: Dict[int, dict]) -> str:
    """The file of the image where it is known: that is what one opens to look."""
    name = images[ann['image_id']].get('file_name') if _known(ann, images) else None
    return name if isinstance(name, str) else f'annotation {ann.get("id")}'


def _id_cases(key: str, entries: List[dict], images: Dict[int, dict], ann_file: str) -> Iterator[Case]:
    seen = set()
    for entry in entries:
        number = entry.get('id')
        item = dict(images=str(entry.get('file_name')), annotations=_item(entry, images)).get(key, ann_file)
        if not is_id(number):
            yield 'id is no whole number', item, f'{number!r:.40} in {key}'
        elif number in seen:
            yield 'id occurs more than once', item, f'{number} in {key}'
        else:
            seen.add(number)


def _image_entry_cases(image: dict) -> Iterator[Case]:
    name = image.get('file_name')
    if not isinstance(name, str) or not name:
        yield 'image has no file name', f'image {image.get("id")}', f'{name!r:.40}'
    if image_size(image) is None:
        yield ('image has no width and height', str(name), f'{image.get("width")!r:.20} x {image.get("height")!r:.20}')


def _order_cases(category: dict, names: Sequence[str], ann_file: str) -> Iterator[Case]:
    """The annotations may name the same keypoints in another order, which nothing else would notice."""
    listed = category.get('keypoints')
    if not isinstance(listed, list):
        return
    theirs, ours = ([readable_name(str(name)).replace(' ', '') for name in group] for group in (listed, names))
    if sorted(theirs) == sorted(ours) and theirs != ours:
        first = next(i for i in range(len(ours)) if theirs[i] != ours[i])
        yield (
            'keypoints are in another order than in the metainfo',
            ann_file,
            f'keypoint {first} is {listed[first]!r} in category {category.get("name")!r}, {names[first]!r} in the '
            'metainfo',
        )


def _instance_cases(
    ann: dict, images: Dict[int, dict], categories: set, names: Optional[Sequence[str]]
) -> Iterator[Case]:
    item, label = _item(ann, images), f'annotation {ann.get("id")}'
    size = None
    if _known(ann, images):
        size = image_size(images[ann['image_id']])
    else:
        yield 'image_id does not exist', item, f'{ann.get("image_id")!r:.40}'
    if not is_id(ann.get('category_id')) or ann['category_id'] not in categories:
        yield 'category_id does not exist', item, f'{label}: {ann.get("category_id")!r:.40}'
    if 'bbox' not in ann or 'keypoints' not in ann:
        yield 'annotation without box or keypoints', item, label
        return
    cases = [*_box_cases(ann, size), *_keypoint_cases(ann, size, names)]
    yield from ((what, item, f'{label}: {detail}') for what, detail in cases)


def _box_cases(ann: dict, size: Optional[Tuple[float, float]]) -> Iterator[Tuple[str, str]]:
    box, area = ann['bbox'], ann.get('area')
    faulty = None
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_finite, box)):
        yield 'box is not four finite numbers', f'{box!r:.60}'
        return
    x, y, width, height = box
    if width <= 0 or height <= 0:
        faulty = 'box is empty'
    elif size and (x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0):
        faulty = 'box lies outside the image'
    elif size and (min(x, y) < -BORDER or x + width > size[0] + BORDER or y + height > size[1] + BORDER):
        yield 'box reaches beyond the image', f'{box} in {_by(size)}'
    if faulty:
        unused = ann.get('iscrowd') or not labelled_keypoints(ann)
        place = f' in {_by(size)}' if size else ''
        yield 'box of an unused instance is faulty' if unused else faulty, f'{box}{place}'
    if area is None:
        yield 'area is missing', 'no area'
    elif not is_finite(area) or area <= 0:
        yield 'area is not positive', f'{area!r:.40}'
    elif not faulty and area > AREA_SLACK * width * height:
        yield 'area is larger than the box', f'{area:g}, box {width:g}x{height:g}'


def _keypoint_cases(
    ann: dict, size: Optional[Tuple[float, float]], names: Optional[Sequence[str]]
) -> Iterator[Tuple[str, str]]:
    values = ann['keypoints']
    if not isinstance(values, list):
        yield 'keypoints are not triplets', f'{values!r:.40}'
        return
    if len(values) % 3:
        yield 'keypoints are not triplets', f'{len(values)} values'
        return
    if names is not None and len(values) != 3 * len(names):
        yield 'number of keypoints differs from the metainfo', f'{len(values) // 3} instead of {len(names)}'
        return
    points = [(i if names is None else repr(names[i]), values[3 * i : 3 * i + 3]) for i in range(len(values) // 3)]
    broken = [(name, point) for name, point in points if not all(map(is_finite, point))]
    for name, point in broken:
        yield 'keypoint is not a finite number', f'keypoint {name} is {point!r:.60}'
    if broken:
        return
    for name, (x, y, v) in points:
        if v not in (0, 1, 2):
            yield 'visibility is not 0, 1 or 2', f'keypoint {name} has {v:g}'
        if (
            v > 0
            and size
            and any(not -FAR_OUTSIDE * side <= value <= (1 + FAR_OUTSIDE) * side for value, side in zip((x, y), size))
        ):
            yield 'keypoint lies far outside the image', f'keypoint {name} is at ({x:g}, {y:g}) in {_by(size)}'
    count = labelled_keypoints(ann)
    if 'num_keypoints' in ann and ann['num_keypoints'] != count:
        yield (
            'num_keypoints is not the number of labelled keypoints',
            f'{ann["num_keypoints"]!r:.20}, labelled are {count}',
        )


def _by(size: Tuple[float, float]) -> str:
    return f'{size[0]:g}x{size[1]:g}'
