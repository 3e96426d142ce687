"""Heatmaps in [0, 1] of the subject of an image (FocusCLIP, section 3.3)."""

from typing import Tuple

import numpy as np

# Smallest sigma of a part, as a fraction of its person; size of a person with one keypoint, as a fraction of the image.
# Both are our choice: the published code divides by zero.
PART, PERSON = 1 / 16, 1 / 4
MIN_SIGMA = 0.75  # pixels; a smaller ellipse may fall between the pixels
ZERO = 1e-8  # values of a Gaussian below this are left out


def part_ellipses(
    keypoints: np.ndarray, visible: np.ndarray, parts: np.ndarray, unit: float, whole_pixels: bool = False
) -> np.ndarray:
    """Center and sigma of each body part that has at least two visible keypoints.

    A person without such a part becomes one ellipse around the visible keypoints.

    Args:
        keypoints: ``[N, K, 2]``, pixels.
        visible: ``[N, K]`` bool.
        parts: ``[P, K]`` bool, from :func:`body_parts`.
        unit: longer side of the whole image in the same pixels, for people with one visible keypoint.
        whole_pixels: round as the published code does.

    Returns:
        np.ndarray: ``[M, 4]``, (x, y, sigma x, sigma y).
    """
    visible = visible & np.isfinite(keypoints).all(axis=-1)
    people = visible.any(axis=1)
    keypoints, visible = keypoints[people].astype(np.float64), visible[people]
    if whole_pixels:
        keypoints = np.trunc(keypoints)
    everything = np.ones((1, visible.shape[1]), bool)
    shown = visible[:, None] & np.concatenate([parts, everything])  # [N, P + 1, K], the whole person last
    low = np.where(shown[..., None], keypoints[:, None], np.inf).min(axis=2)
    high = np.where(shown[..., None], keypoints[:, None], -np.inf).max(axis=2)
    # a part that is defined by one keypoint needs only that one
    drawn = shown.sum(axis=2) >= np.minimum(2, np.concatenate([parts, everything]).sum(axis=1))
    drawn[:, -1] = ~drawn[:, :-1].any(axis=1)
    low, high, person = low[drawn], high[drawn], np.nonzero(drawn)[0]

    extent = np.where(visible[..., None], keypoints, -np.inf).max(axis=1) - np.where(
        visible[..., None], keypoints, np.inf
    ).min(axis=1)
    size = extent.max(axis=1)
    size = np.where(size > 0, size, PERSON * unit)
    floor = np.maximum(MIN_SIGMA, PART * size[person])[:, None]
    if whole_pixels:
        center, sigma = (low + high) // 2, (high - low) // 2
        sigma = np.where(sigma > 0, sigma, floor)
    else:
        center, sigma = (low + high) / 2, np.maximum((high - low) / 2, floor)
    return np.hstack([center, sigma])


def sum_of_gaussians(ellipses: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Sum of the Gaussians (eq. 3) of ``[M, 4]`` ellipses, clipped at 1: float32 ``[H, W]``, H, W = ``shape``."""
    columns, rows = _profiles(ellipses, shape)
    heatmap = np.zeros(shape, np.float32)
    across, down = (_reached(profiles) for profiles in (columns, rows))
    # axis-aligned Gaussians are separable: one matrix product sums all parts
    heatmap[down, across] = np.minimum(rows[:, down].T @ columns[:, across], 1)
    return heatmap


def sum_of_ellipses(ellipses: np.ndarray, shape: Tuple[int, int], reach: float = 2**0.5) -> np.ndarray:
    """Sum of the Gaussians inside their ellipses (eq. 4), clipped at 1: float32 ``[H, W]``, H, W = ``shape``.

    Args:
        reach: semi-axes of the ellipse in sigmas. Sigma is half the box: sqrt(2) gives the ellipse through its corners,
            which contains all keypoints, 1 the ellipse inside the box.
    """
    heatmap = np.zeros(shape, np.float32)
    edge = np.float32(np.exp(-(reach**2) / 2))  # value of the Gaussian on the ellipse
    columns, rows = _profiles(ellipses, shape)
    for (x, y, sigma_x, sigma_y), column, row in zip(ellipses, columns, rows):
        across, down = _window(x, reach * sigma_x, shape[1]), _window(y, reach * sigma_y, shape[0])
        block = np.outer(row[down], column[across])
        block[block < edge] = 0
        heatmap[down, across] += block
    return np.minimum(heatmap, 1, out=heatmap)


def _profiles(ellipses: np.ndarray, shape: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Each Gaussian along x ``[M, W]`` and along y ``[M, H]``, float32."""
    profiles = []
    for axis, length in ((0, shape[1]), (1, shape[0])):
        distance = (np.arange(length) - ellipses[:, axis, None]) / ellipses[:, axis + 2, None]
        profiles.append(np.exp(-0.5 * distance**2).astype(np.float32))
    return profiles[0], profiles[1]


def _reached(profiles: np.ndarray) -> slice:
    reached = np.flatnonzero((profiles > ZERO).any(axis=0))
    return slice(reached[0], reached[-1] + 1) if len(reached) else slice(0)


def _window(center: float, half: float, length: int) -> slice:
    start = int(np.clip(np.floor(center - half), 0, length))
    return slice(start, int(np.clip(np.ceil(center + half) + 1, start, length)))


def min_max_normalize(values: np.ndarray) -> np.ndarray:
    """Rescale a map to [0, 1]; a constant map becomes 1."""
    values = values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.ones_like(values)
