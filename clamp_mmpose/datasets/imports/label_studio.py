"""Exports of Label Studio: JSON and JSON-MIN with keypoint labels, and rectangles around animals if there are any.

Positions are percentages of the image. sleap-io reads such files too, but only the first person's labels, and only
those that it wrote itself, with the name of a video.
"""

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from clamp_mmpose.utils.files import read_json, read_text

from .label_studio_images import task_image
from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions

REMEDY = 'give the JSON file of the export'
POINT, RECTANGLE = 'keypointlabels', 'rectanglelabels'


class Region(NamedTuple):
    """A labeled point or rectangle.

    Args:
        label: the first, if several.
        corners: ``[1, 2]`` or ``[4, 2]`` in pixels.
        size: width and height of the image as Label Studio says.
    """

    key: str
    parent: Optional[str]
    label: str
    corners: np.ndarray
    size: Tuple[int, int]
    hidden: bool


def is_label_studio(source: Path) -> bool:
    if source.is_dir():
        return bool(_exports(source))
    if not (source.is_file() and source.suffix.lower() == '.json'):
        return False
    try:
        text = read_text(source)
    except ValueError:
        return False
    return text.lstrip()[:1] == '[' and (
        '"keypointlabels"' in text or re.search(r'"(annotations|completions|predictions)"', text) is not None
    )


def _exports(folder: Path) -> List[Path]:
    """The files of a folder with labeled keypoints."""
    return [file for file in sorted(folder.glob('*.json')) if is_label_studio(file) and f'"{POINT}"' in read_text(file)]


def read_label_studio(source: Path, options: ReadOptions) -> LabeledProject:
    """Read the tasks of an export; what a model predicted is only read with ``options.predictions``.

    Raises:
        ValueError: not such a file.
    """
    if source.is_dir():
        exports = _exports(source)
        if len(exports) != 1:
            listed = ', '.join(file.name for file in exports) or 'none'
            raise ValueError(f'{source} must have one JSON file of Label Studio, found {listed}: give the file.')
        source = exports[0]
    tasks = read_json(source, 'tasks', REMEDY, expected=list, finite=False)
    notes: List[str] = []
    found: List[Tuple[LabeledImage, List[Tuple[str, List[Region], Dict[str, List[str]]]]]] = []
    predicted = 0
    for number, task in enumerate(tasks):
        if not isinstance(task, dict):
            raise ValueError(f'{source}, task {number}: expected an object, got {task!r:.60}.')
        place = f'task {task.get("id", number)}'
        labelings = list(_labelings(task, place, notes))
        if not labelings:
            guesses = [each for each in task.get('predictions') or [] if isinstance(each, dict)]
            predicted += bool(guesses) and not options.predictions
            labelings = [('', each.get('result')) for each in guesses[-1:]] if options.predictions else []
        image = task_image(task, source.parent)
        if image is None:
            notes.append(f'{place} names no image: left out')
            continue
        people = []
        for person, result in labelings:
            regions = list(_regions(result, f'{place} of {source.name}', notes))
            people.append((person, regions, _relations(result)))
            for region in regions:
                image.width, image.height = region.size
        found.append((image, people))
    if predicted:
        notes.append(
            f'{predicted:,} tasks with predictions only left out: correct them, or take them with --predictions'
        )
    names = list(
        dict.fromkeys(
            region.label for _, people in found for _, regions, _ in people for region in regions if _is_point(region)
        )
    )
    images = []
    for image, people in found:
        for person, regions, relations in people:
            image.instances += _instances(regions, relations, names, person or None)
        images.append(image)
    rectangles = {
        region.label for _, people in found for _, regions, _ in people for region in regions if not _is_point(region)
    }
    category = rectangles.pop() if len(rectangles) == 1 else None
    return LabeledProject('label-studio', names, images, category=category, notes=notes, folders=[source.parent])


def _labelings(task: dict, place: str, notes: List[str]) -> Iterator[Tuple[str, Any]]:
    """Who labeled a task, and the result; of each person the last one, of the reference if there is one."""
    annotations = task.get('annotations', task.get('completions'))
    if annotations is None and 'data' not in task:  # JSON-MIN: lists of values by the name of the control
        result = [
            dict(value=value, id=f'{name}{i}')
            for name, values in task.items()
            if isinstance(values, list)
            for i, value in enumerate(values)
            if isinstance(value, dict)
        ]
        if result:
            yield _person(task.get('annotator')), result
        return
    used = [each for each in annotations or [] if isinstance(each, dict) and not each.get('was_cancelled')]
    reference = [each for each in used if each.get('ground_truth')]
    if reference and len(reference) < len(used):
        notes.append(f'{place}: only the labels marked as ground truth are used')
        used = reference
    latest: Dict[str, dict] = {}
    numbered = {id(each): f'annotation {i}' for i, each in enumerate(used, 1)}
    for each in sorted(used, key=lambda each: str(each.get('updated_at') or each.get('created_at') or '')):
        latest[_person(each.get('completed_by')) or numbered[id(each)]] = each
    for person, each in latest.items():
        if each.get('result'):
            yield person, each['result']


