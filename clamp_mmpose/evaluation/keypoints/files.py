"""Files of scored instances, from which every table can be made again."""

from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

import numpy as np

from clamp_mmpose.utils.files import atomic_write, read_json, to_json, without_nan

from .scored_instance import KeypointCategory, ScoredInstance

ARRAYS = ('labels', 'keypoints', 'scores')


def write_scored_instances(path: Union[str, Path], instances: Sequence[ScoredInstance]) -> None:
    """Write a JSON file, atomically: ``categories`` by name, and a list of ``instances``.

    Each instance has the fields of :class:`ScoredInstance`, ``category`` by its name, and ``errors``; what is not
    labeled is null.
    """
    categories = {one.category.name: one.category._asdict() for one in instances}
    entries = [
        dict(
            id=one.id,
            image_id=one.image_id,
            image=one.image,
            category=one.category.name,
            box=list(one.box),
            errors=one.errors.tolist(),
            **{name: getattr(one, name).tolist() for name in ARRAYS},
        )
        for one in instances
    ]
    content = dict(categories=categories, instances=entries)
    atomic_write(Path(path), to_json(without_nan(content), 'scored instances').encode())


def read_scored_instances(path: Union[str, Path]) -> List[ScoredInstance]:
    """What :func:`write_scored_instances` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is another file.
    """
    content = read_json(path, 'scored instances', 'write it by PCKTable(outfile=...)', expected=dict)
    try:
        categories: Dict[str, KeypointCategory] = {
            name: KeypointCategory(
                entry['name'],
                tuple(entry['keypoint_names']),
                tuple(entry['flip_indices']),
                tuple((start, end) for start, end in entry['links']),
            )
            for name, entry in content['categories'].items()
        }
        return [_instance(entry, categories) for entry in content['instances']]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f'scored instances {path} were not written by PCKTable ({error!r}); write them again.'
        ) from error


def _instance(entry: Dict[str, Any], categories: Dict[str, KeypointCategory]) -> ScoredInstance:
    arrays = {name: np.array(entry[name], np.float64) for name in ARRAYS}  # null becomes NaN
    category = categories[entry['category']]
    number = len(category.keypoint_names)
    expected = dict(labels=(number, 2), keypoints=(number, 2), scores=(number,))
    if any(arrays[name].shape != shape for name, shape in expected.items()) or len(entry['box']) != 4:
        raise ValueError(f'annotation {entry["id"]} does not have {number} keypoints and a box')
    return ScoredInstance(
        entry['id'], entry['image_id'], entry['image'], category, tuple(map(float, entry['box'])), **arrays
    )
