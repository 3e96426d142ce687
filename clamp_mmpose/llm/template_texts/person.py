"""One person of an image by behavior, shape, outfits and pose, and in one sentence, by rules (ChatPose, Table 5)."""

import json
from typing import Any, List

from clamp_mmpose.language.attribute_sentence import grouped
from clamp_mmpose.language.pose_facts.wording import Choose, pose_sentences

from .scene import Scene

UNKNOWN = 'The {} of the person cannot be told.'
WHO = 'the person'
MOST_WORDS = 29


def write_aspects(facts: Any, choose: Choose) -> str:
    """JSON of the four aspects; shape and outfits only as the image's attributes say, 'outfits: a red shirt'."""
    scene = Scene(facts.image, choose)
    sentences = pose_sentences(scene.poses[0], WHO, choose)
    said = grouped(scene.attributes)
    aspects = dict(
        behavior=scene.activity or (sentences[0] if sentences else UNKNOWN.format('behavior')),
        shape=_attribute(said.get('shape', []), 'is'),
        outfits=_attribute(said.get('outfits', []), 'wears'),
        pose=' '.join(sentences[:8]) or UNKNOWN.format('pose'),
    )
    for aspect in ('shape', 'outfits'):
        aspects[aspect] = aspects[aspect] or UNKNOWN.format(aspect)
    return json.dumps(aspects, allow_nan=False)


def write_summary(facts: Any, choose: Choose) -> str:
    """Outfits, behavior, then as many parts of the pose as fit into 29 words."""
    told = facts.descriptions
    parts = [told[aspect] for aspect in ('outfits', 'behavior') if 'cannot be told' not in told[aspect]]
    parts += [f'{part.rstrip(".")}.' for part in told['pose'].split('. ')]
    summary: List[str] = []
    for part in dict.fromkeys(parts):
        if len(' '.join([*summary, part]).split()) <= MOST_WORDS:
            summary.append(part)
    return ' '.join(summary) or 'The person in the image.'


def _attribute(values: List[str], verb: str) -> str:
    return f'The person {verb} {" and ".join(values)}.' if values else ''
