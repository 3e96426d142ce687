from dataclasses import dataclass, field
from typing import List

from .findings import Finding


@dataclass(frozen=True)
class DatasetReport:
    """What was found in one data set, the paths of its images, and its number of instances."""

    findings: List[Finding]
    paths: List[str] = field(default_factory=list)
    instances: int = 0


@dataclass(frozen=True)
class CheckReport:
    """Findings, and how many different data sets, images and instances were checked."""

    findings: List[Finding]
    datasets: int
    images: int
    instances: int
