"""People with 2D keypoints, from the results of a model or from files of them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple, Union
from typing import Counter as Counts

import numpy as np

from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.utils.files import read_json

REMEDY = 'give files of tools/predict.py, or COCO results'


@dataclass(frozen=True, eq=False)
class FoundPerson:
    """A person in an image.

    Attributes:
        name: of the image, without folder and suffix, and a number: 'street_1'.
        keypoint_names: K names.
        keypoints: ``[K, 2]`` pixels of the image.
        scores: ``[K]``.
        box: left, top, right, bottom in pixels of the image.
        image: its path.
        size: (w, h) of the image.
    """

    name: str
    keypoint_names: Sequence[str]
    keypoints: np.ndarray
    scores: np.ndarray
    box: Optional[List[float]] = None
    image: Optional[str] = None
    size: Optional[Tuple[int, int]] = None


def found_people(
    name: str,
    instances: Sequence[dict],
    dataset: Optional[str] = None,
    image: Optional[str] = None,
    size: Optional[Tuple[int, int]] = None,
) -> List[FoundPerson]:
    """The people of an image.

    Args:
        name: of the image.
        instances: each with ``keypoints`` ``[K][2]``, ``keypoint_scores`` ``[K]``, and ``keypoint_names`` unless
            ``dataset`` is given.
        dataset: a registered data set that names the keypoints, such as ``'CocoDataset'``.
        image, size: as in :class:`FoundPerson`.

    Raises:
        ValueError: an instance lacks them, or has other ones.
    """
    known = keypoint_names(dataset) if dataset else None
    people = []
    for i, instance in enumerate(instances, 1):
        names = known or instance.get('keypoint_names')
        if not isinstance(names, list) or not names:
            raise ValueError(f'{name}, person {i}: the keypoints have no names: say whose they are, as CocoDataset.')
        keypoints, scores = (_numbers(instance.get(key)) for key in ('keypoints', 'keypoint_scores'))
        if keypoints.shape != (len(names), 2) or scores.shape != (len(names),):
            raise ValueError(
                f'{name}, person {i}: expected {len(names)} keypoints [x, y] and as many keypoint_scores, got '
                f'{list(keypoints.shape)} and {list(scores.shape)}.'
            )
        box = _numbers(instance.get('bbox')).reshape(-1)  # MMPose has a list of one
        people.append(
            FoundPerson(f'{name}_{i}', names, keypoints, scores, box.tolist() if len(box) == 4 else None, image, size)
        )
    return people


def read_people(path: Union[str, Path], dataset: Optional[str] = None) -> List[FoundPerson]:
    """The people of a file.

    Args:
        path: JSON that ``tools/predict.py`` wrote for an image, or COCO results: ``[{"image_id", "keypoints": [x, y,
            score, ...]}]``.
        dataset: as for :func:`found_people`; for COCO results, default: ``'CocoDataset'``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is another one.
    """
    path = Path(path)
    content = read_json(path, 'keypoints', REMEDY, expected=list)
    if not all(isinstance(entry, dict) and 'keypoints' in entry for entry in content):
        raise ValueError(f'keypoints {path}: expected a list of people with keypoints: {REMEDY}.')
    if not content or 'image_id' not in content[0]:
        return found_people(path.stem, content, dataset)
    seen: Counts[str] = Counter()
    people = []
    for entry in content:
        image, rows = str(entry.get('image_id')), _numbers(entry['keypoints'])
        if rows.ndim != 1 or len(rows) % 3 or not image.replace('-', '').isalnum():
            raise ValueError(f'keypoints {path}: expected image_id and x, y, score of keypoints, got {entry!r:.80}.')
        rows, name = rows.reshape(-1, 3), f'{path.stem}_{image}'
        instance = dict(keypoints=rows[:, :2], keypoint_scores=rows[:, 2])
        (person,) = found_people(name, [instance], dataset or 'CocoDataset')
        seen[name] += 1
        people.append(FoundPerson(f'{name}_{seen[name]}', person.keypoint_names, person.keypoints, person.scores))
    return people


def _numbers(values: Any) -> np.ndarray:
    """An empty array for anything that is not numbers."""
    try:
        array = np.array(values)
    except ValueError:  # rows of different lengths
        return np.zeros(0)
    return array.astype(float) if array.dtype.kind in 'iuf' else np.zeros(0)
