"""How much the instances of a data set are turned in the image, from their keypoints alone."""

from typing import Sequence, Tuple

import numpy as np

ROUNDS = 3  # of alignment; the mean shape no longer changes after the second
TIE = 0.05  # of a shape's size: with less, mirrored and plain shape fit equally


def turns(keypoints: Sequence[np.ndarray]) -> np.ndarray:
    """By how much each instance is turned against their mean shape, in radians of [-pi, pi].

    An instance may also be mirrored, as an animal that walks to the other side; that counts only where it fits clearly
    better, as for animals seen from the side, not for those seen from above. Procrustes alignment (Gower 1975) with
    missing points.

    Args:
        keypoints: ``[K, 2]`` each, (x, y) in pixels; NaN: not labeled. Instances with fewer than two are left out.
    """
    shapes = [_complex(points) for points in keypoints]
    shapes = [shape for shape in shapes if _labeled(shape).sum() >= 2 and np.nanstd(shape) > 0]
    if not shapes:
        return np.zeros(0)
    reference = max(shapes, key=lambda shape: int(_labeled(shape).sum()))
    found = []
    for _ in range(ROUNDS):
        fits = [_fit(shape, reference) for shape in shapes]
        found = [turn for turn, _ in fits]
        aligned = np.array([shape for _, shape in fits])
        with np.errstate(invalid='ignore'):
            known = _labeled(aligned).sum(axis=0) > 0
            reference = np.full(len(reference), complex(np.nan, np.nan))
            reference[known] = np.nanmean(aligned[:, known], axis=0)
    return np.array(found)


def concentration(angles: np.ndarray) -> float:
    """Length of the mean direction: 1 if all are turned equally, 0 if they are spread evenly."""
    return float(np.abs(np.exp(1j * angles).mean())) if len(angles) else 1.0


def _complex(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, float)
    return points[:, 0] + 1j * points[:, 1]


def _labeled(shape: np.ndarray) -> np.ndarray:
    return ~np.isnan(shape)


def _fit(shape: np.ndarray, reference: np.ndarray) -> Tuple[float, np.ndarray]:
    """The turn of a shape, and the shape turned back, at the reference's place and size."""
    common = _labeled(shape) & _labeled(reference)
    if common.sum() < 2:
        return 0.0, np.full(len(shape), complex(np.nan, np.nan))
    center, origin = shape[common].mean(), reference[common].mean()
    moved, target = shape - center, reference[common] - origin
    plain, mirrored = (_factor(points[common], target) for points in (moved, -moved.conj()))
    mirror = mirrored[1] < plain[1] - TIE
    factor, points = (mirrored[0], -moved.conj()) if mirror else (plain[0], moved)
    turn = np.angle(factor)
    return float(turn if mirror else -turn), points * factor + origin


def _factor(points: np.ndarray, target: np.ndarray) -> Tuple[complex, float]:
    """The turn and scale that take the points to the target, and the part of the target that does not fit, 0 to 1."""
    factor = (points.conj() * target).sum() / max((np.abs(points) ** 2).sum(), 1e-12)
    rest = (np.abs(target - factor * points) ** 2).sum() / max((np.abs(target) ** 2).sum(), 1e-12)
    return complex(factor), float(rest)
