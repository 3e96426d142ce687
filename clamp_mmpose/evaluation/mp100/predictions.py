"""Files of predicted keypoints: ``{annotation id: [[x, y], ...]}``, pixels of the original image."""

from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple, Union

import numpy as np

from clamp_mmpose.datasets.mp100.annotations import MP100Annotations
from clamp_mmpose.utils.files import atomic_write, read_json, to_json, without_nan

SHOWN = 3


class LoadedPredictions(NamedTuple):
    """``keypoints``: annotation id -> ``[K, 2]``; ``ignored``: number of predictions for dropped annotations."""

    keypoints: Dict[int, np.ndarray]
    ignored: int


def read_predictions(
    path: Union[str, Path],
    annotations: MP100Annotations,
    missing: str = 'error',
) -> LoadedPredictions:
    """Read predictions from a JSON file and check them against the annotations.

    Args:
        missing: ``'error'``: each kept instance needs a prediction; ``'skip'``: others are left out.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not a JSON object; an annotation id is unknown, occurs twice or is missing; a prediction
            is not K finite (x, y).
    """
    content = read_json(
        path, 'predictions', 'give a JSON file {annotation id: [[x, y], ...]}', object_pairs_hook=list, finite=False
    )
    if not isinstance(content, list) or not all(isinstance(entry, tuple) for entry in content):
        raise ValueError(
            f'predictions {path} must be one JSON object {{annotation id: [[x, y], ...]}}, not {content!s:.60}.'
        )
    try:
        return _check(content, annotations, missing)
    except ValueError as error:
        raise ValueError(f'predictions {path}: {error}') from error


def write_predictions(path: Union[str, Path], predictions: Mapping[int, np.ndarray]) -> None:
    """Write ``[K, 2]`` by annotation id to a JSON file, atomically; coordinates that are not finite become null."""
    content = {int(number): np.asarray(keypoints, np.float64).tolist() for number, keypoints in predictions.items()}
    atomic_write(Path(path), to_json(without_nan(content), 'predictions').encode())


def _check(entries: List[Tuple[str, Any]], annotations: MP100Annotations, missing: str) -> LoadedPredictions:
    instances = {instance.id: instance for instance in annotations.instances}
    dropped = set(annotations.dropped)
    keypoints: Dict[int, np.ndarray] = {}
    unknown = []
    ignored = 0
    for key, value in entries:
        try:
            number = int(key)
        except ValueError:
            raise ValueError(f'{key!r} is not an annotation id.') from None
        if number in keypoints:
            raise ValueError(f'annotation {number} occurs twice.')
        if number in dropped:
            ignored += 1
        elif number not in instances:
            unknown.append(number)
        else:
            category = annotations.categories[instances[number].category_id]
            keypoints[number] = _points(value, number, category.slug, category.num_keypoints)
    if unknown:
        raise ValueError(
            f'{len(unknown):,} annotation ids are not in {annotations.path}, such as '
            f'{_first(unknown)}; are these the predictions of another split?'
        )
    absent = [number for number in instances if number not in keypoints]
    if absent and missing == 'error':
        raise ValueError(
            f'{len(absent):,} of {len(instances):,} annotations have no prediction, such as '
            f'{_first(absent)}; --missing skip leaves them out.'
        )
    return LoadedPredictions(keypoints, ignored)


def _points(value: Any, number: int, category: str, num_keypoints: int) -> np.ndarray:
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise ValueError(f'annotation {number} must have a list of [x, y], not {value!r:.60}.')
    if len(value) != num_keypoints:
        raise ValueError(f'annotation {number} ({category}) has {num_keypoints} keypoints, {len(value)} are predicted.')
    try:
        points = np.array(value)
    except ValueError:  # lists among the numbers
        points = np.array(None)
    if points.dtype.kind not in 'iuf' or not np.isfinite(points).all():
        raise ValueError(f'annotation {number} has predictions that are not finite numbers: {value!r:.80}.')
    return points.astype(np.float64)


def _first(numbers: List[int]) -> str:
    return ', '.join(map(str, numbers[:SHOWN]))
