"""Files with one JSON object per line."""

from pathlib import Path
from typing import Iterator, Sequence, Tuple, Union

from clamp_mmpose.utils.files import atomic_write, parse_json, read_text, to_json


def read_lines(path: Union[str, Path], what: str, remedy: str) -> Iterator[Tuple[str, dict]]:
    """Place, such as 'answers a.jsonl line 3', and object of each line that is not empty.

    Args:
        path: the file.
        what: name of the content in errors.
        remedy: what to do if the file is missing.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not a JSON object; it is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{what} {path} not found (looked in {Path.cwd()}): {remedy}.')
    for number, text in enumerate(read_text(path).split('\n'), 1):
        if not text.strip():
            continue
        place = f'{what} {path} line {number}'
        try:
            line = parse_json(text, finite=True)
        except ValueError as error:
            raise ValueError(f'{place} is not JSON ({error}): correct the line.') from error
        if not isinstance(line, dict):
            raise ValueError(f'{place} must be a JSON object {{...}}, got {line!r:.60}.')
        yield place, line


def text_of(line: dict, key: str, place: str) -> str:
    """A text of a line.

    Raises:
        ValueError: it is absent, or not a text.
    """
    if not isinstance(line.get(key), str):
        raise ValueError(f'{place}: expected a text under {key!r}, got {line.get(key)!r:.40}.')
    return line[key].encode('utf-8', 'replace').decode()  # half of a character pair, which JSON may hold, is no text


def write_lines(path: Union[str, Path], lines: Sequence[dict]) -> None:
    """Write the file whole."""
    atomic_write(Path(path), ''.join(to_json(line, str(path)) + '\n' for line in lines).encode())
