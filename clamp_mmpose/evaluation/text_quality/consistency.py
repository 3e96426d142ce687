"""Whether texts agree with the keypoints of their images."""

from typing import Dict, List, Sequence

import numpy as np

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.pose_facts import check_text

from .scores import Scores, scores_of
from .texts import Text


class KeypointConsistency:
    """Hold the statements of texts about limbs against the keypoints, see :func:`check_text`.

    Args:
        facts: of the images. Those of an image with several entries, for categories of different keypoints, are not
            used. A text finds its image by the file name with folders, or without them if that is enough.
    """

    def __init__(self, facts: Sequence[ImageFacts]):
        self.by_path = _unique([one.image for one in facts], facts)
        self.by_name = _unique([_name(one.image) for one in facts], facts)
        self.example = facts[0].image if facts else 'none'

    def __call__(self, texts: Sequence[Text]) -> Dict[str, Scores]:
        """The percentage of the decided statements that fit, pooled over texts, and the number of them per text.

        Statements about what is not labeled, or between two thresholds, do not count. A text without an image among
        the facts has no value.

        Raises:
            ValueError: no text has one.
        """
        supported, decided = [], []
        for text in texts:
            image = text.image or ''
            facts = self.by_path.get(image) or self.by_name.get(_name(image))
            held = None if facts is None else check_text(text.text, facts)
            supported.append(0 if held is None else len(held.supported))
            decided.append(None if held is None else len(held.supported) + len(held.contradicted))
        if texts and not any(count is not None for count in decided):
            raise ValueError(
                f'no text is about an image of the facts: they name images such as {self.example}, '
                f'the texts such as {texts[0].image}.'
            )
        wholes = np.array([count or 0 for count in decided], np.float64)
        return dict(consistency=Scores(100 * np.array(supported, np.float64), wholes), statements=scores_of(decided))


def _name(image: str) -> str:
    return image.replace('\\', '/').rpartition('/')[2]


def _unique(keys: List[str], facts: Sequence[ImageFacts]) -> Dict[str, ImageFacts]:
    """The facts by the keys that occur once."""
    found: Dict[str, List[ImageFacts]] = {}
    for key, one in zip(keys, facts):
        found.setdefault(key, []).append(one)
    return {key: entries[0] for key, entries in found.items() if len(entries) == 1}
