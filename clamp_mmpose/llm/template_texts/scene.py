import re
from typing import Dict, List, Sequence

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.pose_facts.counting import names_by_position
from clamp_mmpose.language.pose_facts.fact import Fact, Verdicts
from clamp_mmpose.language.pose_facts.instance_facts import facts_of, judge_all
from clamp_mmpose.language.pose_facts.sentences import (
    activity_sentence,
    activity_words,
    count_sentence,
    described,
    relation_sentences,
)
from clamp_mmpose.language.pose_facts.wording import Choose, capitalized
from clamp_mmpose.language.text_leaks import find_leaks


class Scene:
    """What there is to say about an image, worked out once.

    Args:
        facts: of the image; nothing is said of the poses if no keypoint is labeled.
        choose: picks one of several wordings.
        with_keypoints: False: number, activity and captions only.

    Attributes:
        people: indices of those to describe, from left to right.
        names: 'the person on the left', by index.
        poses: facts of each instance, by index; empty without keypoints.
        verdicts: of each instance.
        count, activity, relations, captions: sentences; '' or none if nothing is known.
        doing: the activity alone, 'riding a bike'.
        attributes: as in :class:`ImageFacts`.
        category, number: of the instances; the first one's.
    """

    def __init__(self, facts: ImageFacts, choose: Choose, with_keypoints: bool = True):
        self.choose = choose
        self.names: Dict[int, str] = names_by_position(facts)
        self.people: List[int] = described(facts)
        self.verdicts: Sequence[Verdicts] = (
            judge_all(facts) if with_keypoints else [Verdicts() for _ in facts.instances]
        )
        self.poses: Dict[int, List[Fact]] = {i: facts_of(self.verdicts[i]) for i in self.people}
        self.relations = relation_sentences(facts, self.verdicts, self.people) if with_keypoints else []
        self.category = facts.instances[0].category if facts.instances else 'person'
        self.number = len(facts.instances)
        self.count = count_sentence(facts) if facts.instances else ''
        doing = activity_words(facts.activity)
        self.doing = '' if find_leaks(doing) else doing
        self.activity = activity_sentence(facts) if self.doing and facts.instances else ''
        if self.doing and not facts.instances:
            self.activity = f'Somebody is {self.doing}.'
        self.attributes = facts.attributes
        self.captions = [caption for caption in map(_sentence, facts.captions) if caption]

    @property
    def posed(self) -> List[int]:
        """Those of whom keypoints tell something."""
        return [index for index in self.people if self.poses[index]]


def _sentence(caption: str) -> str:
    """With a capital and a full stop; '' if it has numbers or speaks of annotations."""
    words = ' '.join(caption.split()).rstrip('.')
    return '' if not words or re.search(r'\d', words) or find_leaks(words) else f'{capitalized(words)}.'
