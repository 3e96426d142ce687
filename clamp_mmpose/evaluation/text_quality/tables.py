"""Tables of the quality of texts, in Markdown."""

import math
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from clamp_mmpose.evaluation.bootstrap import Interval
from clamp_mmpose.utils.files import read_yaml

from .assess import FileQuality
from .human_ratings import LEVELS
from .measures import MEASURES

TABLE3 = Path(__file__).with_name('focusclip_table3.yml')
PUBLISHED_ROWS = dict(
    readability='Flesch-Kincaid grade (textstat 0.7.3)',
    grammar_errors='Grammar errors per text',
    mtld='MTLD of all texts joined',
    repetition='"3-gram" repetition (of bigrams)',
    clip_score='CLIPScore (parts of 55 tokens)',
    correctness='Human correctness, %',
    tfidf_cosine='tf-idf cosine between texts',
    shortest='Shortest text, tokens',
    longest='Longest text, tokens',
    length='Mean length, tokens',
    length_std='Standard deviation of length',
)


def published_rows() -> Dict[str, Dict[str, float]]:
    """Table 3 of FocusCLIP: the source of the texts -> its numbers."""
    return read_yaml(TABLE3, 'FocusCLIP, Table 3', 'install the package again')


def quality_table(files: Dict[str, FileQuality], n: int) -> str:
    """A column for each file, and beside them those of FocusCLIP's Table 3, whose arithmetic differs."""
    paper = {f'{name} †': row for name, row in published_rows().items()}
    rows = [['', *files, *paper]]
    for key, measure in MEASURES.items():
        if any(key in quality.values for quality in files.values()):
            title = measure.title.replace('n-grams', f'{n}-grams')
            rows.append(
                [
                    f'{title} ({measure.better} is better)' if measure.better else title,
                    *(_cell(quality.values.get(key)) for quality in files.values()),
                    *(_printed(row, key) for row in paper.values()),
                ]
            )
    counts = [
        [title, *(f'{getattr(quality, key):,}' for quality in files.values()), *([''] * len(paper))]
        for title, key in (('Texts', 'texts'), ('Images', 'images'), ('Texts without words', 'wordless'))
    ]
    notes = ['', '†: FocusCLIP, Table 3. Its arithmetic differs (--published): its MTLD is of all texts joined.']
    return '\n'.join([_table([*rows, *counts]), *notes])


def difference_table(first: str, others: Dict[str, Dict[str, Interval]], images: Dict[str, int]) -> str:
    """What each of the other files has more than the first, on the images of both."""
    rows = [['', *(f'{name} - {first} ({images[name]:,} images)' for name in others)]]
    for key, measure in MEASURES.items():
        if any(key in values for values in others.values()):
            rows.append([measure.title, *(_cell(values.get(key)) for values in others.values())])
    return _table(rows)


def published_table(files: Dict[str, Dict[str, Optional[float]]]) -> str:
    """The published arithmetic of each file, beside FocusCLIP's Table 3."""
    paper = {f'{name} †': row for name, row in published_rows().items()}
    rows = [['', *files, *paper]]
    for key, title in PUBLISHED_ROWS.items():
        if any(values.get(key) is not None for values in files.values()):
            cells = [_number(values.get(key)) for values in [*files.values(), *paper.values()]]
            rows.append([title, *cells])
    return '\n'.join([_table(rows), '', '†: FocusCLIP, Table 3.'])


def levels_table(shares: Dict[str, Dict[str, float]]) -> str:
    """The bars of FocusCLIP's Fig. A2, in percent of the ratings."""
    rows = [[name, *(f'{share:.1f}' for share in row.values())] for name, row in shares.items()]
    return _table([['%', *LEVELS], *rows])


def _table(rows: Sequence[List[str]]) -> str:
    """A Markdown table; the first row is the header."""
    rows = [[cell.replace('|', '\\|') for cell in row] for row in rows]
    rule = ['---', *['---:'] * (len(rows[0]) - 1)]
    widths = [max(len(row[column]) for row in [*rows, rule]) for column in range(len(rows[0]))]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append('| ' + ' | '.join([row[0].ljust(widths[0]), *numbers]) + ' |')
    return '\n'.join(lines)


def _cell(value: Optional[Interval]) -> str:
    return '' if value is None else f'{_number(value.value)} [{_number(value.low)}, {_number(value.high)}]'


def _printed(row: Dict[str, float], key: str) -> str:
    """A number of Table 3 in our units."""
    place = 'mtld' if key == 'mtld_pooled' else None if key == 'mtld' else key
    value = row.get(place) if place else None
    return _number(100 * value if key == 'repetition' and value is not None else value)


def _number(value: Optional[float]) -> str:
    if value is None:
        return ''
    if not math.isfinite(value):
        return 'inf'
    return f'{value:,}' if isinstance(value, int) else f'{value:.2f}'
