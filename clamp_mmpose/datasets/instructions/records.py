"""Reading LLaVA's records, ``{"id", "image", "conversations": [{"from", "value"}]}``, from JSON or JSONL."""

from pathlib import Path
from typing import Any, Iterator, List, Tuple, Union

from clamp_mmpose.utils.files import parse_json, read_json, read_text

REMEDY = 'check data_root and ann_files; tools/make_texts.py writes such files'


def read_records(path: Union[str, Path]) -> List[dict]:
    """The records of a file, whose fields are checked, but not their conversations.

    Args:
        path: ``.jsonl`` has one record in each line; any other file is a JSON list.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or an entry is not a record; the first one is named.
    """
    path = Path(path)
    records = []
    for place, entry in read_entries(path):
        fault = record_fault(entry)
        if fault:
            raise ValueError(f'{path}, {place}: {fault}.')
        records.append(entry)
    return records


def read_entries(path: Path) -> Iterator[Tuple[str, Any]]:
    """Each entry of a file, with its place there.

    Raises:
        FileNotFoundError, ValueError: as for :func:`read_records`, but entries may be anything.
    """
    if path.suffix.lower() != '.jsonl':
        entries = read_json(path, 'records', REMEDY, expected=list)
        yield from ((f'entry {i}', entry) for i, entry in enumerate(entries))
        return
    if not path.is_file():
        raise FileNotFoundError(f'records {path} not found (looked in {Path.cwd()}): {REMEDY}.')
    # not splitlines, which also splits at characters that JSON may hold inside a text
    for i, line in enumerate(read_text(path).split('\n'), 1):
        if line.strip():
            try:
                yield f'line {i}', parse_json(line, finite=True)
            except ValueError as error:
                raise ValueError(f'records {path}, line {i} cannot be read as JSON: {error}; correct it.') from error


def record_fault(entry: Any) -> str:
    """What is wrong with the fields of a record; '' if nothing is."""
    if not isinstance(entry, dict):
        return f'a record must be an object {{"id", "image", "conversations"}}, got {entry!r:.60}'
    if not isinstance(entry.get('conversations'), list):
        return f'conversations must be a list of turns, got {entry.get("conversations")!r:.60}'
    image = entry.get('image')
    names = image if isinstance(image, list) else [image]
    if image is not None and not all(isinstance(name, str) and name for name in names):
        return f'image must be the name of a file, or a list of names, got {image!r:.60}'
    if isinstance(entry.get('id', ''), (dict, list)):
        return f'id must be a text or a number, got {entry["id"]!r:.60}'
    if not isinstance(entry.get('poses', []), list):
        return f'poses must be a list, got {entry["poses"]!r:.60}'
    return ''


def image_names(entry: dict) -> List[str]:
    """The names of a record's images; [] for a text without any."""
    image = entry.get('image')
    return [] if image is None else list(image) if isinstance(image, list) else [image]
