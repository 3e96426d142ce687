"""Check a file of detected boxes (``bbox_file``) against the annotations."""

from collections import Counter
from typing import Any, Iterator, Optional

from .fields import is_finite, is_id
from .findings import Finding

PERSON = 1  # MMPose keeps boxes of this category only


def detection_findings(detections: Any, path: str, content: Any, dataset: dict) -> Iterator[Finding]:
    """Faults of the parsed file at ``path``.

    Args:
        detections: its content, of any type.
        content: the parsed annotation file, of any type.
        dataset: config of the data set.
    """
    if not dataset.get('test_mode') or dataset.get('data_mode', 'topdown') != 'topdown':
        yield Finding('DT001', path, f'test_mode={dataset.get("test_mode")}, data_mode={dataset.get("data_mode")!r}')
    if not isinstance(detections, list) or not all(isinstance(box, dict) for box in detections):
        yield Finding('DT002', path, 'not a list of objects')
        return
    listed = content.get('images') if isinstance(content, dict) else None
    images = None
    if isinstance(listed, list):
        images = {image['id'] for image in listed if isinstance(image, dict) and is_id(image.get('id'))}
    used = [box for box in detections if box.get('category_id') == PERSON]
    if not used:
        kinds = Counter(repr(box.get('category_id')) for box in detections)
        found = ', '.join(f'category_id {kind}: {count:,}' for kind, count in kinds.most_common(3))
        yield Finding('DT003', path, found or 'no detection at all')
    elif len(used) < len(detections):
        yield Finding('DT004', path, f'{len(detections) - len(used):,} of {len(detections):,}')
    for i, box in enumerate(detections):
        fault = _fault(box, images)
        if fault and box.get('category_id', PERSON) == PERSON:
            yield Finding(fault, path, f'entry {i}: {box!s:.120}')
    if images and used:
        without = images - {box['image_id'] for box in used if is_id(box.get('image_id'))}
        if without:
            yield Finding('DT008', path, f'{len(without):,} of {len(images):,}')


def _fault(box: dict, images: Optional[set]) -> Optional[str]:
    """The code, None if there is no fault."""
    if any(key not in box for key in ('image_id', 'category_id', 'bbox', 'score')):
        return 'DT005'
    if images is not None and (not is_id(box['image_id']) or box['image_id'] not in images):
        return 'DT006'
    sides = box['bbox']
    if not isinstance(sides, list) or len(sides) < 4 or not all(map(is_finite, sides[:4])) or min(sides[2:4]) <= 0:
        return 'DT007'
    return None if is_finite(box['score']) else 'DT009'
