"""Errors of 3D joints: MPJPE and PA-MPJPE in millimeters, of many poses at once."""

from typing import Optional, Sequence, Tuple, Union

import numpy as np
import torch

Array = Union[np.ndarray, torch.Tensor]
Root = Union[None, int, Sequence[int]]
# a spread this small, as a share of the largest coordinate, is rounding
FLAT = 1e-9


def mpjpe(predicted: Array, target: Array, root: Root = None, mask: Optional[Array] = None) -> np.ndarray:
    """Mean per-joint position error of each pose.

    Args:
        predicted, target: ``[N, K, 3]`` meters.
        root: what is moved to zero in both: None, nothing; a joint, or several joints, whose mean it is (mid-hip).
        mask: ``[N, K]``, the joints that count; default: all. The root need not count.

    Returns:
        float64 ``[N]`` millimeters.

    Raises:
        ValueError: other shapes, coordinates that are not finite, a pose without a joint that counts.
    """
    first, second, weights = _check(predicted, target, mask)
    if root is not None:
        joints = np.atleast_1d(root)
        first, second = (points - points[:, joints].mean(1, keepdims=True) for points in (first, second))
    return _mean_distance(first, second, weights)


def pa_mpjpe(predicted: Array, target: Array, mask: Optional[Array] = None) -> np.ndarray:
    """MPJPE after the similarity that :func:`aligned` finds (PA-MPJPE, "reconstruction error").

    Args:
        predicted, target, mask: as for :func:`mpjpe`.

    Returns:
        float64 ``[N]`` millimeters.

    Raises:
        ValueError: as for :func:`mpjpe` and :func:`aligned`.
    """
    first, second, weights = _check(predicted, target, mask)
    return _mean_distance(_align(first, second, weights), second, weights)


def aligned(predicted: Array, target: Array, mask: Optional[Array] = None) -> np.ndarray:
    """Poses moved onto their targets by scale, rotation and translation in the least-square sense (Umeyama, 1991).

    A reflection is never used, so a pose with left and right swapped stays wrong.

    Args:
        predicted, target, mask: as for :func:`mpjpe`.

    Returns:
        float64 ``[N, K, 3]`` meters.

    Raises:
        ValueError: as for :func:`mpjpe`; all joints of a prediction are in one place, so that no scale fits.
    """
    return _align(*_check(predicted, target, mask))


def collapsed(predicted: Array, mask: Optional[Array] = None) -> np.ndarray:
    """Which poses ``[N]`` have all joints that count in one place; published code gives NaN for them.

    Args:
        predicted, mask: as for :func:`mpjpe`.
    """
    points, _, weights = _check(predicted, predicted, mask)
    return _is_flat(points, _centered(points, weights)[0])


def _align(predicted: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    source, mean = _centered(predicted, weights)
    goal, goal_mean = _centered(target, weights)
    flat = _is_flat(predicted, source)
    if flat.any():
        raise ValueError(
            f'{flat.sum():,} of {len(flat):,} predictions have all joints in one place, the first is {flat.argmax()}, '
            'and no scale fits them: leave out what collapsed() finds, and report their number.'
        )
    left, stretch, right = np.linalg.svd(source.swapaxes(1, 2) @ goal)
    sign = np.ones((len(source), 3))
    sign[:, 2] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    rotation = (left * sign[:, None]) @ right  # on rows
    scale = (stretch * sign).sum(1) / np.square(source).sum((1, 2))
    return scale[:, None, None] * ((predicted - mean) @ rotation) + goal_mean


def _centered(points: np.ndarray, weights: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The points minus their mean, zero where they do not count, and the mean ``[N, 1, 3]``."""
    mean = (points * weights[..., None]).sum(1, keepdims=True) / weights.sum(1)[:, None, None]
    return (points - mean) * weights[..., None], mean


def _is_flat(points: np.ndarray, centered: np.ndarray) -> np.ndarray:
    return np.abs(centered).max((1, 2)) <= FLAT * np.abs(points).max((1, 2))


def _mean_distance(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1000 * (np.linalg.norm(first - second, axis=-1) * weights).sum(1) / weights.sum(1)


def _check(predicted: Array, target: Array, mask: Optional[Array]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = (_float64(points) for points in (predicted, target))
    if first.shape != second.shape or first.ndim != 3 or first.shape[2] != 3 or not first.shape[1]:
        raise ValueError(f'expected two arrays [N, K, 3] of joints, got {list(first.shape)} and {list(second.shape)}.')
    weights = np.ones(first.shape[:2]) if mask is None else _float64(mask)
    if weights.shape != first.shape[:2]:
        raise ValueError(f'expected a mask {list(first.shape[:2])}, got {list(weights.shape)}.')
    counts = weights > 0
    if not counts.any(1).all():
        raise ValueError(f'pose {counts.any(1).argmin()} has no joint that counts: leave it out.')
    broken = np.logical_not(np.isfinite(first + second).all((1, 2)))
    if np.any(broken):
        raise ValueError(f'{broken.sum():,} of {len(first):,} poses are not finite, the first is {broken.argmax()}.')
    return first, second, counts.astype(np.float64)


def _float64(array: Array) -> np.ndarray:
    return array.detach().cpu().double().numpy() if isinstance(array, torch.Tensor) else np.asarray(array, np.float64)
