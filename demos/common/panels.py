from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from clamp_mmpose.visualization import draw_named_keypoints
from clamp_mmpose.visualization.score_maps import title


def keypoint_panel(
    caption: str,
    image: np.ndarray,
    box: Sequence[float],
    size: Tuple[int, int],
    keypoints: np.ndarray,
    scores: Optional[np.ndarray],
    names: Sequence[str],
    links: Sequence[Sequence[int]],
    hollow: bool = False,
    labels: bool = True,
) -> np.ndarray:
    """A part of an image, enlarged, with named keypoints and a caption above, RGB.

    Args:
        image: ``[h, w, 3]``, RGB uint8.
        box: the part, x1, y1, x2, y2 in image pixels.
        size: (w, h) of the panel without the caption.
        keypoints, scores, names, links, hollow, labels: as for ``draw_named_keypoints``; keypoints are image pixels.
    """
    matrix = enlarge(box, size)
    shown = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(40, 40, 40))
    keypoints = np.asarray(keypoints) @ matrix[:, :2].T + matrix[:, 2]
    drawn = draw_named_keypoints(shown, keypoints, names, scores, links=links, hollow=hollow, labels=labels)
    return np.vstack([title(caption, size[0], 44), drawn])


def enlarge(box: Sequence[float], size: Tuple[int, int]) -> np.ndarray:
    """The ``[2, 3]`` matrix from image pixels to those of a (w, h) panel that a box then fills, centered."""
    x1, y1, x2, y2 = box
    scale = min(size[0] / (x2 - x1), size[1] / (y2 - y1))
    return np.array([[scale, 0, (size[0] - scale * (x1 + x2)) / 2], [0, scale, (size[1] - scale * (y1 + y2)) / 2]])
