"""Numbered lists in the text of a language model."""

import re
from typing import List, Tuple

ITEM = re.compile(r'^[\s*_#>•-]*\(?(\d{1,2})[.):][*_]*\s*(.*)$')


def numbered_items(text: str) -> List[Tuple[int, str]]:
    """Number and text of each item, '1. ...', '**2.** ...' or '- 3) ...'.

    Further lines of an item belong to it, up to an empty line; other lines, such as headings, are skipped.
    """
    items: List[Tuple[int, List[str]]] = []
    inside = False
    for line in text.splitlines():
        found = ITEM.match(line)
        if found:
            items.append((int(found[1]), [found[2]]))
        elif inside and line.strip() and not line.rstrip(' *_').endswith(':'):
            items[-1][1].append(line)
        inside = bool(found) or (inside and bool(line.strip()) and not line.rstrip(' *_').endswith(':'))
    return [(number, ' '.join(' '.join(lines).replace('**', '').split())) for number, lines in items]
