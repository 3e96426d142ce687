"""PCK and mean errors with bootstrap intervals, and how often left and right are exchanged."""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from clamp_mmpose.evaluation.bootstrap import Interval, ratio_intervals

from .scored_instance import ScoredInstance

THRESHOLDS = (0.05, 0.1, 0.2)


class KeypointRow(NamedTuple):
    """The scores of a keypoint, over the instances in which it is labeled.

    Args:
        name: of the keypoint.
        labeled: number of instances.
        pck: for each threshold, the share of them that is correct.
        error: mean distance, as a share of the longer side of the box; NaN without labels, as are the others.
        score: mean predicted score.
    """

    name: str
    labeled: int
    pck: Tuple[Interval, ...]
    error: float
    score: float


class SideRow(NamedTuple):
    """How often a left and a right keypoint are exchanged.

    Args:
        names: of the two keypoints.
        instances: in which both are labeled.
        misplaced: keypoints of these that are predicted at the other one's label.
        exchanged: instances in which both are.
    """

    names: Tuple[str, str]
    instances: int
    misplaced: int
    exchanged: int


def pck_values(instances: Sequence[ScoredInstance], threshold: float) -> np.ndarray:
    """The PCK of each instance ``[N]``: the share of its labeled keypoints that is correct; NaN without any.

    A keypoint is correct if it is nearer to its label than ``threshold`` times the longer side of the box.
    """
    return np.array(
        [
            (errors[~np.isnan(errors)] < threshold).mean() if not np.isnan(errors).all() else np.nan
            for errors in (instance.errors for instance in instances)
        ]
    )


def pck_intervals(
    instances: Sequence[ScoredInstance],
    thresholds: Sequence[float] = THRESHOLDS,
    seed: int = 0,
    resamples: int = 1000,
) -> List[Interval]:
    """The mean PCK of the instances that have labels, at each threshold, with its 95 % interval.

    This is MP-100's PCK. The bootstrap draws images, with all of their instances. NaN without labels.
    """
    values = np.array([pck_values(instances, threshold) for threshold in thresholds]).T.reshape(-1, len(thresholds))
    return _intervals(instances, values, seed, resamples)


def keypoint_rows(
    instances: Sequence[ScoredInstance],
    thresholds: Sequence[float] = THRESHOLDS,
    seed: int = 0,
    resamples: int = 1000,
) -> List[KeypointRow]:
    """A row for each keypoint of one category's instances."""
    errors = np.array([instance.errors for instance in instances])
    scores = np.array([instance.scores for instance in instances])
    labeled = ~np.isnan(errors)
    hits = np.concatenate([np.where(labeled, errors < threshold, np.nan) for threshold in thresholds], axis=1)
    intervals = _intervals(instances, hits, seed, resamples)
    number = errors.shape[1]
    return [
        KeypointRow(
            name,
            int(labeled[:, k].sum()),
            tuple(intervals[k::number]),
            float(errors[labeled[:, k], k].mean()) if labeled[:, k].any() else float('nan'),
            float(scores[labeled[:, k], k].mean()) if labeled[:, k].any() else float('nan'),
        )
        for k, name in enumerate(instances[0].category.keypoint_names)
    ]


def misplaced_sides(instance: ScoredInstance, threshold: float = 0.1) -> np.ndarray:
    """Which keypoints ``[K]`` are predicted at the label of their left/right counterpart.

    They are nearer to it than to their own label, and nearer than ``threshold`` times the longer side of the box; both
    are labeled.
    """
    own, other = instance.errors, instance.mirrored_errors
    with np.errstate(invalid='ignore'):
        return (other < own) & (other < threshold)  # False for NaN


def side_rows(instances: Sequence[ScoredInstance], threshold: float = 0.1) -> List[SideRow]:
    """A row for each pair of left and right keypoints of one category's instances; see :func:`misplaced_sides`."""
    category = instances[0].category
    both = np.array([~np.isnan(one.errors) & ~np.isnan(one.mirrored_errors) for one in instances])
    wrong = np.array([misplaced_sides(one, threshold) for one in instances])
    return [
        SideRow(
            (category.keypoint_names[i], category.keypoint_names[j]),
            int(both[:, i].sum()),
            int(wrong[:, [i, j]].sum()),
            int(wrong[:, [i, j]].all(axis=1).sum()),
        )
        for i, j in enumerate(category.flip_indices)
        if i < j
    ]


def _intervals(instances: Sequence[ScoredInstance], values: np.ndarray, seed: int, resamples: int) -> List[Interval]:
    """The mean of each column of ``values [N, M]``, without its NaNs; images are drawn."""
    images = np.unique([f'{one.image_id} {one.image}' for one in instances], return_inverse=True)[1].reshape(-1)
    sums, counts = np.zeros((2, images.max(initial=-1) + 1, values.shape[1]))
    np.add.at(sums, images, np.nan_to_num(values))
    np.add.at(counts, images, ~np.isnan(values))
    used = counts.any(axis=1)  # images without any label are not drawn
    return ratio_intervals(sums[used], counts[used], seed, resamples)
