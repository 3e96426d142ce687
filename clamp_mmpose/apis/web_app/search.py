from typing import List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.apis.results import instance_dicts
from clamp_mmpose.language.category_texts import CategoryTexts
from clamp_mmpose.visualization import draw_named_keypoints, score_map_grid
from clamp_mmpose.visualization.score_maps import revert_score_maps

SHOWN = 640  # longer side of the image with the keypoints, at which their names are readable
TILE = 240  # longer side of a score map
MAX_CHARACTERS = 20_000  # of the names, and of the skeleton
MAX_KEYPOINTS = 200
BOX_COLOR = (255, 200, 0)


class Found(NamedTuple):
    """Predictions for one box, kept for each user.

    ``instance`` is what ``tools/predict.py`` writes, in pixels of the original image. ``image [h, w, 3]`` (RGB) has its
    display size; ``scale`` is its width over that of the original.
    """

    instance: dict
    links: Sequence[Tuple[int, int]]
    image: np.ndarray
    scale: float


def read_names(text: str) -> List[str]:
    """Names separated by lines or commas; a line with a colon is one 'name: description'."""
    parts = [part for line in text.splitlines() for part in ([line] if ':' in line else line.split(','))]
    return [part.strip() for part in parts if part.strip()]


def find(
    inferencer: TextPoseInferencer,
    image: np.ndarray,
    corners: Sequence[Tuple[int, int]],
    names: str,
    skeleton: str = '',
    category: Optional[CategoryTexts] = None,
) -> Tuple[Found, List[np.ndarray]]:
    """Find the named keypoints in one box.

    Args:
        image: ``[H, W, 3]`` uint8 RGB.
        corners: two opposite corners (x, y) of the box, in pixels of the image; none: the whole image.
        names, skeleton: as a user types them, see :func:`read_names` and :class:`TextQueries`.
        category: describes the names that have no description.

    Returns:
        The predictions, and for each keypoint an image with its score map, if the model gives score maps.

    Raises:
        ValueError: invalid names, skeleton or box, too many of them, or a model that reads no text.
    """
    for what, text in (('keypoint names', names), ('skeleton', skeleton)):
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f'the {what} have {len(text):,} characters: up to {MAX_CHARACTERS:,} are read.')
    parts = read_names(names)
    if len(parts) > MAX_KEYPOINTS:
        raise ValueError(f'there are {len(parts):,} keypoint names: up to {MAX_KEYPOINTS} are searched at once.')
    queries = inferencer.queries(parts, skeleton, category)
    height, width = image.shape[:2]
    if len(corners) == 1:
        raise ValueError('the box has one corner: click the opposite one, or clear the box.')
    box = [*np.min(corners, axis=0), *np.max(corners, axis=0)] if len(corners) else [0, 0, width, height]
    if box[0] == box[2] or box[1] == box[3]:
        raise ValueError('the box is empty: click two corners that differ in x and in y, or clear the box.')
    # not merged, which would enlarge the maps to the size of the original image
    (result,) = inferencer(
        np.ascontiguousarray(image[..., ::-1]),
        bboxes=[box],
        return_datasamples=True,
        draw_score_maps=inferencer.has_score_maps,
        merge_results=False,
        keypoints=queries,
    )
    (sample,) = result['predictions']
    (instance,) = instance_dicts(sample)
    found = Found(instance, sample.skeleton_links, *_resize(image, SHOWN))
    if not inferencer.has_score_maps:
        return found, []
    small, scale = _resize(image, TILE)
    sample.set_metainfo(dict(input_center=sample.input_center * scale, input_scale=sample.input_scale * scale))
    maps = revert_score_maps(sample, small.shape[:2])
    tiles = [
        score_map_grid(small, maps[k : k + 1], [f'{score:.2f} {name}'], tile_width=small.shape[1])
        for k, (name, score) in enumerate(zip(instance['keypoint_names'], instance['keypoint_scores']))
    ]
    return found, tiles


def draw_found(found: Found, threshold: float) -> np.ndarray:
    """The image with the named keypoints, hollow where the confidence is below ``threshold``."""
    # pixel centers are half a pixel from the corner, in both sizes
    keypoints = (np.array(found.instance['keypoints']) + 0.5) * found.scale - 0.5
    return draw_named_keypoints(
        found.image,
        keypoints,
        found.instance['keypoint_names'],
        np.array(found.instance['keypoint_scores']),
        threshold,
        found.links,
        font_scale=0.45,
        hollow=True,
    )


def draw_corners(image: np.ndarray, corners: Sequence[Tuple[int, int]]) -> np.ndarray:
    """The image with the corners clicked so far."""
    image = image.copy()
    thickness = max(1, round(max(image.shape[:2]) / 300))
    if len(corners) == 1:
        cv2.drawMarker(image, corners[0], BOX_COLOR, cv2.MARKER_CROSS, 12 * thickness, thickness)
    if len(corners) == 2:
        cv2.rectangle(image, *corners, (0, 0, 0), thickness + 2)
        cv2.rectangle(image, *corners, BOX_COLOR, thickness)
    return image


def _resize(image: np.ndarray, longer: int) -> Tuple[np.ndarray, float]:
    scale = longer / max(image.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), scale
