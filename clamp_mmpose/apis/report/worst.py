import math
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance
from clamp_mmpose.visualization.keypoint_errors import draw_keypoint_errors

QUALITY = 85


class WorstInstance(NamedTuple):
    """One of the instances with the largest mean error.

    Args:
        file: name of its image, with the folder.
        category: its category.
        error: mean distance of its keypoints, as a share of the longer side of the box.
        wrong: names of the wrong keypoints, the worst first, each with its error.
        jpeg: the drawn image; None and ``reason`` if the image cannot be read.
    """

    file: str
    category: str
    error: float
    wrong: List[str]
    jpeg: Optional[bytes]
    reason: str


def worst_instances(
    instances: Sequence[ScoredInstance], threshold: float = 0.1, number: int = 10
) -> List[WorstInstance]:
    """The instances with the largest mean error, the worst first.

    Args:
        instances: with labels.
        threshold: a keypoint is wrong from this share of the longer side of the box.
    """
    ranked = sorted(instances, key=lambda one: (-_mean_error(one), one.image, one.id))
    return [_drawn(one, threshold) for one in ranked[:number]]


def _mean_error(instance: ScoredInstance) -> float:
    return float(np.nanmean(instance.errors))


def _drawn(one: ScoredInstance, threshold: float) -> WorstInstance:
    errors, names = one.errors, one.category.keypoint_names
    wrong = errors >= threshold  # False for NaN
    order = [k for k in np.argsort(-np.nan_to_num(errors, nan=-1.0)) if wrong[k]]
    texts = [f'{names[k]} ({100 * errors[k]:.0f} %)' if math.isfinite(errors[k]) else names[k] for k in order]
    jpeg, reason = None, ''
    try:
        image = np.ascontiguousarray(read_image(one.image)[..., ::-1])
        drawn = draw_keypoint_errors(image, one.box, one.labels, one.keypoints, names, wrong)
        done, buffer = cv2.imencode('.jpg', drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        jpeg = buffer.tobytes() if done else None
    except (OSError, ValueError) as error:
        reason = str(error)
    file = '/'.join(Path(one.image).parts[-2:])  # frames of different videos may have the same name
    return WorstInstance(file, one.category.name, _mean_error(one), texts, jpeg, reason)
