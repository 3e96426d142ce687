from pathlib import Path
from typing import Union

from clamp_mmpose.utils.files import read_json


def read_annotations(path: Union[str, Path], remedy: str, finite: bool = True) -> dict:
    """Read COCO-style annotations.

    Args:
        remedy: what to do if the file does not exist, for the message.
        finite: refuse numbers that are not finite; otherwise the caller checks them.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is truncated, not JSON, or has no images, annotations and categories.
    """
    annotations = read_json(path, 'annotations', remedy, finite=finite)
    missing = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(annotations, dict) or not isinstance(annotations.get(key), list)
    ]
    if missing:
        raise ValueError(f'{path} is not a COCO-style annotation file: it has no list of {", ".join(missing)}.')
    return annotations
