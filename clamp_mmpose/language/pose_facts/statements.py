"""Statements about limbs in English text."""

import re
from dataclasses import dataclass, replace
from typing import Iterator, List, Sequence, Tuple

from .owners import Owner, OwnerReader
from .phrases import ATTRIBUTES, FILLER, NEGATION, SLIGHTLY, STATES, VERY, WHOSE

SENTENCE_END = re.compile(r'(?<=[.!?])["\')*]*\s+|\n+|;\s+')
NOUNS = {
    'arm': 'arm', 'elbow': 'elbow', 'hand': 'hand', 'wrist': 'hand', 'leg': 'leg', 'knee': 'knee', 'foot': 'foot',
    'feet': 'foot', 'paw': 'leg', 'torso': 'trunk', 'trunk': 'trunk', 'upper body': 'trunk', 'back': 'trunk',
    'body': 'trunk', 'posture': 'trunk', 'head': 'head',
}  # fmt: skip
ARM = ('arm', 'elbow', 'hand')
PAIRS = ('arms', 'hands', 'legs')  # states of both together
PART = re.compile(
    rf'(?P<no>(?:no|without|neither)(?: of {WHOSE})? )?'
    rf'(?:(?P<both>both(?: of)?|each)(?: {WHOSE})? |(?P<one>one|either|an?)(?: of {WHOSE})? |(?P<whose>{WHOSE}) )?'
    rf'(?P<attributes>(?:{ATTRIBUTES},? (?:and |but )?){{0,4}})'
    r'(?P<side>left and (?:the )?right |left |right )?(?P<end>front |fore|back |hind |rear )?'
    r'(?P<noun>upper body|torso|trunk|posture|head|back|body|(?:arm|elbow|hand|wrist|leg|knee|paw)s?|foot|feet)\b'
    r'(?!-|\'| side| language| weight| position| movement| gesture| level| joint| angle)'
)
SINGULAR = re.compile(r' (?:is|has|was|seems|appears)\b')
# what follows is not said to be so
UNCERTAIN = re.compile(r'(?:whether|unless|if(?<!as if)(?<!even if))\b')
NEXT_WORD = re.compile(r"[^\w']+")
JOINT = re.compile(r',? ?(?:and|but)\b|,')


@dataclass(frozen=True)
class Statement:
    """A part of somebody's body is in a state.

    Attributes:
        owner: whose.
        part: 'arm', 'elbow', 'hand', 'leg', 'knee', 'front leg', 'back leg'; without a side 'arms', 'hands', 'legs'
            (both together), 'trunk', 'head', 'person'.
        sides: 'left', 'right', both, or none.
        any_side: one of the sides is enough.
        state: as in :class:`Fact`; also 'leaning', to a side that is not clear.
        negated: the state is denied.
        slightly: it is said to be slight.
    """

    owner: Owner
    part: str
    sides: Tuple[str, ...] = ()
    any_side: bool = False
    state: str = ''
    negated: bool = False
    slightly: bool = False


def read_sentences(text: str, categories: Sequence[str]) -> Iterator[Tuple[str, List[Statement]]]:
    """The sentences of a text with their statements; questions, and what cannot be read, have none.

    Args:
        text: plain English; marks of lists and bold are skipped.
        categories: what instances are called, besides 'person' and its like.
    """
    owners = OwnerReader(categories)
    for sentence in SENTENCE_END.split(text):
        if sentence and sentence.strip():
            statements = _SentenceReader(sentence, owners).read()
            question = sentence.rstrip('"\'*) ').endswith('?')  # says of whom the answer speaks
            yield sentence.strip(), [] if question else statements


