"""Of whom a text speaks: 'the person on the left', 'the second man from the right', 'they'."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import FrozenSet, List, Optional, Sequence, Tuple

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
START = re.compile(
    rf'(?:on|to|at|in|towards?) the (?:far |extreme )?(?P<place>{SIDE})(?: side)?{OF_IMAGE}(?:,| is | there is )'
)
PRONOUN = re.compile(
    r'(?P<word>they|he|she|both(?= (?:are|have|stand|sit|face))|(?:one|the other|another)(?= (?:is|has|stands|sits)))\b'
)
VERB = re.compile(r' (?:is|are|has|have|appears|seems|stands|sits|kneels|faces|leans|lies|holds|keeps)\b')
# before an object: 'toward the person on the right'
OBJECT = re.compile(
    r'\b(?:to|towards?|than|from|by|with|behind|beside|near|at|of|over|for|on|against|between|past|around|through|like|'
    r'under|above|below|after|before|opposite|(?:fac|watch|hold|help|carry|touch|embrac|hugg?|follow)(?:e?s|e|ing)?) $'
)
# after 'the person', which is then somebody new
QUALIFIED = re.compile(
    r' (?:closest|nearest|in|behind|with|wearing|holding|who|whose|near|next|at|to|on|from|sitting|standing|facing|'
    r'farther|further)\b'
)
SOMEBODY = ('person', 'individual', 'figure', 'subject')  # may be a man spoken of before
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
        names = {name for name in map(str.lower, categories) if name.strip()}
        people = 'person' if 'person' in names else ''
        self.categories = {**dict.fromkeys(PERSON_NOUNS, people), 'animal': '', **{name: name for name in names}}
        self.plurals = {_plural(name): category for name, category in self.categories.items()}
        self.single, self.plural = _patterns(frozenset(self.categories))
        self.current = Owner()
        self.named = 0  # how many were subjects in this sentence
        self.noun = ''  # of the last one
        self.located = False  # by 'on the left, '

    def start_sentence(self) -> None:
        if self.named > 1:  # 'they' may be both
            self.current = Owner()
        self.named = 0

    def match(self, text: str, place: int) -> Tuple[int, bool]:
        """The end of words for somebody, 0 if there are none here, and whether they are a subject.

        Then ``current`` is who it is; an object leaves it as it was.
        """
        pronoun = PRONOUN.match(text, place)
        if pronoun:
            if pronoun['word'] not in ('they', 'he', 'she'):
                self.current = Owner(every=pronoun['word'] == 'both')
            return pronoun.end(), True
        start = START.match(text) if place == 0 else None
        if start:
            self._take(Owner(_place(start['place'])))
            self.located = True
            return start.end(), False
        found = self.single.match(text, place)
        owner = self._single(found) if found else None
        if not found:
            found = self.plural.match(text, place)
            owner = Owner(every=bool(found['every']), noun=self.plurals[found['noun']]) if found else None
        if not found:
            return 0, False
        subject = bool(VERB.match(text, found.end()) or not OBJECT.search(text[max(0, place - 12) : place]))
        if subject and owner:
            self._take(owner)
        if subject:
            self.noun = found['noun']
        return found.end(), subject

    def whose(self, text: str, place: int) -> int:
        """As :meth:`match`, after 'the left arm of'."""
        found = self.single.match(text, place)
        owner = self._single(found) if found else None
        if owner:
            self._take(owner)
        return found.end() if found else 0

    def _take(self, owner: Owner) -> None:
        self.named += 1
        self.current = owner

    def _single(self, found: 're.Match[str]') -> Optional[Owner]:
        """None: the one spoken of last, 'the person'."""
        noun = self.categories[found['noun']]
        place = _place(found['place'] or found['before'] or '')
        if found['ordinal']:
            return Owner(place, ORDINALS.index(found['ordinal']), noun=noun)
        if found['number']:
            return Owner('', int(found['number']) - 1, noun=noun)
        if place:
            return Owner(place, 0 if found['far'] or found['most'] else None, noun=noun)
        if found['article'] in ('each', 'every'):
            return Owner(every=True, noun=noun)
        located, self.located = self.located, False
        if located and found['article'] in (None, 'a', 'an'):  # 'on the left, a man ...'
            return None
        same = found['noun'] in (self.noun, *SOMEBODY)
        known = found['article'] in ('the', 'this', 'that') and not found['other'] and same
        return None if known and not QUALIFIED.match(found.string, found.end()) else Owner(noun=noun)


@lru_cache(maxsize=64)
def _patterns(nouns: FrozenSet[str]) -> Tuple['re.Pattern[str]', 're.Pattern[str]']:
    """One of them, and several."""
    names = sorted(nouns, key=len, reverse=True)
    single = '|'.join(map(re.escape, names))
    many = '|'.join(re.escape(_plural(name)) for name in names)
    return (
        re.compile(
            r'(?:(?P<article>the|this|that|a|an|one|another|each|every)(?P<other> other)? )?'
            rf'(?:(?P<before>{SIDE})(?P<most>-?most)? |centrally located |(?P<ordinal>{"|".join(ORDINALS)}) )?'
            rf'(?P<noun>{single})\b(?!-)(?: (?P<number>\d{{1,2}})\b(?!\.\d))?{WHERE}?'
        ),
        re.compile(
            r'(?P<every>both|all|each)?(?: of)?(?: ?the| these| those)?'
            rf'(?: ?(?:{"|".join(NUMBERS)}|other))? ?(?P<noun>{many})\b'
        ),
    )


def _plural(name: str) -> str:
    return IRREGULAR.get(name, plural(name))


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
