"""Retrieval by dot products: R@k over the whole gallery, and R-precision in random pools."""

import random
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import torch

Array = Union[np.ndarray, torch.Tensor]
QUERIES_AT_ONCE = 1024


class Retrieval(NamedTuple):
    """Recall of one direction, in percent by k.

    Attributes:
        recall: expected if entries of equal score are in random order.
        published: with equal scores in the order of PyTorch's sort, which is a matter of luck, as in the code of
            PoseScript and ChatPose.
        expected_rank: mean rank of the right entry from 1, the middle one of those with its score.
        tied: queries whose right entry shares its score with others.
        pool: entries in the gallery.
    """

    recall: Dict[int, float]
    published: Dict[int, float]
    expected_rank: float
    tied: int
    pool: int


def retrieve(
    query: Array, gallery: Array, ks: Sequence[int] = (1, 5, 10), positions: Optional[Sequence[int]] = None
) -> Retrieval:
    """Search the entry of each query in the whole gallery by dot product.

    Args:
        query, gallery: ``[N, D]`` and ``[M, D]``, of length 1 for cosines. Equal rows get equal scores.
        ks: an entry is found if fewer than k others are before it.
        positions: in the gallery, of the entry of each query; default: rows i belong together, and M is N.

    Raises:
        ValueError: other shapes, values that are not finite.
    """
    before, equal, by_sort = [], [], []
    for scores, places in _scores(query, gallery, positions):
        own = np.take_along_axis(scores, places[:, None], 1)
        before.append((scores > own).sum(1))
        equal.append((scores == own).sum(1))
        order = torch.from_numpy(scores).float().sort(dim=1, descending=True).indices
        by_sort.append((order == torch.from_numpy(places)[:, None]).int().argmax(1).numpy())
    before, equal, by_sort = map(np.concatenate, (before, equal, by_sort))
    return Retrieval(
        recall={k: 100 * float(((k - before) / equal).clip(0, 1).mean()) for k in ks},
        published={k: 100 * float((by_sort < k).mean()) for k in ks},
        expected_rank=float((before + (equal + 1) / 2).mean()),
        tied=int((equal > 1).sum()),
        pool=len(gallery),
    )


def r_precision(
    query: Array,
    gallery: Array,
    ks: Sequence[int] = (1, 2, 3),
    pool: int = 32,
    repetitions: int = 10,
    seed: int = 0,
    published: bool = False,
) -> Dict[int, float]:
    """Recall in percent by k in random pools of few entries, which is far above R@k of the whole gallery.

    Args:
        query, gallery: ``[N, D]``; rows i belong together.
        ks: as for :func:`retrieve`; ties count by their expected value.
        pool: the right entry, and ``pool - 1`` others that are drawn for each query.
        repetitions: draws for each query.
        seed: of the draws, which are those of PoseScript's code after ``random.seed(seed)``.
        published: a query is found if its rank from 0, averaged over the repetitions, is below k, as in PoseScript's
            code; else each draw counts by itself.

    Raises:
        ValueError: as for :func:`retrieve`, or a gallery smaller than the pool.
    """
    number = len(gallery)
    if not 1 < pool <= number:
        raise ValueError(f'pools of {pool} need 2 or more, and at most all {number} entries of the gallery.')
    generator = random.Random(seed)
    found = dict.fromkeys(ks, 0.0)
    for scores, places in _scores(query, gallery, None):
        own = np.take_along_axis(scores, places[:, None], 1)
        pools = []
        for place in places.tolist():
            draws = (generator.sample(range(number), pool) for _ in range(repetitions))
            pools.append([[place, *(i for i in draw if i != place)][:pool] for draw in draws])
        drawn = np.take_along_axis(scores, np.reshape(pools, (len(places), -1)), 1).reshape(len(places), -1, pool)
        before, equal = (drawn > own[:, None]).sum(2), (drawn == own[:, None]).sum(2)
        for k in ks:
            if published:
                hits = repetitions * (before.mean(1) + (equal.mean(1) - 1) / 2 < k)
            else:
                hits = ((k - before) / equal).clip(0, 1)
            found[k] += float(hits.sum())
    return {k: 100 * total / (repetitions * number) for k, total in found.items()}


def _scores(
    query: Array, gallery: Array, positions: Optional[Sequence[int]]
) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Dot products ``[n, M]`` of some queries after others, and where their entries are ``[n]``.

    Equal rows of the gallery get equal scores: a matrix product may round them in different ways.
    """
    first, second = (
        values.detach().cpu().double().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, np.float64)
        for values in (query, gallery)
    )
    places = np.arange(len(second)) if positions is None else np.asarray(positions, np.int64)
    fits = first.ndim == second.ndim == 2 and first.shape[1] == second.shape[1] and len(first) == len(places) > 0
    if not fits or not ((places >= 0) & (places < len(second))).all():
        raise ValueError(
            f'expected queries [N, D] and a gallery [M, D] with the entry of each, got {list(first.shape)} and '
            f'{list(second.shape)}.'
        )
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        raise ValueError('embeddings are not finite: check the weights of the retrieval model.')
    unique, of_row = np.unique(second, axis=0, return_inverse=True)
    of_row = of_row.reshape(-1)  # NumPy 2.0 keeps a dimension of length 1
    for start in range(0, len(first), QUERIES_AT_ONCE):
        chunk = slice(start, start + QUERIES_AT_ONCE)
        yield (first[chunk] @ unique.T)[:, of_row], places[chunk]
