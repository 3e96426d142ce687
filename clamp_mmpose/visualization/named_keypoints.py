from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

from .label_placement import leader_start, place_labels
from .text import put_text, text_size

DESCENT = 10  # pixels below the baseline, of OpenCV's font at scale 1
PAD = 2  # pixels around the text of a label
SHRINK = (1.0, 0.85, 0.7)  # font sizes to try until all labels have a place
MANY = 100  # labels that get the smallest font at once
FARTHEST = 1e6  # pixels from the origin; OpenCV cannot draw to points that exceed its integers
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
    labels: bool = True,
) -> np.ndarray:
    """Draw keypoints and their names, in a size that grows with large images.

    Labels lie inside the image and never on each other; a line joins each to its keypoint. Keypoints at the same pixel
    share one label, such as 'nose +1'. In an image too small for all of them, labels without a place are left out.

    Args:
        image: ``[H, W, 3]`` uint8 RGB; it is not changed.
        keypoints: ``[K, 2]`` or, of several instances, ``[N, K, 2]``; (x, y) in pixels of the image.
        names: K names, of any characters; long ones are cut.
        scores: ``[K]`` or ``[N, K]``; keypoints below ``threshold`` are left out, or drawn ``hollow``, and have no
            links.
        links: pairs of keypoint indices to join.
        font_scale: of OpenCV's font.
        hollow: draw keypoints below ``threshold`` as rings instead of leaving them out.
        labels: write the names.

    Returns:
        np.ndarray: a new image.
    """
    drawn = image.copy()
    zoom = max(1.0, max(image.shape[:2]) / LARGE)
    line = round(zoom)
    keypoints = np.asarray(keypoints, float).reshape(-1, len(names), 2)
    shown = (np.abs(keypoints) < FARTHEST).all(axis=2)  # False for NaN
    confident = shown if scores is None else shown & (np.reshape(scores, shown.shape) >= threshold)
    if not hollow:
        shown = confident
    points = np.where(shown[..., None], keypoints, 0).round().astype(int)
    for instance, found in zip(points.tolist(), confident):
        for start, end in links:
            if found[start] and found[end]:
                cv2.line(drawn, instance[start], instance[end], (255, 255, 255), line, cv2.LINE_AA)
    colors = [PALETTE[k % len(PALETTE)] for k in np.nonzero(shown)[1]]
    texts = [names[k] for k in np.nonzero(shown)[1]]
    placed = _labels(points[shown], texts, image.shape[1::-1], zoom, font_scale) if labels else []
    sure = confident[shown]
    for k, _, box, _ in placed:
        point, start = points[shown][k], np.array(leader_start(box, points[shown][k]))
        # up to the point, or to the edge of its ring
        short = 0 if sure[k] else min(1, 4 * zoom / max(1, np.linalg.norm(start - point)))
        end = np.round(point + short * (start - point)).astype(int)
        cv2.line(drawn, start.tolist(), end.tolist(), colors[k], line, cv2.LINE_AA)
    for point, color, filled in zip(points[shown].tolist(), colors, sure):
        if filled:
            cv2.circle(drawn, point, round(3 * zoom), (0, 0, 0), -1, cv2.LINE_AA)
            cv2.circle(drawn, point, round(2 * zoom), color, -1, cv2.LINE_AA)
        else:
            cv2.circle(drawn, point, round(4 * zoom), color, line, cv2.LINE_AA)
    for k, text, (x1, y1, x2, y2), scale in placed:
        # darken the background: an outline of thicker text would be wider than the text in OpenCV 5
        drawn[y1:y2, x1:x2] //= 4
        put_text(drawn, text, (x1 + PAD, y2 - PAD - _descent(scale)), scale, colors[k], line)
    return drawn


def _descent(scale: float) -> int:
    return int(np.ceil(DESCENT * scale))


def _labels(
    points: np.ndarray, names: Sequence[str], image_size: Tuple[int, int], zoom: float, font_scale: float
) -> List[tuple]:
    """(index, text, box, font scale) of each label; one for the keypoints within a pixel of each other."""
    line = round(zoom)
    alone: List[int] = []
    extra: List[int] = []
    for k, point in enumerate(points):
        near = np.flatnonzero(np.linalg.norm(points[alone] - point, axis=1) <= zoom) if alone else []
        if len(near):
            extra[near[0]] += 1
        else:
            alone.append(k)
            extra.append(0)
    texts = [names[k] + (f' +{more}' if more else '') for k, more in zip(alone, extra)]
    for shrink in SHRINK if len(texts) <= MANY else SHRINK[-1:]:
        scale = shrink * zoom * font_scale
        measured = (text_size(text, scale, line) for text in texts)
        sizes = [(width + 2 * PAD, height + _descent(scale) + 2 * PAD) for width, height in measured]
        boxes = place_labels(points[alone], np.reshape(sizes, (-1, 2)), image_size, 5 * zoom, 3 * zoom)
        if (boxes >= 0).all():
            break
    return [(k, text, box.tolist(), scale) for k, text, box in zip(alone, texts, boxes) if box[0] >= 0]
