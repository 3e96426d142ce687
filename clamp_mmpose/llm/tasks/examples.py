"""Examples for few-shot prompts: annotations with what is to be answered."""

from functools import lru_cache
from pathlib import Path
from typing import Any, List, NamedTuple, Sequence

import numpy as np

from clamp_mmpose.language.image_facts import ImageFacts, Instance, SceneObject
from clamp_mmpose.utils.files import read_yaml

KEYS = ('captions', 'instances', 'objects')
SIZE = (640, 480)


class Example(NamedTuple):
    """``facts`` have the keypoints that were asked for; ``answer`` is the text about them."""

    facts: ImageFacts
    answer: str


def examples(path: Path, name: str, keypoint_names: Sequence[str]) -> List[Example]:
    """The examples of a prompt that have every keypoint of the data set, with the keypoints in its order.

    Args:
        path: YAML file of examples.
        name: of the prompt, the key of the answer.
        keypoint_names: of the data set.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not what is expected; file and number of the example are named.
    """
    return _examples(path, name, tuple(keypoint_names))


@lru_cache(maxsize=32)
def _examples(path: Path, name: str, keypoint_names: Sequence[str]) -> List[Example]:
    content = read_yaml(path, 'examples', 'correct few_shot of the prompt')
    if not isinstance(content, list):
        raise ValueError(f'examples {path} must be a list, got {content!r:.60}.')
    found = []
    for number, entry in enumerate(content, 1):
        try:
            if set(keypoint_names) <= set.intersection(
                *(set(instance['keypoints']) for instance in entry['instances'])
            ):
                found.append(Example(_facts(entry, number, keypoint_names), _text(entry[name])))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(
                f'example {number} of {path} cannot be read ({type(error).__name__}: {error}); expected '
                f'{", ".join((*KEYS, name))} as in the examples of the package.'
            ) from error
    return found


def _facts(entry: Any, number: int, names: Sequence[str]) -> ImageFacts:
    instances = []
    for instance in entry['instances']:
        points = np.array([instance['keypoints'][name] for name in names], dtype=np.float64).reshape(-1, 3)
        instances.append(
            Instance(
                _text(instance['category']), _box(instance['bbox']), points[:, :2] * SIZE, points[:, 2].astype(int)
            )
        )
    return ImageFacts(
        image=f'example{number}.jpg',
        image_id=f'example{number}',
        size=SIZE,
        keypoint_names=names,
        skeleton_links=(),
        flip_indices=tuple(range(len(names))),
        instances=instances,
        captions=[_text(caption) for caption in entry['captions']],
        objects=[SceneObject(_text(name), _box(box)) for item in entry['objects'] for name, box in item.items()],
    )


def _box(numbers: Any) -> Any:
    if len(numbers) != 4:
        raise ValueError(f'a box has four numbers, got {numbers!r:.60}')
    return tuple(float(number) * length for number, length in zip(numbers, SIZE * 2))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'expected a text, got {value!r:.60}')
    return value.strip()
