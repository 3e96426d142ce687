"""Faults of MP-100's annotation files, by category; :mod:`.check` reads the files and reports them."""

from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from clamp_mmpose.datasets.mp100.annotations import category_slug, clean_box, keypoint_counts, read_instances
from clamp_mmpose.language.category_texts import FOLDER, load_texts

from .annotations import KINDS, Case, annotation_cases, image_size, is_finite, is_id


def mp100_cases(content: Any, ann_file: str, folder: Optional[str]) -> List[Case]:
    """Faults of what was read from ``ann_file``, and where the texts in ``folder`` do not fit it."""
    cases, judged = [], content
    for i, box, case in _dropped(content):
        if judged is content:
            judged = dict(content, annotations=list(content['annotations']))
        judged['annotations'][i] = dict(judged['annotations'][i], bbox=box, area=1)  # its other values count
        cases.append(case)
    cases += [*annotation_cases(judged, ann_file, None), *_count_cases(content), *_text_cases(content, folder)]
    if not any(KINDS[case[0]][0] == 'error' for case in cases):
        try:
            read_instances(ann_file)
        except ValueError as error:  # stricter than MMPose
            cases.append(('annotations are not complete', ann_file, str(error)))
    return cases


def with_categories(cases: Iterable[Case], content: Any) -> List[Case]:
    """The same cases; those of an image also say the categories on it."""
    slugs = {number: slug for number, (slug, _) in _categories(content).items()}
    names = {image['id']: image.get('file_name') for image in _entries(content, 'images') if is_id(image.get('id'))}
    on_image: Dict[str, dict] = {}
    for ann in _entries(content, 'annotations'):
        if is_id(ann.get('image_id')) and is_id(ann.get('category_id')):
            slug = slugs.get(ann['category_id'], f'category {ann["category_id"]}')
            on_image.setdefault(names.get(ann['image_id']), {})[slug] = None
    return [
        (*case[:3], ', '.join(on_image[case[1]])) if len(case) == 3 and case[1] in on_image else case for case in cases
    ]


def _dropped(content: Any) -> Iterator[Tuple[int, list, Case]]:
    """Position in the list, a box that is not faulty, and the case of each annotation that the benchmark drops."""
    images = {image['id']: image for image in _entries(content, 'images') if is_id(image.get('id'))}
    annotations = content['annotations'] if _entries(content, 'annotations') else []
    for i, ann in enumerate(annotations):
        if not isinstance(ann, dict):
            continue
        image = images.get(ann['image_id']) if is_id(ann.get('image_id')) else None
        box, area = ann.get('bbox'), ann.get('area', 1)
        size = image_size(image) if image else None
        if size is None or not isinstance(box, list) or len(box) != 4 or not all(map(is_finite, [*box, area])):
            continue
        if clean_box(box, *size) is None or area <= 0:
            yield (
                i,
                [0, 0, *size],
                (
                    'box is dropped by the benchmark',
                    str(image.get('file_name')),
                    f'annotation {ann.get("id")}: {box}, area {area:g}',
                ),
            )


def _count_cases(content: Any) -> Iterator[Case]:
    categories = _categories(content)
    images = {image['id']: image for image in _entries(content, 'images') if is_id(image.get('id'))}
    for ann in _entries(content, 'annotations'):
        if not _is_countable(ann) or ann['category_id'] not in categories:
            continue
        _, expected = categories[ann['category_id']]
        if len(ann['keypoints']) != 3 * expected:
            image = images.get(ann['image_id'], {}) if is_id(ann.get('image_id')) else {}
            yield (
                'number of keypoints differs from the category',
                str(image.get('file_name')),
                f'annotation {ann.get("id")}: {len(ann["keypoints"]) // 3}, the category has {expected}',
            )


def _text_cases(content: Any, folder: Optional[str]) -> Iterator[Case]:
    place = str(FOLDER if folder is None else folder)
    try:
        texts = load_texts(place)
    except (OSError, ValueError) as error:
        yield 'texts cannot be read', place, str(error)
        return
    for number, (slug, count) in _categories(content).items():
        own = texts.get(number)
        if own is None or slug not in (own.slug, own.name.lower()):
            yield ('category has no texts', slug, f'id {number} in {place}' + (f' is {own.slug}' if own else ''), slug)
        elif len(own.names) != count:
            yield (
                'number of keypoints differs from the texts',
                slug,
                f'{count} in the annotations, {len(own.names)} in {place}',
                slug,
            )


def _entries(content: Any, key: str) -> List[dict]:
    entries = content.get(key) if isinstance(content, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _is_countable(ann: dict) -> bool:
    values = ann.get('keypoints')
    return is_id(ann.get('category_id')) and isinstance(values, list) and len(values) % 3 == 0


def _categories(content: Any) -> Dict[int, Tuple[str, int]]:
    """Slug and number of keypoints by id."""
    categories = [
        category
        for category in _entries(content, 'categories')
        if is_id(category.get('id')) and isinstance(category.get('keypoints', []), list)
    ]
    counts = keypoint_counts(categories, filter(_is_countable, _entries(content, 'annotations')))
    return {
        category['id']: (category_slug(str(category.get('name')), counts[category['id']]), counts[category['id']])
        for category in categories
    }
