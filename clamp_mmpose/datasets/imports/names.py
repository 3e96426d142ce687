"""Names of keypoints as the heads read them, and which of them mirroring exchanges."""

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.language.clean_text import alike, clean_text
from clamp_mmpose.language.keypoint_names import readable_name
from clamp_mmpose.language.sides import find_sides

UNSEEN = re.compile(r'[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\ufeff]')
LONGEST = 100  # characters
# MMEngine replaces {{...}} wherever a config that names keypoints is read, and a crafted one could run code
BRACES = str.maketrans('{}', '()')
# beside a point A, B is not short for 'back'
COUNTING, NOT_COUNTING = (re.compile(rf'(?<![^\W_])[{letters}](?![^\W_])') for letters in ('ACDE', 'BF'))


class Swap(NamedTuple):
    """Two keypoints that mirroring exchanges, and how that is known."""

    first: int
    second: int
    origin: str


def normal_names(names: Sequence[str]) -> List[str]:
    """Readable names, all different: 'L_Ear' -> 'left ear', 'leftear' beside 'rightear' -> 'left ear', '' -> 'point 3'.

    Args:
        names: K, as a tool has them.
    """
    sides = find_sides([_cleaned(name) or '?' for name in names]).flip_indices
    counted = any(COUNTING.search(str(name)) for name in names)
    spelled = [NOT_COUNTING.sub(lambda found: found[0].lower(), str(name)) if counted else name for name in names]
    readable = [_readable(name, i, sides[i] != i) for i, name in enumerate(spelled)]
    doubled = {text for pair in alike(readable) for text in pair}
    # 'L_ear' and 'left ear' of one project: as they are written
    readable = [(_cleaned(name) or text) if text in doubled else text for name, text in zip(names, readable)]
    while alike(readable):
        _, second = alike(readable)[0]
        place = len(readable) - 1 - readable[::-1].index(second)
        readable[place] = f'{second} ({place + 1})'
    return readable


def _readable(name: str, index: int, paired: bool) -> str:
    text = _cleaned(name)
    # alone, beside A and C, they are letters, not 'back' and 'front'
    text = text.lower() if text in ('B', 'F') else readable_name(text)
    if re.fullmatch(r'\d*', text):
        return f'point {text or index + 1}'
    if paired:  # 'leftear' is two words if there is a 'rightear'
        text = re.sub(r'\b(left|right)(?=[^\W\d_])', r'\1 ', text)
    return text


def _cleaned(name: str) -> str:
    text = UNSEEN.sub(' ', str(name).encode('utf-8', 'replace').decode())[:LONGEST]
    try:
        text = clean_text(text)
    except ValueError:  # other invisible characters
        text = ''.join(character for character in text if character.isprintable()).strip()
    return text.translate(BRACES)


def find_swaps(names: Sequence[str], given: Optional[Sequence[Tuple[int, int]]]) -> List[Swap]:
    """The pairs that mirroring exchanges: those of the tool if it has any, else those of the names."""
    if given:
        return [Swap(*sorted(pair), 'the project') for pair in given]
    flips = find_sides(names).flip_indices
    return [Swap(i, j, 'the names') for i, j in enumerate(flips) if i < j]


def order_of(names: Sequence[str], known: Sequence[str]) -> Optional[Dict[int, int]]:
    """Where each of some names is in a list of normal names, None if one is not there; spelling does not matter."""
    places = {}
    for spelled in (list(names), normal_names(names)):
        keys = [name.strip().lower() for name in spelled]
        table = {name.strip().lower(): i for i, name in enumerate(known)}
        if len(set(keys)) == len(keys) and all(key in table for key in keys):
            places = {i: table[key] for i, key in enumerate(keys)}
            return places
    return None
