from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from .text import put_text, text_size

Color = Tuple[int, int, int]
LARGE = 640  # pixels; on images with a longer side, points and names grow with it
# eight colors that stay distinct on most images and for color-blind readers (Okabe and Ito)
PALETTE = [
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (255, 255, 255),
]


def draw_named_keypoints(
    image: np.ndarray,
    keypoints: np.ndarray,
    names: Sequence[str],
    scores: Optional[np.ndarray] = None,
    threshold: float = 0.3,
    links: Sequence[Tuple[int, int]] = (),
    font_scale: float = 0.35,
    hollow: bool = False,
) -> np.ndarray:
    """Draw keypoints and their names, in a size that grows with large images.

    Args:
        image: ``[H, W, 3]`` uint8 RGB; it is not changed.
        keypoints: ``[K, 2]``, (x, y) in pixels of the image.
        names: K names, of any characters; long ones are cut.
        scores: ``[K]``; keypoints below ``threshold`` are left out, or drawn ``hollow``, and have no links.
        links: pairs of keypoint indices to join.
        font_scale: of OpenCV's font.
        hollow: draw keypoints below ``threshold`` as rings instead of leaving them out.

    Returns:
        np.ndarray: a new image.
    """
    drawn = image.copy()
    zoom = max(1.0, max(image.shape[:2]) / LARGE)
    line = round(zoom)
    shown = np.isfinite(keypoints).all(axis=1)
    confident = shown if scores is None else shown & (np.asarray(scores) >= threshold)
    if not hollow:
        shown = confident
    points = [(int(x), int(y)) for x, y in np.nan_to_num(keypoints).round()]
    for start, end in links:
        if confident[start] and confident[end]:
            cv2.line(drawn, points[start], points[end], (255, 255, 255), line, cv2.LINE_AA)
    taken = np.zeros(image.shape[:2], bool)
    for k in np.flatnonzero(shown):
        color = PALETTE[k % len(PALETTE)]
        if confident[k]:
            cv2.circle(drawn, points[k], round(3 * zoom), (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(drawn, points[k], round(2 * zoom), color, -1, cv2.LINE_AA)
        else:
            cv2.circle(drawn, points[k], round(4 * zoom), color, line, cv2.LINE_AA)
    for k in np.flatnonzero(shown):
        _write_name(drawn, taken, names[k], points[k], PALETTE[k % len(PALETTE)], zoom * font_scale, line)
    return drawn


def _write_name(
    image: np.ndarray, taken: np.ndarray, text: str, point: Tuple[int, int], color: Color, font_scale: float, line: int
) -> None:
    """Write a name right, left, above or below its point, where it overlaps least with other names."""
    width, height = text_size(text, font_scale, line)
    x, y = point
    positions = [
        (x + dx, y + dy)
        for gap in (0, height + 3, 2 * height + 6)
        for dx, dy in (
            (5, height // 2 - gap),
            (-width - 5, height // 2 + gap),
            (-width // 2, -6 - gap),
            (-width // 2, height + 6 + gap),
        )
    ]

    def cost(position: Tuple[int, int]) -> float:
        left, bottom = position
        outside = (
            max(0, -left)
            + max(0, left + width - image.shape[1])
            + max(0, height - bottom)
            + max(0, bottom - image.shape[0])
        )
        box = taken[max(0, bottom - height) : max(0, bottom), max(0, left) : max(0, left + width)]
        return 100.0 * outside + box.sum()

    left, bottom = min(positions, key=cost)
    taken[max(0, bottom - height) : max(0, bottom + 1), max(0, left) : max(0, left + width)] = True
    # darken the background: an outline of thicker text would be wider than the text in OpenCV 5
    background = image[max(0, bottom - height - 1) : max(0, bottom + 3), max(0, left - 1) : max(0, left + width + 1)]
    background //= 4
    put_text(image, text, (left, bottom), font_scale, color, line)
