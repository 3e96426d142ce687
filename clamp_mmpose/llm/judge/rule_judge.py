"""A judge by rules, without a language model: answers about limbs are held against the keypoints."""

import re
from typing import List, Optional, Tuple

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.pose_facts import Fact, check_text

RIGHT, WRONG, NO_ANSWER, NOT_KNOWN = 'right', 'wrong', 'no answer', 'not known'
YES_NO = re.compile(r'^\W*(?:is|are|was|were|does|do|has|have)\s+(?P<rest>.+?)\s*\?\s*$', re.I | re.S)
LIMB = r'(?P<limb>arm|elbow|hand|wrist|leg|knee|foot)'
WHICH = re.compile(
    rf"^\W*(?:which|what)(?: of (?:the|his|her|their)(?: [\w']+)*?)? {LIMB}s? (?P<rest>.+?)\s*\?\s*$", re.I | re.S
)
ONE_LIMB = re.compile(rf'\b(?:left|right) {LIMB}\b', re.I)
SAYS_YES = re.compile(r'^\W*(?:yes|yeah|correct|true)\b', re.I)
SAYS_NO = re.compile(r'^\W*(?:no|not|nope|false|incorrect)\b(?! (?:one|idea|doubt))', re.I)
SUBJECT = re.compile(r"^\W*(?:it is|it's|they are)\s+", re.I)
PARTS = dict(arm={'elbow', 'hand'}, leg={'knee', 'foot'})  # facts about a hand are about the arm, too
SINGULAR = dict(arms='arm', elbows='elbow', hands='hand', legs='leg', knees='knee', feet='foot', wrist='hand')
SIDES = re.compile(r'\b(left|right|both|neither|none)\b', re.I)


class RuleJudge:
    """Says whether an answer to a question about a limb agrees with the keypoints.

    It reads 'yes' and 'no', a side ('the left one'), and sentences ('The left knee is bent'), in English. Of a longer
    answer only the statements about what is asked count.

    Args:
        facts: of the image that is asked about.
    """

    def __init__(self, facts: ImageFacts):
        self.facts = facts

    def verdict(self, question: str, answer: str) -> str:
        """'right', 'wrong', 'no answer', or 'not known': the keypoints do not tell, or the question is not understood.

        Args:
            question: 'Is the left arm of the person raised?', 'Which knee is bent?'
            answer: of a model.
        """
        yes_no, which, limb = YES_NO.match(question), WHICH.match(question), ONE_LIMB.search(question)
        if yes_no and ' or ' not in question and (SAYS_YES.match(answer) or SAYS_NO.match(answer)):
            true = self._truth(yes_no['rest'])
            if true is None:
                return NOT_KNOWN
            return RIGHT if true == bool(SAYS_YES.match(answer)) else WRONG
        verdict = self._of_statements(question, answer)
        if verdict == NO_ANSWER and which:
            return self._of_sides(which['limb'], which['rest'], answer)
        if verdict == NO_ANSWER and limb:  # 'Raised.', 'It is raised.'
            return self._of_statements(question, f'The {limb[0]} is {SUBJECT.sub("", answer)}')
        return verdict

    def _truth(self, statement: str) -> Optional[bool]:
        found = check_text(f'{statement}.', self.facts)
        if found.contradicted:
            return False
        return True if found.supported and not found.unknown else None

    def _of_statements(self, question: str, answer: str) -> str:
        found = check_text(answer, self.facts)
        if _about(question, found.contradicted):
            return WRONG
        if _about(question, found.supported):
            return RIGHT
        return NOT_KNOWN if _about(question, found.unknown) else NO_ANSWER

    def _of_sides(self, limb: str, rest: str, answer: str) -> str:
        """Of an answer that names sides only."""
        named = [side.lower() for side in SIDES.findall(answer)]
        if not named:
            return NO_ANSWER
        rest = re.sub(r'^are\b', 'is', rest, flags=re.I)
        truths = [self._truth(f'The {side} {limb} {rest}') for side in ('left', 'right')]
        if None in truths:
            return NOT_KNOWN
        says = {'both': [True, True], 'neither': [False, False], 'none': [False, False]}.get(
            named[0], ['left' in named, 'right' in named]
        )
        return RIGHT if says == truths else WRONG


def _about(question: str, found: List[Tuple[str, Fact]]) -> List[Fact]:
    """The facts about a limb that the question names, on its side if it names one."""
    words = {SINGULAR.get(word, word) for word in re.findall(r'[a-z]+', question.lower())}
    asked = words & {'left', 'right'}
    nouns = words.union(*(parts for limb, parts in PARTS.items() if limb in words))
    facts = []
    for _, fact in found:
        *sides, noun = fact.subject.split()
        other_side = len(asked) == 1 and {'left', 'right'} & set(sides) and not asked & set(sides)
        if SINGULAR.get(noun, noun) in nouns and not other_side:
            facts.append(fact)
    return facts
