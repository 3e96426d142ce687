from dataclasses import dataclass, field
from typing import Dict, List, Optional

from .findings import Finding


@dataclass(frozen=True)
class DatasetReport:
    """What was found in one data set.

    Args:
        findings: its faults.
        paths: of its images.
        instances: their number.
        content: the parsed annotation file if it is COCO-style, else None.
        ann_file: its path.
        metainfo: as MMPose parses it, None if the data set has none.
        digests: hashes of the bytes of its images, by path.
    """

    findings: List[Finding]
    paths: List[str] = field(default_factory=list)
    instances: int = 0
    content: Optional[dict] = None
    ann_file: str = ''
    metainfo: Optional[dict] = None
    digests: Dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckReport:
    """Findings, and how many different data sets, images and instances were checked."""

    findings: List[Finding]
    datasets: int
    images: int
    instances: int
