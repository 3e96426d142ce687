"""Indirect descriptions of a pose, by rules, in the form that ChatPose's Table 4 asks for."""

from typing import Any, List

from clamp_mmpose.language.pose_facts.activities import activities
from clamp_mmpose.language.pose_facts.wording import Choose, named_clause, pose_sentences

NUMBER = 5
WHO = 'this person'
PATTERNS = (
    'This person is {}.',
    'This person seems to be {}.',
    'This person might be {}.',
    'This person looks like somebody who is {}.',
    'This person is probably {}.',
)
ANYTHING = ('holding a pose', 'posing for a statue', 'taking part in a pantomime', 'modeling for a painter', 'dancing')


def write_speculative(facts: Any, choose: Choose) -> str:
    """Four answers and five descriptions: by activities, then in other words, then by what is plainly seen.

    Args:
        facts: with the ``facts`` of a posed body.
        choose: picks one of several wordings.
    """
    known = activities(facts.facts)
    yoga = next((text for text in known if 'yoga' in text), None)
    others = [text for text in known if text != yoga][:3]
    answers = [
        f'The individual is possibly {yoga}.' if yoga else 'The pose resembles no yoga pose that is known here.',
        *(f'The individual could be {text}.' for text in others),
        *['Nothing else follows from the pose.'] * (3 - len(others)),
    ]
    sentences = [choose(PATTERNS).format(text) for text in known]
    sentences += [pattern.format(text) for pattern in PATTERNS for text in known]
    seen = pose_sentences(facts.facts, WHO, choose)
    sentences += [*seen[:1], *(named_clause(clause, WHO) for clause in seen[1:])]
    sentences += [PATTERNS[0].format(text) for text in ANYTHING]
    different = list(dict.fromkeys(sentences))[:NUMBER]
    return '\n'.join(['Answer to the questions:', *_numbered(answers), '', 'Pose descriptions:', *_numbered(different)])


def _numbered(texts: List[str]) -> List[str]:
    return [f'{number}. {text}' for number, text in enumerate(texts, 1)]
