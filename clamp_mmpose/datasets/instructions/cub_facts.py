"""Facts about the birds of CUB-200-2011: box, parts, and the attributes that annotators saw in each image."""

from pathlib import Path
from typing import Dict, Iterator, List, Tuple

import numpy as np

from clamp_mmpose.datasets.files.images import image_size
from clamp_mmpose.datasets.files.tables import read_rows
from clamp_mmpose.datasets.zero_shot.cub import CUBDataset
from clamp_mmpose.language.image_facts import VISIBLE, ImageFacts, Instance
from clamp_mmpose.language.sides import mirrored_indices
from clamp_mmpose.utils.files import read_text

from .boxes import clipped_box, extent

PROBABLY = 3  # of certainties.txt: 1 not visible, 2 guessing, 3 probably, 4 definitely
LABELS = 'attributes/image_attribute_labels.txt'


def cub_images(dataset: CUBDataset, dropped: Dict[str, int]) -> Iterator[ImageFacts]:
    """The images of the chosen species with their 15 parts as keypoints, and the attributes that annotators were sure
    about ('probably' or 'definitely'); the category is the species.

    Raises:
        FileNotFoundError: ``bounding_boxes.txt``, the folders ``parts`` and ``attributes``, or an image is missing.
        ValueError: a malformed line; it is named.
    """
    numbers = {name: number for _, (number, name) in read_rows(dataset.path('images.txt'), 2)}
    parts = dict(_named(dataset.path('parts', 'parts.txt')))
    names = [name for _, name in sorted(parts.items())]
    boxes = _boxes(dataset.path('bounding_boxes.txt'))
    points = _points(dataset.path('parts', 'part_locs.txt'), len(names))
    attributes = _attributes(dataset.path(LABELS), dict(_named(_attribute_names(dataset))))
    folder = dataset.path('images')
    for sample in dataset.read_samples():
        image = Path(sample['img_path']).relative_to(folder).as_posix()
        number = int(numbers[image])
        located = points.get(number)
        if located is None or not located[:, 2].any():
            dropped['instances without keypoints'] += 1
            dropped['images without instances'] += 1
            continue
        size = image_size(sample['img_path'])
        visibility = np.where(located[:, 2] > 0, VISIBLE, 0)
        box = clipped_box(boxes.get(number, (0, 0, 0, 0)), size) or extent(located[visibility > 0, :2], size)
        bird = Instance(str(dataset.words[sample['labels'][0]]), box, located[:, :2], visibility, number)
        found = tuple(attributes.get(number, ()))
        yield ImageFacts(image, number, size, names, (), mirrored_indices(names), [bird], attributes=found)


def _attribute_names(dataset: CUBDataset) -> Path:
    """``attributes.txt`` is beside the folder in the published archive, and in ``attributes`` in other copies."""
    beside = dataset.path(LABELS).parents[2] / 'attributes.txt'
    return beside if beside.is_file() else dataset.path('attributes', 'attributes.txt')


def _named(path: Path) -> Iterator[Tuple[int, str]]:
    """Number and name of each line, '7 left eye'."""
    for line, text in enumerate(read_text(path).splitlines(), 1):
        number, _, name = text.strip().partition(' ')
        if text.strip():
            if not number.isdigit() or not name.strip():
                raise ValueError(f'{path}, line {line}: expected a number and a name, got {text!r:.80}.')
            yield int(number), name.strip()


def _boxes(path: Path) -> Dict[int, Tuple[float, float, float, float]]:
    boxes = {}
    for place, words in read_rows(path, 5):
        number, x, y, width, height = _numbers(place, words)
        boxes[int(number)] = (x, y, x + width, y + height)
    return boxes


def _points(path: Path, count: int) -> Dict[int, np.ndarray]:
    points: Dict[int, np.ndarray] = {}
    for place, words in read_rows(path, 5):
        number, part, *location = _numbers(place, words)
        if not 1 <= part <= count:
            raise ValueError(f'{place}: expected a part from 1 to {count}, got {words[1]}.')
        points.setdefault(int(number), np.zeros((count, 3)))[int(part) - 1] = location
    return points


def _numbers(place: str, words: List[str]) -> List[float]:
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f'{place}: expected numbers, got {" ".join(words)!r:.80}.') from error


def _attributes(path: Path, names: Dict[int, str]) -> Dict[int, List[str]]:
    """'bill shape: curved (up or down)' of each image that has it; 3.7 million lines, of which one in ten says so.

    Some lines of the published file have a column too many before the last one, the time.
    """
    texts = {str(number): _attribute(name) for number, name in names.items()}
    found: Dict[int, List[str]] = {}
    for line, text in enumerate(read_text(path).splitlines(), 1):
        words = text.split()
        if not words or words[2:3] == ['0']:
            continue
        if len(words) < 4 or words[1] not in texts or words[2] != '1' or not (words[0] + words[3]).isdigit():
            raise ValueError(
                f'{path}, line {line}: expected image, attribute, 0 or 1, certainty and time, got {text!r:.80}.'
            )
        if int(words[3]) >= PROBABLY:
            found.setdefault(int(words[0]), []).append(texts[words[1]])
    return found


def _attribute(name: str) -> str:
    kind, _, value = name.partition('::')
    kind = kind[4:] if kind.startswith('has_') else kind
    return f'{kind}: {value}'.replace('_', ' ') if value else kind.replace('_', ' ')
