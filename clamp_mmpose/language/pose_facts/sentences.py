import re
from typing import Dict, List, Optional, Sequence

from clamp_mmpose.language.image_facts import ImageFacts

from .counting import counted, names_by_position
from .fact import Verdicts
from .instance_facts import facts_of, judge_all
from .relations import Relation, box_of, relations
from .wording import Choose, capitalized, first_choice, pose_sentences

MOST_DESCRIBED = 6


def image_sentences(facts: ImageFacts, choose: Choose = first_choice, most: int = MOST_DESCRIBED) -> List[str]:
    """How many there are, what they do, the pose of each, how they stand to each other.

    Left and right of a body are the person's own; of 'the person on the left' and 'facing left', the image's.

    Args:
        facts: of one image.
        choose: picks one of several wordings.
        most: so many are described, the largest; the others are only counted.
    """
    verdicts, names, indices = judge_all(facts), names_by_position(facts), described(facts, most)
    sentences = [count_sentence(facts)] if facts.instances else []
    if activity_words(facts.activity):
        sentences.append(activity_sentence(facts))
    for index in indices:
        sentences += pose_sentences(facts_of(verdicts[index]), names[index], choose)
    return [*sentences, *relation_sentences(facts, verdicts, indices)]


def facts_text(facts: ImageFacts) -> str:
    """The sentences of :func:`image_sentences` for the prompt of a language model, those of a person in one line."""
    verdicts, names, indices = judge_all(facts), names_by_position(facts), described(facts)
    lines = [
        count_sentence(facts) if facts.instances else '',
        *(' '.join(pose_sentences(facts_of(verdicts[i]), names[i])) for i in indices),
    ]
    return '\n'.join(line for line in [*lines, ' '.join(relation_sentences(facts, verdicts, indices))] if line)


def described(facts: ImageFacts, most: int = MOST_DESCRIBED) -> List[int]:
    """The largest instances, from left to right."""
    names = names_by_position(facts)
    boxes = {i: box_of(facts.instances[i]) for i in names}
    largest = sorted(names, key=lambda i: -(boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))[:most]
    return sorted(largest, key=lambda i: boxes[i][0] + boxes[i][2])


def count_sentence(facts: ImageFacts) -> str:
    return f'There {"is" if len(facts.instances) == 1 else "are"} {counted_instances(facts)} in the image.'


def counted_instances(facts: ImageFacts) -> str:
    """'two people and one dog'."""
    counts: Dict[str, int] = {}
    for one in facts.instances:
        counts[one.category] = counts.get(one.category, 0) + 1
    words = [counted(number, category) for category, number in counts.items()]
    return words[0] if len(words) == 1 else f'{", ".join(words[:-1])} and {words[-1]}'


def activity_words(activity: Optional[str]) -> str:
    """As it can follow 'is': 'riding a bike'; MPII's 'walking, for exercise (Taylor Code 1)' without code."""
    words = re.sub(r'\([^)]*\)|\S*\d\S*', ' ', activity or '')
    words = ' '.join(words.split()).strip(' .,;')
    words = words[:1].lower() + words[1:]
    first = words.split(' ')[0].strip(',')
    return words if not words or first.endswith('ing') else f'engaged in {words}'


def activity_sentence(facts: ImageFacts) -> str:
    words = activity_words(facts.activity)
    if not facts.instances:
        return f'Somebody is {words}.'
    return f'The {facts.instances[0].category} is {words}.' if len(facts.instances) == 1 else f'They are {words}.'


def relation_sentences(facts: ImageFacts, verdicts: Sequence[Verdicts], indices: Sequence[int]) -> List[str]:
    """Between those that are described; that one is left of another is in their names."""
    names = names_by_position(facts)
    found = []
    for relation in relations(facts, verdicts):
        if relation.first in indices and relation.second in indices:
            sentence = _relation_sentence(relation, names)
            found += [sentence] if sentence else []
    return found


def _relation_sentence(relation: Relation, names: Dict[int, str]) -> Optional[str]:
    first, second = capitalized(names[relation.first]), names[relation.second]
    return {
        'nearer than': f'{first} appears closer to the camera than {second}.',
        'taller than': f'{first} is taller than {second}.',
        'facing': f'{first} and {second} face each other.',
        'close to': f'{first} and {second} are close to each other.',
    }.get(relation.state)
