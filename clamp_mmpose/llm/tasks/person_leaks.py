"""Descriptions of a person must not speak of the green and red joints that were drawn for the language model."""

import re
from typing import Dict, List

from .task import leaks_of

COLOR = r'(?:green|red)(?:[ -]?(?:colou?red|marked|highlighted|drawn))?'
WORN = r'(?![ -]?(?:pads?|bands?|bags?|straps?|guards?|braces?|warmers?|sleeves?))'  # 'red knee pads'
JOINTS = r'(?:joints?|limbs?|skeletons?|overlays?|markers?|markings?|marks?|annotations?)'
# what clothes may have, too, but not in these colors by chance where a body is described
BODY = (
    r'(?:lines?|dots?|points?|circles?|arms?|legs?|elbows?|knees?|wrists?|ankles?|shoulders?|hips?|thighs?|shins?|'
    rf'forearms?|sides?)\b{WORN}'
)
BE = r'(?:(?:is|are|was|were) )?(?:drawn |marked |shown |highlighted |colou?red )?(?:in |with |by |as )?(?:the )?'
EVERYWHERE = {
    'color of joints': rf'\b{COLOR},? (?:(?:and|or) {COLOR} )?(?:body )?{JOINTS}\b',
    'joints with a color': rf'\b{JOINTS} {BE}(?:green|red)\b',
    'marks': r'\b(?:drawn|overlaid|highlighted|colou?red) (?:body )?(?:joints?|lines?|marks?|markings?|skeletons?)\b'
    r'|\boverlay\b|\b(?:marked|highlighted|drawn) (?:in|with) (?:green|red|lines?|joints?|colou?rs?)\b',
}
ON_BODIES = {
    'color of the body': rf'\b{COLOR} (?:and {COLOR} )?{BODY}',
    'body with a color': rf'\b{BODY} {BE}(?:green|red)\b',
}
ANY_COLOR = {'color in the pose': r'\b(?:green|red)\b'}


def person_leaks(value: Dict[str, str]) -> List[str]:
    """Where descriptions ``{behavior, shape, outfits, pose, summary}`` speak of marks, keypoints or coordinates.

    Clothes have colors and lines of their own; limbs have not, so that no color may be in the pose.
    """
    found = leaks_of(value.values())
    for aspect, text in value.items():
        patterns = {**EVERYWHERE, **({} if aspect == 'outfits' else ON_BODIES)}
        patterns.update(ANY_COLOR if aspect == 'pose' else {})
        for kind, pattern in patterns.items():
            found += [f'{kind}: {match[0]!r}' for match in re.finditer(pattern, text, re.IGNORECASE)]
    return found
