from typing import Sequence, Tuple

import cv2
import numpy as np
from mmpose.structures import PoseDataSample
from mmpose.structures.utils import revert_heatmap
from mmpose.utils.tensor_utils import to_numpy

from .text import put_text, text_size


def score_map_grid(
    image: np.ndarray, score_maps: np.ndarray, names: Sequence[str], columns: int = 5, tile_width: int = 240
) -> np.ndarray:
    """One copy of the image for each keypoint, bright where its prompt matches (CLAMP Fig. 4).

    Args:
        image: ``[H, W, 3]`` uint8.
        score_maps: ``[K, H, W]``, cosines; each map is scaled to its own range and squared, so that peaks stand out.
        names: K titles.
        columns: tiles in a row.
        tile_width: pixels.

    Returns:
        np.ndarray: uint8, in the color order of the image.
    """
    height = max(1, round(image.shape[0] * tile_width / image.shape[1]))
    small = cv2.resize(image, (tile_width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    tiles = []
    for score_map, name in zip(score_maps, names):
        scores = cv2.resize(score_map.astype(np.float32), (tile_width, height))
        low, high = float(scores.min()), float(scores.max())
        brightness = ((scores - low) / max(high - low, 1e-6)) ** 2
        tile = (small * (0.15 + 0.85 * brightness[..., None])).astype(np.uint8)
        tiles.append(np.vstack([title(name, tile_width), tile]))
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def title(text: str, width: int, height: int = 22) -> np.ndarray:
    """A white strip ``[height, width, 3]`` with black text, shrunk to fit."""
    strip = np.full((height, width, 3), 255, np.uint8)
    scale, line = 0.5 * height / 22, max(1, height // 22)
    text_width, _ = text_size(text, scale, line)
    scale *= min(1.0, (width - 8) / max(text_width, 1))
    put_text(strip, text, (4, height - height // 3), scale, (0, 0, 0), line)
    return strip


def revert_score_maps(sample: PoseDataSample, shape: Tuple[int, int]) -> np.ndarray:
    """Warp the score maps of a crop to the whole image, ``[K, H, W]``; outside the crop, each map has its minimum."""
    maps = to_numpy(sample.pred_fields.score_maps)
    minimum = maps.min(axis=(1, 2), keepdims=True)
    # one at a time: OpenCV drops the axis of a single map
    reverted = [revert_heatmap(one, sample.input_center, sample.input_scale, shape) for one in maps - minimum]
    return np.stack(reverted) + minimum
