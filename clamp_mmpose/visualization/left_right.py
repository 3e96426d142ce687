from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

LEFT, RIGHT = (0, 255, 0), (0, 0, 255)  # BGR: green and red
LINE = 0.012  # of the person's longer side
THINNEST = 2  # pixels


def draw_left_right(
    image: np.ndarray,
    keypoints: np.ndarray,
    shown: np.ndarray,
    sides: Sequence[Optional[str]],
    links: Sequence[Tuple[int, int]],
) -> np.ndarray:
    """Draw the left joints and limbs of a person in green and the right ones in red (ChatPose, supplement, Fig. 2).

    What is on neither side, and links from one side to the other, are not drawn.

    Args:
        image: ``[H, W, 3]`` uint8 BGR; it is not changed.
        keypoints: ``[K, 2]`` in pixels of the image.
        shown: ``[K]`` bool.
        sides: 'left', 'right' or None of each keypoint, the person's own.
        links: pairs of indices.

    Returns:
        np.ndarray: a new image.
    """
    drawn, keypoints = image.copy(), np.asarray(keypoints, float)
    visible = np.asarray(shown, bool) & np.isfinite(keypoints).all(axis=1)
    if not visible.any():
        return drawn
    extent = np.ptp(keypoints[visible], axis=0).max()
    line = max(THINNEST, round(LINE * float(extent)))
    colors = dict(left=LEFT, right=RIGHT)
    points = [tuple(int(v) for v in point) for point in np.nan_to_num(keypoints).round().clip(-1e6, 1e6)]
    for first, second in links:
        side = sides[first]
        if side and side == sides[second] and visible[first] and visible[second]:
            cv2.line(drawn, points[first], points[second], colors[side], line, cv2.LINE_AA)
    for point, side, known in zip(points, sides, visible):
        if side and known:
            cv2.circle(drawn, point, 2 * line, colors[side], -1, cv2.LINE_AA)
    return drawn
