from pathlib import Path
from typing import Dict, List, Sequence

from clamp_mmpose.utils.files import atomic_write


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """The lines of a Markdown table, with an empty line before and after."""
    lines = [header, ['---'] * len(header), *rows]
    return ['', *('| ' + ' | '.join(cells) + ' |' for cells in lines), '']


def write_report(folder: Path, lines: Sequence[str], images: Dict[str, str]) -> Path:
    """Write ``report.md``: lines of Markdown, then images of the folder ``images``, given as file name -> caption."""
    shown = [line for name, text in images.items() for line in ('', f'## {text}', '', f'![{text}](images/{name})')]
    atomic_write(folder / 'report.md', ('\n'.join([*lines, *shown]) + '\n').encode())
    return folder / 'report.md'
