"""MP-100's PCK from one prediction for each instance, in the two published protocols."""

import random
from typing import Dict, List, Mapping, NamedTuple, Tuple

import numpy as np

from clamp_mmpose.datasets.mp100.annotations import MP100Annotations
from clamp_mmpose.utils.choices import check_choice

PROTOCOLS = ('query_only', 'pairs')
EMPTY = ('zero', 'skip')
CURVE = np.arange(20) / 20  # the thresholds of MMPose's keypoint_auc
THRESHOLDS = slice(1, 6)  # those of the PCK: 0.05 to 0.25
QUERIES = 15  # in each published episode, with one support
Predictions = Mapping[int, np.ndarray]


class Scores(NamedTuple):
    """PCK, NME and AUC of a set of predictions.

    Args:
        overall: ``PCK@0.05`` ... ``PCK@0.25``, ``mPCK`` (their mean), ``NME``, ``AUC``, and ``pairs`` or
            ``instances``, the number that is averaged over.
        categories: the same for each scored category, by its slug, in the file's order.
        supercategories: the same for each supercategory, over all its instances or pairs.
        empty: instances without a visible point, or pairs without a common one.
        missing: kept instances without a prediction, by category.
        left_out: pairs or instances left out because they have no prediction.
    """

    overall: Dict[str, float]
    categories: Dict[str, Dict[str, float]]
    supercategories: Dict[str, Dict[str, float]]
    empty: int
    missing: Dict[str, int]
    left_out: int

    def as_dict(self) -> dict:
        """``overall``, ``categories`` and ``supercategories`` in one dict."""
        return dict(self.overall, categories=self.categories, supercategories=self.supercategories)


class _Members(NamedTuple):
    """The instances of a category: their indices ``[N]``, and distances divided by the normalizer ``[N, K]``."""

    indices: np.ndarray
    errors: np.ndarray
    visible: np.ndarray
    predicted: np.ndarray


class _Rows(NamedTuple):
    """Values to average, a row for each instance or pair: PCK at every threshold of ``CURVE`` ``[R, 20]``, NME ``[R]``.

    ``empty`` and ``left_out`` are as in :class:`Scores`.
    """

    curve: np.ndarray
    nme: np.ndarray
    empty: int
    left_out: int


def score(
    annotations: MP100Annotations,
    predictions: Predictions,
    protocol: str = 'query_only',
    num_episodes: int = 200,
    empty: str = 'zero',
) -> Scores:
    """:func:`query_only`, or :func:`pairs` with its ``num_episodes`` and ``empty``."""
    check_choice('protocol', protocol, PROTOCOLS)
    if protocol == 'pairs':
        return pairs(annotations, predictions, num_episodes, empty)
    return query_only(annotations, predictions)


def query_only(annotations: MP100Annotations, predictions: Predictions) -> Scores:
    """Score every instance once, over its visible points; the mean over instances.

    An instance without visible points has no PCK: it is left out and counted in ``empty``.

    Args:
        predictions: annotation id -> ``[K, 2]``, (x, y) in pixels of the original image. Instances without one are
            left out and counted.

    Raises:
        ValueError: nothing is left to score.
    """
    rows = {}
    for category_id, members in _by_category(annotations, predictions).items():
        curve, nme, shown = _score(members.errors, members.visible)
        used = members.predicted & shown
        rows[category_id] = _Rows(
            curve[used], nme[used], int((members.predicted & ~shown).sum()), int((~members.predicted).sum())
        )
    return _summary(annotations, predictions, rows, 'instances')


def pairs(
    annotations: MP100Annotations, predictions: Predictions, num_episodes: int = 200, empty: str = 'zero'
) -> Scores:
    """Score the published episodes: a query on its visible points that are also visible in the support.

    A prediction from text does not depend on the support, so it is used for all pairs of its instance.

    Args:
        predictions: annotation id -> ``[K, 2]``, (x, y) in pixels of the original image. Pairs whose query has none
            are left out and counted.
        num_episodes: per category; published: 200 on test, 100 on val.
        empty: ``'zero'``: a pair without a common visible point counts as 0 in PCK, AUC and NME, as published;
            ``'skip'``: it is left out.

    Raises:
        ValueError: a category has fewer than 16 instances, or nothing is left to score.
    """
    check_choice('empty', empty, EMPTY)
    episodes = draw_episodes(annotations, num_episodes)
    category_of = np.array([instance.category_id for instance in annotations.instances])
    rows = {}
    for category_id, members in _by_category(annotations, predictions).items():
        drawn = np.searchsorted(members.indices, episodes[category_of[episodes[:, 1]] == category_id])
        scored = members.predicted[drawn[:, 1]]
        support, query = drawn[scored].T
        curve, nme, shown = _score(members.errors[query], members.visible[support] & members.visible[query])
        used = shown if empty == 'skip' else np.ones_like(shown)
        rows[category_id] = _Rows(curve[used], nme[used], int((~shown).sum()), int((~scored).sum()))
    return _summary(annotations, predictions, rows, 'pairs')


