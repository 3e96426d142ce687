"""Check MP-100's annotation files, by category; :mod:`.dataset` reads the files."""

from dataclasses import replace
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from clamp_mmpose.datasets.mp100.annotations import category_slugs, clean_box, keypoint_counts, read_instances
from clamp_mmpose.language.category_texts import FOLDER, load_texts

from .annotations import annotation_findings
from .fields import image_size, is_finite, is_id
from .findings import Finding
from .names import flip_findings, word_findings


def mp100_findings(content: Any, ann_file: str, folder: Optional[str]) -> List[Finding]:
    """Faults of the content of ``ann_file``, and of the texts in ``folder`` that do not fit it."""
    findings, checked = [], content
    for i, box, dropped in _dropped(content):
        if checked is content:
            checked = dict(content, annotations=list(content['annotations']))
        checked['annotations'][i] = dict(
            checked['annotations'][i], bbox=box, area=box[2] * box[3]
        )  # to check its other values
        findings.append(dropped)
    findings += annotation_findings(checked, ann_file, None)
    findings += _count_findings(content)
    findings += _text_findings(content, folder)
    if not any(finding.level == 'error' for finding in findings):
        try:
            read_instances(ann_file)
        except ValueError as error:  # MP100Dataset is stricter than MMPose
            findings.append(Finding('AF010', ann_file, str(error)))
    return findings


def with_categories(findings: Iterable[Finding], content: Any) -> List[Finding]:
    """The findings; those of an image also get the categories on it."""
    slugs = {number: slug for number, (slug, _) in _categories(content).items()}
    names = {image['id']: image.get('file_name') for image in _entries(content, 'images') if is_id(image.get('id'))}
    on_image: Dict[str, dict] = {}
    for ann in _entries(content, 'annotations'):
        if is_id(ann.get('image_id')) and is_id(ann.get('category_id')):
            slug = slugs.get(ann['category_id'], f'category {ann["category_id"]}')
            on_image.setdefault(names.get(ann['image_id']), {})[slug] = None
    return [
        replace(finding, category=finding.category or ', '.join(on_image.get(finding.item, ()))) for finding in findings
    ]


def _dropped(content: Any) -> Iterator[Tuple[int, list, Finding]]:
    """For each annotation that the benchmark drops: its index, a valid box, and the finding."""
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
            detail = f'annotation {ann.get("id")}: {box}, area {area:g}'
            yield i, [0, 0, *size], Finding('BX007', str(image.get('file_name')), detail)


def _count_findings(content: Any) -> Iterator[Finding]:
    categories = _categories(content)
    images = {image['id']: image for image in _entries(content, 'images') if is_id(image.get('id'))}
    for ann in _entries(content, 'annotations'):
        if not _is_countable(ann) or ann['category_id'] not in categories:
            continue
        _, expected = categories[ann['category_id']]
        if len(ann['keypoints']) != 3 * expected:
            image = images.get(ann['image_id'], {}) if is_id(ann.get('image_id')) else {}
            yield Finding(
                'KP008',
                str(image.get('file_name')),
                f'annotation {ann.get("id")}: {len(ann["keypoints"]) // 3}, the category has {expected}',
            )


def _text_findings(content: Any, folder: Optional[str]) -> Iterator[Finding]:
    place = str(FOLDER if folder is None else folder)
    try:
        texts = load_texts(place)
    except (OSError, ValueError) as error:
        yield Finding('TX001', place, str(error))
        return
    for number, (slug, count) in _categories(content).items():
        own = texts.get(number)
        if own is None or slug not in (own.slug, own.name.lower()):
            found = f' is {own.slug}' if own else ''
            yield Finding('TX002', slug, f'id {number} in {place}{found}', slug)
        elif len(own.names) != count:
            yield Finding('TX003', slug, f'{count} in the annotations, {len(own.names)} in {place}', slug)
        else:
            yield from flip_findings(own.names, own.flip_indices, place, slug)
            yield from word_findings(own.names, slug, slug)


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
    slugs = category_slugs(categories, counts)
    return {number: (slug, counts[number]) for number, slug in slugs.items()}
