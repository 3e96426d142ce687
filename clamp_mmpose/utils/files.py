"""Reading JSON and YAML without executing code, and writing files atomically."""

import json
import math
import os
import re
from numbers import Real
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple, Union

from .safe_yaml import parse_yaml

LARGE_EXPONENT = re.compile(r'[eE](?<=[0-9][eE])\+?[0-9]{3}')  # starts with a rare letter, which is searched fast
LONG = 150  # digits; a number that is too large for a float has more than twice as many
STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?(?:NaN|Infinity|\d[\d.eE+-]*))')


def atomic_write(path: Path, content: bytes) -> None:
    """Write to a temporary file, then rename it. Missing folders are created.

    Other processes never see a partial file, and a killed process never leaves one under this name. Devices and pipes
    are written directly.

    Raises:
        OSError: the file cannot be written; it is named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    replaced = path.is_file() or path.is_dir() or not path.exists()
    try:
        if not replaced:  # a rename would replace /dev/null
            path.write_bytes(content)
            return
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:  # which names the temporary file, or none
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Union[str, Path]) -> None:
    """Create the folder of a file that is written after long work, and check that the file can be written.

    Raises:
        OSError: it cannot.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f'{path} is a folder: give the name of a file.')
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(f'{path} cannot be written: its folder or file is read-only.')


def read_json(
    path: Union[str, Path],
    what: str,
    remedy: str,
    object_pairs_hook: Optional[Callable] = None,
    expected: type = object,
    finite: bool = True,
) -> Any:
    """The content of a JSON file.

    Args:
        path: the file.
        what: name of the content in errors: 'annotations', 'predictions'.
        remedy: what to do if the file is missing, for the error.
        object_pairs_hook: as in :func:`json.loads`; it sees keys that occur twice.
        expected: ``dict`` or ``list``.
        finite: refuse NaN, Infinity, and numbers too large for a float; otherwise the caller checks them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is truncated, not JSON, nested too deeply, of another type, has a key twice in one object or
            a number that is not finite.
    """
    path, text = _read_text(path, what, remedy)
    try:
        content = parse_json(text, object_pairs_hook, finite)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{what} {path} cannot be read as JSON ({path.stat().st_size:,} bytes): the file is truncated '
            f'or damaged ({error}); copy or download it again.'
        ) from error
    except ValueError as error:
        raise ValueError(f'{what} {path} cannot be read as JSON: {error}; correct the file.') from error
    if not isinstance(content, expected):
        kind = 'object {...}' if expected is dict else 'array [...]'
        raise ValueError(f'{what} {path} must be a JSON {kind}, got {content!r:.60}.')
    return content


def read_json_lines(path: Union[str, Path], what: str, remedy: str) -> Iterator[Tuple[str, Any]]:
    """The place, for messages, and the value of each line of a JSON Lines file that is not blank.

    Arguments as in :func:`read_json`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is truncated, not JSON, or has a key twice or a number that is not finite.
    """
    path, text = _read_text(path, what, remedy)
    for number, line in enumerate(text.split('\n'), 1):
        if line.strip():
            place = f'{what} {path}, line {number}'
            try:
                yield place, parse_json(line, finite=True)
            except ValueError as error:
                raise ValueError(f'{place} cannot be read as JSON: {error}; correct the line.') from error


def parse_json(text: Union[str, bytes], object_pairs_hook: Optional[Callable] = None, finite: bool = False) -> Any:
    """Like :func:`json.loads`, but skips a byte order mark and refuses keys that occur twice in one object.

    Args:
        text: bytes are UTF-8.
        object_pairs_hook: as in :func:`json.loads`; then keys may occur twice.
        finite: refuse NaN, Infinity, and numbers too large for a float.

    Raises:
        ValueError: not JSON, or refused.
    """
    plain = text.decode('utf-8-sig') if isinstance(text, bytes) else text.lstrip('\ufeff')
    checks: Dict[str, Any] = _number_checks(plain) if finite else {}
    try:
        return json.loads(plain, object_pairs_hook=object_pairs_hook or _unique_keys, **checks)
    except RecursionError:
        raise ValueError('nested too deeply') from None
    except OverflowError:
        _check_finite(plain)
        raise


def _number_checks(text: str) -> Dict[str, Any]:
    """Arguments of :func:`json.loads`; a function for every number takes as long as the rest, and few files need it."""
    checks: Dict[str, Any] = dict(parse_constant=_finite)  # NaN and Infinity
    if LARGE_EXPONENT.search(text):
        checks['parse_float'] = _finite
    if any(text[i : i + LONG].isdigit() for i in range(0, len(text), LONG)):
        checks['parse_int'] = lambda number: int(number) if _finite(number) else 0
    return checks


def _finite(number: str) -> float:
    if not math.isfinite(float(number)):
        raise OverflowError(number)
    return float(number)


def _unique_keys(pairs: List[Tuple[str, Any]]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: Set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f'the key {key!r:.60} occurs twice in one object')
            seen.add(key)
    return content


def _check_finite(text: str) -> None:
    for found in STRING_OR_NUMBER.finditer(text):
        number = found[1]
        if number and not math.isfinite(float(number)):
            line = text.count('\n', 0, found.start()) + 1
            column = found.start() - text.rfind('\n', 0, found.start())
            raise ValueError(f'{number:.20} in line {line}, column {column} is not a finite number')


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
    """The content of a YAML file, see :func:`parse_yaml`.

    Arguments as in :func:`read_json`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not plain YAML.
    """
    path, text = _read_text(path, what, remedy)
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise ValueError(f'{what} {path} cannot be read as YAML: {error}; correct the file.') from error


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, without a byte order mark.

    Raises:
        ValueError: the file is not in UTF-8.
    """
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is not text in UTF-8 ({error}): save it as UTF-8.') from error


def _read_text(path: Union[str, Path], what: str, remedy: str) -> Tuple[Path, str]:
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'{what} {path} not found (looked in {Path.cwd()}): {remedy}.')
    try:
        return path, read_text(path)
    except ValueError as error:
        raise ValueError(f'{what} {error}') from error
