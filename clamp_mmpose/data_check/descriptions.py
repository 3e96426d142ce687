"""Faults of data sets of whole pictures: descriptions to train on, classes to test zero-shot."""

from typing import List, Optional, Tuple

from mmpose.registry import DATASETS

from clamp_mmpose.datasets.descriptions.descriptions_dataset import DescriptionsDataset
from clamp_mmpose.datasets.descriptions.mpii_descriptions_dataset import MPIIDescriptionsDataset
from clamp_mmpose.datasets.zero_shot import ZeroShotDataset

from .annotations import Case
from .images import Progress, image_cases, reason_of

PICTURE_SETS = (DescriptionsDataset, MPIIDescriptionsDataset, ZeroShotDataset)


def picture_set_cases(
    dataset: dict, where: str, images: bool, workers: Optional[int], progress: Progress
) -> Tuple[List[Case], List[str], int]:
    """What is wrong with one of ``PICTURE_SETS``, the files of its pictures, and its number of samples.

    Args:
        dataset: its config.
        where: the setting of the config that it comes from.
        images: also decode every picture.
        workers: threads that decode; None: Python's choice.
        progress: wraps the decoded pictures.
    """
    kind = str(dataset['type'])
    built = None
    try:
        built = DATASETS.build(dict(dataset, pipeline=[], lazy_init=True))
        built.full_init()
    except FileNotFoundError as error:
        absent = isinstance(built, ZeroShotDataset)
        return [('zero-shot data set is absent' if absent else 'data set cannot be read', kind, str(error))], [], 0
    except (TypeError, ValueError) as error:  # TypeError: arguments that it does not have
        return [('data set cannot be read', kind, reason_of(error))], [], 0
    samples = [built.get_data_info(index) for index in range(len(built))]
    paths = list(dict.fromkeys(sample['img_path'] for sample in samples if 'img' not in sample))  # FER+ has pixels
    entries = [dict(file_name=path) for path in paths]
    return list(image_cases(entries, '', workers, progress, where)) if images else [], paths, len(samples)
