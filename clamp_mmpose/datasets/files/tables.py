import csv
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple


def read_rows(path: Path, number: int) -> Iterator[Tuple[str, List[str]]]:
    """The place (for messages) and the words of each line of a text file that is not empty.

    Args:
        number: of words in a line.

    Raises:
        ValueError: a line has another number of words.
    """
    for line, text in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
        words = text.split()
        if words and len(words) != number:
            raise ValueError(f'{path}, line {line}: expected {number} words, got {text!r}.')
        if words:
            yield f'{path}, line {line}', words


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[Tuple[str, Dict[str, str]]]:
    """The place (for messages) and the values by column of each row of a CSV file with a header.

    Args:
        columns: that the file must have.

    Raises:
        ValueError: a column is missing, or a row is too short.
    """
    with path.open(encoding='utf-8-sig', newline='') as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f'{path} has the columns {reader.fieldnames}, but lacks {missing}.')
        for row in reader:
            place = f'{path}, line {reader.line_num}'
            if any(row[column] is None for column in columns):
                raise ValueError(f'{place}: expected the columns {reader.fieldnames}, got {list(row.values())}.')
            yield place, row
