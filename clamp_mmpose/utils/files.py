"""Reading JSON and YAML without executing code, and writing files atomically."""

import json
import math
import os
from numbers import Real
from pathlib import Path
from typing import Any, Callable, Optional, Union

import yaml


def atomic_write(path: Path, content: bytes) -> None:
    """Write to a temporary file, then rename it. Missing folders are created.

    Other processes never see a partial file, and a killed process never leaves one under this name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Union[str, Path], what: str, remedy: str, object_pairs_hook: Optional[Callable] = None) -> Any:
    """The content of a JSON file.

    Args:
        path: the file.
        what: name of the content in errors: 'annotations', 'predictions'.
        remedy: what to do if the file is missing, for the error.
        object_pairs_hook: as in :func:`json.loads`; it sees keys that occur twice.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, not JSON, or nested too deeply.
    """
    path, text = _read_text(path, what, remedy)
    try:
        return parse_json(text, object_pairs_hook)
    except ValueError as error:
        raise ValueError(
            f'{what} {path} cannot be read as JSON ({path.stat().st_size:,} bytes): the file is truncated '
            f'or damaged ({error}); copy or download it again.'
        ) from error


def parse_json(text: Union[str, bytes], object_pairs_hook: Optional[Callable] = None) -> Any:
    """Like :func:`json.loads`, but skips a byte order mark.

    Raises:
        ValueError: not JSON, or nested too deeply.
    """
    try:
        text = text.decode('utf-8-sig') if isinstance(text, bytes) else text.lstrip('\ufeff')
        return json.loads(text, object_pairs_hook=object_pairs_hook)
    except RecursionError:
        raise ValueError('nested too deeply') from None


def to_json(content: Any, what: str, indent: Union[int, str, None] = None) -> str:
    """Like :func:`json.dumps`, for NumPy's numbers and arrays too; NaN and infinity, which are not JSON, are refused.

    Args:
        what: name of the content in errors.

    Raises:
        ValueError: a number is not finite; the message says where.
    """
    try:
        return json.dumps(content, indent=indent, allow_nan=False, default=_plain)
    except ValueError:
        place = _not_finite(content)
        if place is None:
            raise
        raise ValueError(f'{what} cannot be written as JSON: {place} is not a finite number.') from None


def without_nan(content: Any) -> Any:
    """A copy of nested lists and dicts in which numbers that are not finite are None, for scores that do not exist."""
    if isinstance(content, dict):
        return {key: without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [without_nan(value) for value in content]
    return None if isinstance(content, Real) and not math.isfinite(content) else content


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise TypeError(f'{type(value).__name__} cannot be written as JSON.')


def _not_finite(content: Any, place: str = '') -> Optional[str]:
    """Where the first number that is not finite is, such as ``[3].keypoints[0]``."""
    content = content.tolist() if hasattr(content, 'tolist') else content
    if isinstance(content, dict):
        entries = [(f'{place}.{key}'.lstrip('.'), value) for key, value in content.items()]
    elif isinstance(content, (list, tuple)):
        entries = [(f'{place}[{i}]', value) for i, value in enumerate(content)]
    else:
        return place if isinstance(content, float) and not math.isfinite(content) else None
    return next((found for key, value in entries for found in [_not_finite(value, key)] if found), None)


def read_yaml(path: Union[str, Path], what: str, remedy: str) -> Any:
    """The content of a YAML file; tags that create Python objects are refused.

    Arguments as in :func:`read_json`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not plain YAML.
    """
    path, text = _read_text(path, what, remedy)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(
            f'{what} {path} cannot be read as YAML: {" ".join(str(error).split())}; correct the file.'
        ) from error


def _read_text(path: Union[str, Path], what: str, remedy: str) -> tuple:
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'{what} {path} not found (looked in {Path.cwd()}): {remedy}.')
    try:
        return path, path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{what} {path} is not text in UTF-8 ({error}): save it as UTF-8.') from error
