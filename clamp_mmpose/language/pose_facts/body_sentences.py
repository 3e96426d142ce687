import random
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .body_facts import body_facts
from .fact import Fact
from .person_frame import CAMERA_UP
from .wording import first_choice, pose_sentences

WHO = ('the person', 'someone', 'this person')
PARTS = ('body', 'arms', 'legs')
# how the sentences after the first name a part: of one side, of both
OWNERS = (('Their', 'Both of their'), ('The', 'Both'), ("The person's", "Both of the person's"))


def body_sentences(
    joints: np.ndarray,
    names: Sequence[str],
    rng: Optional[random.Random] = None,
    up: Optional[Sequence[float]] = CAMERA_UP,
) -> List[str]:
    """A plain description of a pose in 3D, in the manner of PoseScript (Delmas et al., ECCV 2022), by rules.

    Args:
        joints, names, up: as in :func:`body_facts`.
        rng: draws the wording and the order of the parts; None: always the first.
    """
    return sentences_of(body_facts(joints, names, up), rng)


def sentences_of(facts: Sequence[Fact], rng: Optional[random.Random] = None) -> List[str]:
    """The same, of facts that are known already."""
    if rng is None:
        return pose_sentences(facts, WHO[0], first_choice, PARTS)
    order = rng.sample(PARTS, len(PARTS))
    chosen: Dict[Tuple[str, ...], str] = {}

    def choose(options: Sequence[str]) -> str:
        """The same words for both sides."""
        return chosen.setdefault(tuple(options), rng.choice(options))

    first, *others = pose_sentences(facts, rng.choice(WHO), choose, order) or ['']
    one, both = rng.choice(OWNERS)
    named = [f'{both}{text[13:]}' if text.startswith('Both of their') else f'{one}{text[5:]}' for text in others]
    return [first, *named] if first else []
