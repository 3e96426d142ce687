"""Retrieval between two lists whose i-th entries belong together: R@k over the whole pool, and R-precision."""

from typing import Dict, NamedTuple, Sequence, Union

import numpy as np
import torch

Array = Union[np.ndarray, torch.Tensor]


class Retrieval(NamedTuple):
    """Recall of one direction, in percent by k.

    Attributes:
        recall: expected if entries of equal score are in random order.
        published: with equal scores in the order of PyTorch's sort, which is a matter of luck, as in the code of
            PoseScript and ChatPose.
        expected_rank: mean rank of the right entry from 1, the middle one of those with its score.
        tied: queries whose right entry shares its score with others.
        pool: entries in the gallery, one for each query.
    """

    recall: Dict[int, float]
    published: Dict[int, float]
    expected_rank: float
    tied: int
    pool: int


def retrieve(query: Array, gallery: Array, ks: Sequence[int] = (1, 5, 10)) -> Retrieval:
    """Search the entry of each query in the whole gallery by dot product.

    Args:
        query, gallery: ``[N, D]``, of length 1 for cosines; rows i belong together. Equal rows get equal scores.
        ks: an entry is found if fewer than k others are before it.

    Raises:
        ValueError: other shapes, values that are not finite.
    """
    scores = _scores(query, gallery)
    own = scores.diagonal()[:, None]
    before, equal = (scores > own).sum(1), (scores == own).sum(1)
    order = torch.from_numpy(scores).float().sort(dim=1, descending=True).indices
    sorted_place = (order == torch.arange(len(order))[:, None]).int().argmax(1).numpy()
    return Retrieval(
        recall={k: 100 * float(((k - before) / equal).clip(0, 1).mean()) for k in ks},
        published={k: 100 * float((sorted_place < k).mean()) for k in ks},
        expected_rank=float((before + (equal + 1) / 2).mean()),
        tied=int((equal > 1).sum()),
        pool=len(scores),
    )


def r_precision(
    query: Array,
    gallery: Array,
    ks: Sequence[int] = (1, 2, 3),
    pool: int = 32,
    repetitions: int = 10,
    seed: int = 0,
) -> Dict[int, float]:
    """Recall in percent by k in random pools of few entries, which is far above R@k of the whole gallery.

    Args:
        query, gallery, ks: as for :func:`retrieve`; ties count by their expected value.
        pool: the right entry, and ``pool - 1`` others that are drawn for each query.
        repetitions: draws for each query.
        seed: of the draws.

    Raises:
        ValueError: as for :func:`retrieve`, or a gallery smaller than the pool.
    """
    scores = _scores(query, gallery)
    number = len(scores)
    if not 1 < pool <= number:
        raise ValueError(f'pools of {pool} need 2 or more, and at most all {number} entries of the gallery.')
    generator = np.random.default_rng(seed)
    found = dict.fromkeys(ks, 0.0)
    for _ in range(repetitions):
        # the others of each query are the smallest of random numbers; its own place comes first
        keys = generator.random((number, number))
        np.fill_diagonal(keys, -1)
        places = np.argpartition(keys, pool - 1, axis=1)[:, :pool]
        drawn, own = np.take_along_axis(scores, places, 1), scores.diagonal()[:, None]
        before, equal = (drawn > own).sum(1), (drawn == own).sum(1)
        for k in ks:
            found[k] += float(((k - before) / equal).clip(0, 1).mean()) / repetitions
    return {k: 100 * share for k, share in found.items()}


def _scores(query: Array, gallery: Array) -> np.ndarray:
    """Dot products ``[N, N]``, the same for equal rows: a matrix product may round them in different ways."""
    rows = [
        values.detach().cpu().double().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, np.float64)
        for values in (query, gallery)
    ]
    if rows[0].shape != rows[1].shape or rows[0].ndim != 2 or not len(rows[0]):
        raise ValueError(
            f'expected two arrays [N, D] whose rows belong together, got {list(rows[0].shape)} and '
            f'{list(rows[1].shape)}.'
        )
    if not all(np.isfinite(values).all() for values in rows):
        raise ValueError('embeddings are not finite: check the weights of the retrieval model.')
    (first, first_place), (second, second_place) = (np.unique(values, axis=0, return_inverse=True) for values in rows)
    # NumPy 2.0 keeps a dimension of length 1
    return (first @ second.T)[first_place.reshape(-1)[:, None], second_place.reshape(-1)[None]]
