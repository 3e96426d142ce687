"""What the tables of a report say, in a few sentences."""

from typing import Dict, Iterator, List, Optional, Sequence

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval
from clamp_mmpose.evaluation.keypoints.pck import KeypointRow, SideRow
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance

from .confidence import Confidence

FEW = 50  # images
GOOD = 0.95  # PCK
EXCHANGED = 0.02  # share of left and right keypoints
WORSE = 0.05  # PCK
UNRELIABLE = 0.15  # calibration error


def findings(
    instances: Sequence[ScoredInstance],
    pck: Interval,
    keypoints: Dict[str, List[KeypointRow]],
    sides: Dict[str, List[SideRow]],
    confidence: Confidence,
    without_boxes: Optional[Interval],
) -> Iterator[str]:
    """Sentences on what to look at.

    Args:
        instances: with labels.
        pck: over all of them, at the threshold of the rows.
        keypoints, sides: rows by category; ``pck[0]`` of a keypoint is at that threshold.
        confidence: of the same instances.
        without_boxes: as ``pck``, if the model finds the boxes.
    """
    images = len({one.image for one in instances})
    if images < FEW:
        known = f'PCK is only known to lie between {pck.low:.2f} and {pck.high:.2f}'
        if pck.low == pck.high:  # drawing from equal values shows no spread
            known = f'up to about {min(1, 3 / images):.0%} of other images may be unlike them'
        yield f'These are {images:,} images, so {known}: compare models on more before you choose one.'
    weak = [
        (row.pck[0].value, f'{row.name} ({row.pck[0].value:.2f})' + (f' of {name}' if len(keypoints) > 1 else ''))
        for name, rows in keypoints.items()
        for row in rows
        if row.labeled and row.pck[0].value < GOOD
    ]
    if weak:
        yield 'The keypoints that are found least often: ' + ', '.join(text for _, text in sorted(weak)[:3]) + '.'
    rows = [row for own in sides.values() for row in own]
    labeled, misplaced = 2 * sum(row.instances for row in rows), sum(row.misplaced for row in rows)
    if labeled and misplaced > EXCHANGED * labeled:
        yield (
            f'Left and right are confused: {misplaced:,} of {labeled:,} such keypoints are at the label of the other '
            'side. Look at the images below: are the labels right, and do the flip pairs of the metainfo name the '
            'right points?'
        )
    if without_boxes is not None and without_boxes.value < pck.value - WORSE:
        yield (
            f'Without boxes, PCK falls from {pck.value:.2f} to {without_boxes.value:.2f}: the model often looks at the '
            'wrong part of the image. Train longer, or give boxes (predict --bboxes, --bbox or --det-model).'
        )
    if confidence.error > UNRELIABLE:
        high = np.average(confidence.scores) > confidence.correct
        yield (
            f'The scores are too {"high" if high else "low"}: on average {np.average(confidence.scores):.2f}, while '
            f'{confidence.correct:.2f} of the keypoints are correct.'
        )
