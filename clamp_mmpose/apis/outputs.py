"""Names and files of results."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, List, NamedTuple, Sequence, Tuple, Union
from typing import Counter as Counts

import cv2
import numpy as np

from clamp_mmpose.utils.files import atomic_write, to_json


class OutputNames(NamedTuple):
    """Relative paths of the files that are written for an image."""

    json: Path
    image: Path


@dataclass
class ResultFiles:
    """Writes the files of one image; an error is given to ``fail``, once for each image.

    Args:
        path: of the image.
        names: of the files.
        fail: raises the error or keeps it.
    """

    path: str
    names: OutputNames
    fail: Callable[[Exception], None]
    failed: bool = False

    def write_json(self, folder: Union[str, Path], instances: List[dict]) -> None:
        target = Path(folder) / self.names.json
        self._write(lambda: atomic_write(target, to_json(instances, self.path, indent='  ').encode()))

    def write_image(self, folder: Union[str, Path], image: np.ndarray) -> None:
        """Write ``[H, W, 3]`` uint8 RGB."""
        target = Path(folder) / self.names.image

        def write() -> None:
            check_not_input([target], [self.path])
            write_image(target, image)

        self._write(write)

    def _write(self, write: Callable[[], Any]) -> None:
        try:
            write()
        except (OSError, ValueError) as error:
            if not self.failed:
                self.fail(error)
            self.failed = True


def output_names(paths: Sequence[str], names: Sequence[Union[str, Path]]) -> List[OutputNames]:
    """Distinct names of the results of each image; independent of the order of the images.

    ``cat.png`` gives ``cat.json`` and ``cat.png``. Images whose JSON files would have the same name keep their suffix,
    ``gray.png.json`` and ``gray.tif.json``; if these are equal too, they go to subfolders named as the folders that the
    images come from; names that differ only in case get a number. Names are compared without case, as some file
    systems do.

    Args:
        paths: of the images.
        names: their wanted relative paths.
    """
    names = [Path(name) for name in names]
    levels = [0] * len(paths)
    places = [Path(os.path.abspath(path)) for path in paths]
    parents = [place.parent.parts[1:] for place in places]
    # subfolders do not separate names that differ only in case
    same_place = Counter(map(_key, places))
    highest = [1 if same_place[_key(place)] > 1 else 1 + len(parent) for place, parent in zip(places, parents)]
    while True:
        keys = [_key(_names(name, parent, level).json) for name, parent, level in zip(names, parents, levels)]
        counts = Counter(keys)
        risen = [level + (counts[key] > 1 and level < most) for key, level, most in zip(keys, levels, highest)]
        if risen == levels:
            break
        levels = risen
    chosen = [_names(name, parent, level) for name, parent, level in zip(names, parents, levels)]
    return _numbered(chosen, paths)


def check_not_input(targets: Iterable[Path], inputs: Iterable[str]) -> None:
    """Check that no result overwrites an image that was given.

    Raises:
        ValueError: a target is the file of an input.
    """
    files = set(map(os.path.realpath, inputs))
    for path in targets:
        if os.path.realpath(path) in files:
            raise ValueError(f'{path} is an input and would be overwritten: give another output folder.')


def write_image(path: Path, image: np.ndarray) -> None:
    """Write ``[H, W, 3]`` uint8 RGB, atomically, in the format of the suffix.

    Raises:
        ValueError: OpenCV cannot write this format, or not an image of this size.
        OSError: the file cannot be written.
    """
    # OpenCV ends the process at names that are not UTF-8
    if not path.suffix.isascii() or not cv2.haveImageWriter(f'image{path.suffix}'):
        raise ValueError(
            f'{path} cannot be drawn: OpenCV writes no {path.suffix or "files without suffix"}; rename or convert the '
            'input to .png or .jpg, or draw nothing.'
        )
    try:
        done, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(image[..., ::-1]))
    except cv2.error as error:
        done, encoded = False, error
    if not done:
        raise ValueError(f'{path} cannot be drawn: OpenCV cannot write {image.shape[1]}x{image.shape[0]} pixels to it.')
    atomic_write(path, encoded.tobytes())


def _names(name: Path, parent: Tuple[str, ...], level: int) -> OutputNames:
    """Level 0: without the suffix, 1: with it, 2 and more: with one more folder each."""
    if level == 0:
        return OutputNames(name.with_suffix('.json'), name)
    folders = parent[len(parent) - min(level - 1, len(parent)) :] if level > 1 else ()
    name = Path(*folders, name.name) if len(folders) >= len(name.parent.parts) else name
    return OutputNames(name.with_name(f'{name.name}.json'), name)


def _numbered(chosen: List[OutputNames], paths: Sequence[str]) -> List[OutputNames]:
    seen: Counts[str] = Counter()
    result = list(chosen)
    for i in sorted(range(len(paths)), key=lambda i: paths[i]):
        number = seen[_key(chosen[i].json)]
        seen[_key(chosen[i].json)] += 1
        if number:
            image = chosen[i].image
            image = image.with_name(f'{image.name}-{number + 1}{image.suffix}')
            result[i] = OutputNames(image.with_name(f'{image.name}.json'), image)
    return result


def _key(path: Path) -> str:
    return unicodedata.normalize('NFC', str(path)).casefold()