def _person(value: Any) -> str:
    if isinstance(value, dict):
        value = next((value[key] for key in ('email', 'username', 'id') if value.get(key)), '')
    return '' if value is None else str(value)


def _regions(result: Any, place: str, notes: List[str]) -> Iterator[Region]:
    for item in result if isinstance(result, list) else []:
        value = item.get('value') if isinstance(item, dict) else None
        if not isinstance(value, dict):
            continue
        kind = POINT if value.get(POINT) else RECTANGLE if value.get(RECTANGLE) else ''
        kind = kind or ('labels' if value.get('labels') and 'x' in value else '')  # the control <Labels>
        if not kind:
            continue
        size: List[Any] = [item.get(key, value.get(key)) for key in ('original_width', 'original_height')]
        numbers: List[Any] = [value.get(key) for key in ('x', 'y')]
        is_box = kind == RECTANGLE or (kind == 'labels' and item.get('type', '') == 'rectangle')
        numbers += [value.get(key) for key in ('width', 'height')] if is_box else []
        if not all(isinstance(number, (int, float)) and np.isfinite(number) for number in numbers):
            notes.append(f'{place}: {value[kind]} without a position left out')
            continue
        if not all(isinstance(number, (int, float)) and number > 0 for number in size):
            raise ValueError(f'{place}: {value[kind]} has no original_width and original_height: export it as JSON.')
        width, height = int(size[0]), int(size[1])
        turn = int(item.get('image_rotation') or 0) % 360
        yield Region(
            str(item.get('id')),
            item.get('parentID'),
            str(value[kind][0] if isinstance(value[kind], list) else value[kind]),
            _corners(numbers, float(value.get('rotation') or 0), [width, height], turn),
            (width, height),
            bool(isinstance(item.get('meta'), dict) and 'hidden' in str(item['meta'].get('text', '')).lower()),
        )


def _corners(numbers: List[float], rotation: float, size: List[int], turn: int) -> np.ndarray:
    """Positions in pixels of the image as its file has it; Label Studio's are those of the image as it was turned."""
    shown = np.array(size[::-1] if turn in (90, 270) else size, float)
    x, y = np.array(numbers[:2]) / 100 * shown
    corners = np.array([[x, y]])
    if len(numbers) == 4:
        width, height = np.array(numbers[2:]) / 100 * shown
        angle = np.deg2rad(rotation)  # clockwise around the left upper corner
        across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        corners = corners + np.array([0 * across, width * across, width * across + height * down, height * down])
    u, v = (corners / shown).T
    back = {90: (v, 1 - u), 180: (1 - u, 1 - v), 270: (1 - v, u)}
    return np.stack(back.get(turn, (u, v)), axis=1) * size


def _is_point(region: Region) -> bool:
    return len(region.corners) == 1


def _relations(result: Any) -> Dict[str, List[str]]:
    related: Dict[str, List[str]] = {}
    for item in result if isinstance(result, list) else []:
        if isinstance(item, dict) and item.get('type') == 'relation':
            first, second = str(item.get('from_id')), str(item.get('to_id'))
            related.setdefault(first, []).append(second)
            related.setdefault(second, []).append(first)
    return related


def _instances(
    regions: List[Region], relations: Dict[str, List[str]], names: List[str], person: Optional[str]
) -> List[LabeledInstance]:
    """Points belong to the rectangle that they are related to, else whose children they are, else that they lie in."""
    boxes = {region.key: region for region in regions if not _is_point(region)}
    groups: Dict[Optional[str], List[Region]] = {key: [] for key in boxes}
    rest: List[Region] = []
    for point in filter(_is_point, regions):
        owners = [key for key in [*relations.get(point.key, []), point.parent or ''] if key in boxes]
        if owners:
            groups[owners[0]].append(point)
        else:
            rest.append(point)
    loose: List[List[Region]] = []
    for point in rest:
        inside = [key for key, box in boxes.items() if _contains(box, point.corners[0])]
        inside = [key for key in inside if all(other.label != point.label for other in groups[key])]
        if inside:
            groups[min(inside, key=lambda key: np.ptp(boxes[key].corners, axis=0).prod())].append(point)
            continue
        # without a rectangle, the first point that occurs again starts another animal
        if not loose or any(other.label == point.label for other in loose[-1]):
            loose.append([])
        loose[-1].append(point)
    instances = []
    for key, points in [*groups.items(), *((None, points) for points in loose)]:
        keypoints, visible = np.full((len(names), 2), np.nan), np.ones(len(names), bool)
        for point in points:
            keypoints[names.index(point.label)] = point.corners[0]
            visible[names.index(point.label)] = not point.hidden
        corners = boxes[key].corners if key is not None else None
        box = None if corners is None else _box(corners)
        # sleap-io writes rectangles of 100 times the image
        if key is not None and box is not None and (np.array(box[2:]) > 1.5 * np.array(boxes[key].size)).any():
            box = None
        instances.append(LabeledInstance(keypoints, visible, box, labeler=person))
    return instances


def _box(corners: np.ndarray) -> Tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)


def _contains(box: Region, point: np.ndarray) -> bool:
    return bool((box.corners.min(axis=0) <= point).all() and (point <= box.corners.max(axis=0)).all())
