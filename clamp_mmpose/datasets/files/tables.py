import csv
import io
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from clamp_mmpose.utils.files import read_text


def read_rows(path: Path, number: int) -> Iterator[Tuple[str, List[str]]]:
    """The place (for messages) and the words of each line of a text file that is not empty.

    Args:
        number: of words in a line.

    Raises:
        ValueError: a line has another number of words.
    """
    for line, text in enumerate(read_text(path).splitlines(), 1):
        words = text.split()
        if words and len(words) != number:
            raise ValueError(f'{path}, line {line}: expected {number} words, got {text!r:.80}.')
        if words:
            yield f'{path}, line {line}', words


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[Tuple[str, Dict[str, str]]]:
    """The place (for messages) and the values by column of each row of a CSV file with a header.

    Args:
        columns: that the file must have.

    Raises:
        ValueError: a column is missing, or a row is too short.
    """
    # newlines inside quotes are kept, unlike by splitlines
    reader = csv.DictReader(io.StringIO(read_text(path), newline=''))
    try:
        fields = reader.fieldnames or ()
        missing = [column for column in columns if column not in fields]
        if missing:
            raise ValueError(f'{path} has the columns {fields!s:.300}, but lacks {missing}.')
        for row in reader:
            place = f'{path}, line {reader.line_num}'
            if any(row[column] is None for column in columns):
                raise ValueError(f'{place}: expected the columns {fields}, got {list(row.values())!s:.300}.')
            yield place, row
    except csv.Error as error:  # a NUL before Python 3.11, a huge field
        raise ValueError(f'{path}, line {reader.line_num}: {error}.') from error
