from typing import Sequence

import numpy as np


def shuffled_passes(members: np.ndarray, start: int, count: int, seed: Sequence[int]) -> np.ndarray:
    """A section ``[count]`` of an endless sequence of passes through ``members``, each in its own random order.

    No member is repeated before all were drawn, and where a section starts needs no state.

    Args:
        members: ``[N]``, N > 0.
        start: place of the section in the sequence.
        seed: of the orders.
    """
    first, last = start // len(members), -(-(start + count) // len(members))
    passes = [np.random.RandomState([*seed, number]).permutation(members) for number in range(first, last)]
    offset = start - first * len(members)
    return np.concatenate(passes)[offset : offset + count] if passes else members[:0]
