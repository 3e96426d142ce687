from abc import ABC, abstractmethod
from collections import Counter
from typing import Iterator

from .pose_sample import PoseSample


class PoseReader(ABC):
    """Reads the poses of a data set as its authors ship it; registered in DATASETS.

    Attributes:
        dropped: what was left out and how often, of the last pass.
    """

    def __init__(self) -> None:
        self.dropped: Counter = Counter()

    def __iter__(self) -> Iterator[PoseSample]:
        self.dropped.clear()
        return self.samples()

    @abstractmethod
    def samples(self) -> Iterator[PoseSample]:
        """The samples in the order of the file.

        Raises:
            FileNotFoundError, ValueError: a file is not there, or not as expected; it is named.
        """
