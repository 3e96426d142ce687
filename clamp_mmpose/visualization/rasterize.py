from typing import Tuple

import numpy as np

CHUNK = 2**22  # pixels that are tested at a time: about 500 MB


def rasterize(vertices: np.ndarray, colors: np.ndarray, faces: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """Draw triangles with a depth buffer, in NumPy alone.

    Args:
        vertices: ``[V, 3]``: x and y in pixels of the result, whose first pixel has its center at (0, 0); z grows away
            from the viewer.
        colors: ``[V, C]``, interpolated over each triangle.
        faces: ``[F, 3]`` indices of vertices, in any order.
        size: width and height of the result.

    Returns:
        float32 ``[H, W, C + 1]``: colors, and 1 where a triangle was drawn, else 0.
    """
    width, height = size
    depths = np.full(width * height, np.inf, np.float32)
    drawn = np.zeros((width * height, colors.shape[1] + 1), np.float32)
    corners = vertices[faces].astype(np.float32)  # [F, 3, 3]
    low = np.clip(np.ceil(corners[..., :2].min(1)), 0, size).astype(int)
    high = np.clip(np.floor(corners[..., :2].max(1)), -1, np.subtract(size, 1)).astype(int)
    extent = np.maximum(high - low + 1, 0)
    areas = extent.prod(1)
    # equal sums of pixels, not equal numbers of faces: one face can be as large as the image
    parts = np.cumsum(areas) // CHUNK
    for part in np.unique(parts[areas > 0]):
        chosen = np.flatnonzero((parts == part) & (areas > 0))
        face, x, y = _pixels(low[chosen], extent[chosen], areas[chosen])
        weights = _barycentric(corners[chosen, :, :2], face, x, y)
        inside = (weights >= 0).all(1)
        face, weights, place = chosen[face[inside]], weights[inside], (y * width + x)[inside]
        depth = (weights * corners[face, :, 2]).sum(1)
        near = depth < depths[place]
        # the last of several values for one pixel stays: the nearest
        order = np.flatnonzero(near)[np.argsort(-depth[near], kind='stable')]
        face, weights, place = face[order], weights[order], place[order]
        depths[place] = depth[order]
        drawn[place, :-1] = (weights[..., None] * colors[faces[face]]).sum(1)
        drawn[place, -1] = 1
    return drawn.reshape(height, width, -1)


def _pixels(low: np.ndarray, extent: np.ndarray, areas: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Face, x and y of all pixels in the rectangles around the faces."""
    face = np.repeat(np.arange(len(areas)), areas)
    step = np.arange(len(face)) - np.repeat(np.cumsum(areas) - areas, areas)
    return face, low[face, 0] + step % extent[face, 0], low[face, 1] + step // extent[face, 0]


def _barycentric(corners: np.ndarray, face: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights ``[N, 3]`` of the corners ``[F, 3, 2]`` at pixels; all negative for a face without area."""
    first, across, down = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    flat = np.abs(area) < 1e-9
    inverse = np.where(flat, 0, 1 / np.where(flat, 1, area)).astype(np.float32)[face]
    right, below = x - first[face, 0], y - first[face, 1]
    second = (right * down[face, 1] - below * down[face, 0]) * inverse
    third = (below * across[face, 0] - right * across[face, 1]) * inverse
    weights = np.stack([1 - second - third, second, third], 1)
    weights[flat[face]] = -1
    return weights
