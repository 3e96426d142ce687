"""Texts about an image must not speak of the annotations they were written from."""

import re
from typing import List, NamedTuple

NUMBER = r'-?\d{1,9}(?:\.\d{1,9})?'  # bounded: a model may repeat a digit without end
# 'the key points of the game' is no leak; 'key points show' and 'from their key points' are
SOURCE = r'(?:from|by|based on|according to|labell?ed|human|body|pose)'
EVIDENCE = (
    r'(?:are|show|suggest|indicate|reveal|imply|place|mark|confirm|of (?:the|his|her|their) (?:body|pose|skeleton))'
)
LEAKS = {
    'keypoint': r'key-?points?\b',
    'key points': rf'key points? {EVIDENCE}|{SOURCE} (?:\w+ )?key points?\b',
    # 'coordinates his arms' and 'to coordinate' are movements
    'coordinate': r'(?<!to )\bcoordinates?\b(?! (?:his|her|its|their|with|movements?)\b)',
    'bounding box': r'bounding[ -]?box(?:es)?\b|\bbbox(?:es)?\b',
    'caption': r'\bcaptions?\b|\bcaptioned\b',
    'visibility': r'\bvisibility(?: (?:value|flag|score|label)s?)?(?: of| is|:|=)? ?[012]\b',
    'pixels': rf'{NUMBER} ?(?:px|pixels?)\b',
    'list of numbers': rf'[\[(]\s*{NUMBER}(?:\s*,\s*{NUMBER})+\s*[\])]',
    'assignment': rf'\b[xyXY][12]?\s*[=:]\s*{NUMBER}',
    # an amount of 0.5 may be harmless, but positions look the same
    'number from 0 to 1': r'(?<![\w.,])(?:0?\.\d+|1\.0+)(?![\w%]|\.\d)',
}
PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in LEAKS.items()}


class Leak(NamedTuple):
    """``kind`` is a key of ``LEAKS``; ``text`` is what was found."""

    kind: str
    text: str


def find_leaks(text: str) -> List[Leak]:
    """Where a text names keypoints, coordinates, bounding boxes or captions, or gives their numbers.

    Counts such as 'two people', '2 people' or '2.5 meters' are not leaks.
    """
    return [Leak(kind, found[0]) for kind, pattern in PATTERNS.items() for found in pattern.finditer(text)]
