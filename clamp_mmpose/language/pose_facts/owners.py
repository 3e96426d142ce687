"""Of whom a text speaks: 'the person on the left', 'the second man from the right', 'they'."""

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence

from .counting import NUMBERS, ORDINALS, plural

PERSON_NOUNS = (
    'person', 'individual', 'man', 'woman', 'boy', 'girl', 'child', 'kid', 'adult', 'player', 'athlete', 'skier',
    'rider', 'surfer', 'snowboarder', 'skateboarder', 'batter', 'catcher', 'pitcher', 'umpire', 'dancer', 'runner',
    'figure', 'subject', 'lady', 'guy', 'performer', 'climber', 'cyclist', 'swimmer', 'worker', 'golfer', 'fielder',
    'musician', 'hiker', 'animal',
)  # fmt: skip
SIDE = 'left|right|middle|center|centre'
OF_IMAGE = r'(?: of the (?:image|picture|photo|photograph|frame|scene|group))?'
WHERE = (
    r'(?:,? (?:who is |that is )?(?:located |positioned |placed )?(?:on|at|to|in|from) the (?P<far>far |extreme )?'
    rf'(?P<place>{SIDE})(?:most)?(?:[ -]hand)?(?: side| edge)?{OF_IMAGE}(?! of\b))'
)
START = re.compile(rf'(?:on|to|at|in) the (?:far )?(?P<place>{SIDE})(?: side)?{OF_IMAGE}(?:,| is | there is )')
PRONOUN = re.compile(
    r'(?P<word>they|he|she|both(?= (?:are|have|stand|sit|face))|(?:one|the other|another)(?= (?:is|has|stands|sits)))\b'
)
VERB = re.compile(r" (?:is|are|has|have|appears|seems|stands|sits|kneels|faces|leans|lies|holds|keeps)\b|'s ")
IRREGULAR = dict(man='men', woman='women', child='children')
CLOSE = 0.05  # of the image's width; two centers closer than this have no order


@dataclass(frozen=True)
class Owner:
    """Somebody in a text; without any of these, anybody.

    Attributes:
        place: 'left', 'middle' or 'right'.
        rank: from that side, from 0; None: somewhere there. Without a place, a number whose order is not known.
        every: all of them.
        noun: the category, '' for any.
    """

    place: str = ''
    rank: Optional[int] = None
    every: bool = False
    noun: str = ''


class OwnerReader:
    """Remembers of whom a text spoke last.

    Args:
        categories: what instances are called, besides 'person' and its like.
    """

    def __init__(self, categories: Sequence[str]):
        names = sorted({*PERSON_NOUNS, *map(str.lower, categories)}, key=len, reverse=True)
        self.categories = {name for name in map(str.lower, categories) if name not in PERSON_NOUNS}
        single = '|'.join(map(re.escape, names))
        many = '|'.join(re.escape(IRREGULAR.get(name, plural(name))) for name in names)
        self.single = re.compile(
            r'(?:(?P<article>the|this|that|a|an|one|another|each|every)(?P<other> other)? )?'
            rf'(?:(?P<before>{SIDE})(?P<most>-?most)? |centrally located |(?P<ordinal>{"|".join(ORDINALS)}) )?'
            rf'(?P<noun>{single})\b(?!-)(?: (?P<number>\d{{1,2}})\b(?!\.\d))?{WHERE}?'
        )
        self.plural = re.compile(
            r'(?P<every>both|all|each)?(?: of)?(?: ?the| these| those)?'
            rf'(?: ?(?:{"|".join(NUMBERS)}|other))? ?(?P<noun>{many})\b'
        )
        self.current = Owner()
        self.named = 0  # how many were named by position in this sentence

    def start_sentence(self) -> None:
        if self.named > 1:  # 'they' may be both
            self.current = Owner()
        self.named = 0

    def match(self, text: str, place: int) -> int:
        """The end of words for somebody, 0 if there are none here; ``current`` is who it is."""
        pronoun = PRONOUN.match(text, place)
        if pronoun:
            if pronoun['word'] not in ('they', 'he', 'she'):
                self.current = Owner(every=pronoun['word'] == 'both')
            return pronoun.end()
        start = START.match(text) if place == 0 else None
        if start:
            self._name(Owner(_place(start['place'])), True)
            return start.end()
        found = self.single.match(text, place)
        if found:
            self._single(found, bool(VERB.match(text, found.end())))
            return found.end()
        found = self.plural.match(text, place)
        if found:
            self.current = Owner(every=bool(found['every']))
            return found.end()
        return 0

    def _single(self, found: 're.Match[str]', acts: bool) -> None:
        noun = found['noun'] if found['noun'] in self.categories else ''
        place = _place(found['place'] or found['before'] or '')
        if found['ordinal']:
            self._name(Owner(place, ORDINALS.index(found['ordinal']), noun=noun), acts)
        elif found['number']:
            self._name(Owner('', int(found['number']) - 1, noun=noun), acts)
        elif place:
            self._name(Owner(place, 0 if found['far'] or found['most'] else None, noun=noun), acts)
        elif found['article'] in ('each', 'every'):
            self.current = Owner(every=True, noun=noun)
        elif found['other'] or found['article'] in ('one', 'another') or (noun and noun != self.current.noun):
            self.current = Owner(noun=noun)
        elif found['article'] in (None, 'a', 'an') and not self.named:  # 'on the left, a man ...' is named already
            self.current = Owner()

    def _name(self, owner: Owner, acts: bool) -> None:
        """A second one in a sentence, with no verb after it, leaves open of whom the rest speaks."""
        self.named += 1
        self.current = owner if self.named == 1 or acts else Owner()


def _place(word: str) -> str:
    return 'middle' if word in ('middle', 'center', 'centre') else word


def candidates(owner: Owner, order: Sequence[int], centers: Sequence[float], tolerance: float) -> List[int]:
    """Whom the words may mean: indices of instances.

    Args:
        owner: who is spoken of.
        order: those of the category, from left to right.
        centers: of all instances along x.
        tolerance: two centers closer than this have no order.
    """
    rank = owner.rank
    if (rank is None and not owner.place) or (rank is not None and rank >= len(order)) or not order:
        return list(order)
    if not owner.place:  # 'the first person', 'person 1': in the order of the annotations or from the left
        return sorted({order[rank], sorted(order)[rank]})
    if owner.place == 'middle':
        return list(order[1:-1] or order)
    if rank is None and len(order) > 3:  # 'on the left' of a group
        half = (len(order) + 1) // 2
        return list(order[:half] if owner.place == 'left' else order[-half:])
    chosen = order[rank or 0] if owner.place == 'left' else order[-1 - (rank or 0)]
    return [i for i in order if i == chosen or abs(centers[i] - centers[chosen]) < tolerance]
