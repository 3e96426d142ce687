from pathlib import Path
from typing import Union

from clamp_mmpose.utils.files import read_json


def read_annotations(path: Union[str, Path], remedy: str) -> dict:
    """COCO-style annotations.

    Args:
        remedy: what to do when there is no such file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, not JSON, or has no images, annotations and categories.
    """
    annotations = read_json(path, 'annotations', remedy)
    missing = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(annotations, dict) or not isinstance(annotations.get(key), list)
    ]
    if missing:
        raise ValueError(f'{path} is no COCO-style annotation file: it has no list of {", ".join(missing)}.')
    return annotations
