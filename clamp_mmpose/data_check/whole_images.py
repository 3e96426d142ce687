"""Check data sets of whole images: descriptions for training, classes for zero-shot tests, questions about 3D poses."""

from typing import Dict

from mmpose.registry import DATASETS

from clamp_mmpose.datasets.descriptions.descriptions_dataset import DescriptionsDataset
from clamp_mmpose.datasets.descriptions.mpii_descriptions_dataset import MPIIDescriptionsDataset
from clamp_mmpose.datasets.poses import PoseDataset, ReasonedPoses, SpeculativePoses
from clamp_mmpose.datasets.zero_shot import ZeroShotDataset

from .findings import Finding, reason_of
from .images import ImageCheck, image_findings
from .report import DatasetReport

WHOLE_IMAGE_DATASETS = (
    DescriptionsDataset,
    MPIIDescriptionsDataset,
    ZeroShotDataset,
    PoseDataset,
    ReasonedPoses,
    SpeculativePoses,
)


def check_whole_images(dataset: dict, where: str, how: ImageCheck) -> DatasetReport:
    """Check one of ``WHOLE_IMAGE_DATASETS``, given by its config at ``where``."""
    kind = str(dataset['type'])
    built = None
    try:
        built = DATASETS.build(dict(dataset, pipeline=[], lazy_init=True))
        built.full_init()
    except FileNotFoundError as error:
        return DatasetReport([Finding('CF005' if isinstance(built, ZeroShotDataset) else 'CF004', kind, str(error))])
    except (TypeError, ValueError) as error:  # TypeError: unknown arguments
        return DatasetReport([Finding('CF004', kind, reason_of(error))])
    samples = [built.get_data_info(index) for index in range(len(built))]
    # FER+ stores pixels, and a question about a text has no image
    paths = list(dict.fromkeys(sample['img_path'] for sample in samples if 'img' not in sample and sample['img_path']))
    digests: Dict[str, bytes] = {}
    findings = image_findings([dict(file_name=path) for path in paths], '', how, where, digests)
    return DatasetReport(list(findings), paths, len(samples), digests=digests)