def draw_episodes(annotations: MP100Annotations, num_episodes: int = 200) -> np.ndarray:
    """The published (support, query) pairs: ``[categories x episodes x 15, 2]``, indices of the kept instances, int32.

    The published code calls ``random.seed(1)`` and draws 16 instances without replacement for each episode, category
    by category in the file's order. A separate generator gives the same numbers; the caller's is not changed.

    Raises:
        ValueError: a category has fewer than 16 instances.
    """
    if num_episodes < 1:
        raise ValueError(f'num_episodes={num_episodes}: at least 1 is needed.')
    members: Dict[int, List[int]] = {category_id: [] for category_id in annotations.categories}
    for instance in annotations.instances:
        members[instance.category_id].append(instance.index)
    rng = random.Random(1)
    drawn = []
    for category_id, indices in members.items():
        if len(indices) < 1 + QUERIES:
            raise ValueError(
                f'{annotations.path}: an episode needs {1 + QUERIES} instances of a category, '
                f'{annotations.categories[category_id].slug!r} has {len(indices)}; score it with the '
                'protocol query_only.'
            )
        drawn += [rng.sample(indices, 1 + QUERIES) for _ in range(num_episodes)]
    episodes = np.array(drawn, np.int32)
    return np.stack([np.repeat(episodes[:, 0], QUERIES), episodes[:, 1:].reshape(-1)], axis=1)


def _by_category(annotations: MP100Annotations, predictions: Predictions) -> Dict[int, _Members]:
    members = {}
    for category_id, category in annotations.categories.items():
        instances = [instance for instance in annotations.instances if instance.category_id == category_id]
        shape = (len(instances), category.num_keypoints)
        truth = np.array([instance.keypoints for instance in instances]).reshape(*shape, 2)
        given = np.array([predictions.get(instance.id, instance.keypoints) for instance in instances])
        normalizers = np.array([[instance.normalizer] for instance in instances])
        members[category_id] = _Members(
            np.array([instance.index for instance in instances], np.int64),
            np.linalg.norm(given.reshape(*shape, 2) - truth, axis=-1) / normalizers.reshape(-1, 1),
            np.array([instance.visible for instance in instances], bool).reshape(shape),
            np.array([instance.id in predictions for instance in instances], bool),
        )
    return members


def _score(errors: np.ndarray, mask: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PCK ``[R, 20]`` and NME ``[R]`` of each row's points, 0 where it has none, and whether it has any ``[R]``."""
    count = mask.sum(axis=1)
    divisor = np.maximum(count, 1)
    hits = np.stack([((errors < threshold) & mask).sum(axis=1) for threshold in CURVE], axis=1)
    return hits / divisor[:, None], (errors * mask).sum(axis=1) / divisor, count > 0


def _summary(annotations: MP100Annotations, predictions: Predictions, rows: Dict[int, _Rows], unit: str) -> Scores:
    categories = annotations.categories
    missing = {category.slug: 0 for category in categories.values()}
    for instance in annotations.instances:
        missing[categories[instance.category_id].slug] += instance.id not in predictions
    filled = {category_id: part for category_id, part in rows.items() if len(part.nme)}
    if not filled:
        raise ValueError(
            f'{annotations.path}: no {unit} can be scored: {len(annotations.instances):,} instances, '
            f'{sum(missing.values()):,} of them without a prediction.'
        )
    by_supercategory: Dict[str, List[_Rows]] = {}
    for category_id, part in filled.items():
        by_supercategory.setdefault(categories[category_id].supercategory, []).append(part)
    return Scores(
        _mean(list(filled.values()), unit),
        {categories[category_id].slug: _mean([part], unit) for category_id, part in filled.items()},
        {name: _mean(parts, unit) for name, parts in by_supercategory.items()},
        sum(part.empty for part in rows.values()),
        {slug: count for slug, count in missing.items() if count},
        sum(part.left_out for part in rows.values()),
    )


def _mean(parts: List[_Rows], unit: str) -> Dict[str, float]:
    curve = np.concatenate([part.curve for part in parts]).mean(axis=0)
    pck = {f'PCK@{threshold:g}': float(value) for threshold, value in zip(CURVE[THRESHOLDS], curve[THRESHOLDS])}
    return dict(
        pck,
        mPCK=float(np.mean(list(pck.values()))),
        NME=float(np.concatenate([part.nme for part in parts]).mean()),
        AUC=float(curve.mean()),
        **{unit: sum(len(part.nme) for part in parts)},
    )