class _SentenceReader:
    """Goes through a sentence from left to right; 'they' in the next one are those of whom this one spoke."""

    def __init__(self, sentence: str, owners: OwnerReader):
        text = re.sub(r"n['’]t\b", ' not', sentence.lower()).replace('’', "'")
        text = re.sub(r'\*+|^\s*(?:[-•]|\d+[.)]|(?:answer|a):)\s+', '', text)
        self.text = ' '.join(text.split())
        self.owners = owners
        self.found: List[Statement] = []
        self.sides: Tuple[str, ...] = ()  # of the last limb, for 'with the elbow bent'

    def read(self) -> List[Statement]:
        self.owners.start_sentence()
        place = 0
        while place < len(self.text):
            end, subject = self.owners.match(self.text, place)
            if end:
                place = self._states(self.text, end, [Statement(self.owners.current, 'person')]) if subject else end
                theirs = _part(self.text, end + 3) if not subject and self.text.startswith("'s ", end) else None
                place = theirs.end() if theirs else place
                continue
            if UNCERTAIN.match(self.text, place):
                return self.found
            end = self._parts(place)
            if not end:
                gap = NEXT_WORD.search(self.text, place)
                end = gap.end() if gap else len(self.text)
            place = end
        return self.found

    def _parts(self, place: int) -> int:
        """Parts, such as 'the left arm and both knees', and what is said of them; 0 if none is here."""
        subjects: List[Statement] = []
        part = _part(self.text, place)
        while part:
            subject = self._subject(part)
            subjects.append(subject)
            self._states(part['attributes'], 0, [subject])
            place = part.end()
            part = _part(self.text, place + 5) if self.text.startswith(' and ', place) else None
        if not subjects:
            return 0
        if self.text.startswith(' of ', place):
            end = self.owners.whose(self.text, place + 4)
            if end:
                place = end
                subjects = [replace(subject, owner=self.owners.current) for subject in subjects]
        if SINGULAR.match(self.text, place):  # 'a rope in the right hand and the left hand is ...'
            subjects = subjects[-1:]
        return self._states(self.text, place, subjects)

    def _subject(self, part: 're.Match[str]') -> Statement:
        noun, side = part['noun'], (part['side'] or '').strip()
        name = NOUNS.get(noun) or NOUNS[noun[:-1]]
        plural = noun == 'feet' or noun not in NOUNS
        sides: Tuple[str, ...] = () if name in ('trunk', 'head') else ('left', 'right')
        any_side = bool(sides) and (part['one'] in ('one', 'either') or bool(part['no']))
        if sides and side in ('left', 'right'):
            sides, any_side = (side,), False
            self.sides = sides
        elif sides and not side and not plural and not part['both']:
            if self.sides and not any_side:  # 'their left arm is raised, the elbow bent'
                sides = self.sides
            any_side = len(sides) == 2
        if part['end']:
            name = f'{"front" if part["end"].strip() in ("front", "fore") else "back"} {name}'
        return Statement(self.owners.current, name, sides, any_side, negated=bool(part['no']))

    def _states(self, text: str, place: int, subjects: Sequence[Statement]) -> int:
        """Keep the states that follow, with nothing but auxiliary words between; returns where the last one ends."""
        end, negated, slightly, very = place, False, False, False
        place += text.startswith(' ', place)
        while place < len(text):
            taken = max(self._state(text, place, subject, negated, slightly, very) for subject in subjects)
            if taken:
                end = place = taken
                negated = negated and not JOINT.match(text, place + text.startswith(' ', place))
                slightly = very = False
                place += text.startswith(' ', place)
                continue
            for pattern in (NEGATION, SLIGHTLY, VERY, FILLER):
                word = pattern.match(text, place)
                if word:
                    negated = negated or pattern is NEGATION
                    slightly, very = slightly or pattern is SLIGHTLY, very or pattern is VERY
                    place = word.end()
                    break
            else:
                return end
        return end

    def _state(self, text: str, place: int, subject: Statement, negated: bool, slightly: bool, very: bool) -> int:
        """The end of a state of this subject that begins here, 0 if none does."""
        for part, state, pattern in STATES[subject.part.rpartition(' ')[2]]:
            found = pattern.match(text, place)
            if not found:
                continue
            negated = negated != subject.negated
            if slightly and state == 'bent':
                state, slightly = 'slightly bent', False
            together = part in PAIRS
            sides = () if together or part in ('trunk', 'head', 'person') else subject.sides
            if ' ' in subject.part and not together:  # 'front leg'
                part = subject.part
            # 'not fully straight' and 'one leg is apart' decide nothing
            if not (very and negated) and not (together and len(subject.sides) < 2):
                self.found.append(
                    replace(subject, part=part, sides=sides, state=state, negated=negated, slightly=slightly)
                )
            return found.end()
        return 0


def _part(text: str, place: int):
    """The part of a body that is named here, or None. Bare words are parts only after few words: 'with knee bent'."""
    found = PART.match(text, place)
    if not found or any(found[name] for name in ('no', 'both', 'one', 'whose', 'attributes', 'side')):
        return found
    before = text[max(0, place - 20) : place].rstrip(' ').rpartition(' ')[2]
    if found['noun'] in ('back', 'body', 'head', 'posture') or before in ('upper', 'lower', 'other'):
        return None
    plural = found['noun'].endswith('s') or found['noun'] == 'feet'
    return found if plural or before in ('', 'with', 'and') or before.endswith((',', "'s")) else None
