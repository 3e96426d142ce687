import csv
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple


def read_rows(path: Path, number: int) -> Iterator[Tuple[str, List[str]]]:
    """From each line of a text file that is not empty: where it is, for messages, and its words.

    Raises:
        ValueError: a line with another number of words.
    """
    for line, text in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
        words = text.split()
        if words and len(words) != number:
            raise ValueError(f'{path}, line {line}: expected {number} words, got {text!r}.')
        if words:
            yield f'{path}, line {line}', words


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[Tuple[str, Dict[str, str]]]:
    """From each row of a CSV file with a header: where it is, for messages, and its values by column.

    Raises:
        ValueError: columns that are not there, a row without them all.
    """
    with path.open(encoding='utf-8-sig', newline='') as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f'{path} has the columns {reader.fieldnames}, without {missing}.')
        for row in reader:
            place = f'{path}, line {reader.line_num}'
            if any(row[column] is None for column in columns):
                raise ValueError(f'{place}: expected the columns {reader.fieldnames}, got {list(row.values())}.')
            yield place, row
