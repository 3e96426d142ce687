import os.path as osp
from typing import Any, Dict, List, Sequence

import numpy as np
from mmpose.datasets.datasets.body import MpiiDataset
from mmpose.registry import DATASETS

from clamp_mmpose.utils.choices import check_choice

from .entries import MISSING, check_images, descriptions_of, keep_described, read_entries

OF_PEOPLE = ('keypoints', 'keypoints_visible', 'bbox', 'bbox_score')


@DATASETS.register_module()
class MPIIDescriptionsDataset(MpiiDataset):
    """MPII Pose Descriptions (FocusCLIP, appendix A): images with descriptions and the keypoints of all people.

    The annotations are MMPose's MPII files, with an entry for each person and ``description``, see
    :func:`read_entries`; the published set describes 14,644 images for training and 2,723 for validation. A
    sample is an image with ``descriptions``, ``keypoints`` ``[N, 16, 2]`` and ``bbox`` ``[N, 4]`` in pixels of the
    original image, and ``keypoints_visible`` ``[N, 16]``.

    Args:
        ann_file: such as ``mpii_train.json``; it may hold the descriptions itself.
        description_files: files of descriptions, one for each language model; an image gets those of all files.
        missing_descriptions: ``'error'``, or ``'skip'``: images without one are left out and counted in the log.
        kwargs: as for MMPose's ``MpiiDataset``.

    Raises:
        FileNotFoundError: a file or an image does not exist.
        ValueError: malformed files, images without a description.
    """

    def __init__(
        self,
        ann_file: str = '',
        description_files: Sequence[str] = (),
        missing_descriptions: str = 'error',
        **kwargs: Any,
    ):
        check_choice('missing_descriptions', missing_descriptions, MISSING)
        self.description_files = description_files
        self.missing_descriptions = missing_descriptions
        super().__init__(ann_file=ann_file, data_mode='bottomup', **kwargs)

    def load_data_list(self) -> List[dict]:
        """The described images, in the order of the annotations."""
        ann_file = str(self.ann_file)
        descriptions = descriptions_of([read_entries(file) for file in (ann_file, *self.description_files)])
        try:
            instances, _ = self._load_annotations()
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{self.ann_file} is not an MPII annotation file of MMPose, with image, center, scale, '
                f'joints and joints_vis for each person: {type(error).__name__} {error}.'
            ) from error
        people: Dict[str, List[dict]] = {}
        for instance in instances:
            people.setdefault(instance['img_path'], []).append(instance)
        names = {osp.basename(path): path for path in people}
        kept = keep_described(list(names), descriptions, self.missing_descriptions, ann_file)
        check_images([names[name] for name in kept], ann_file)
        return [self._sample(people[names[name]], descriptions[name]) for name in kept]

    @staticmethod
    def _sample(people: List[dict], descriptions: List[str]) -> dict:
        together = {key: np.concatenate([person[key] for person in people]) for key in OF_PEOPLE}
        first = people[0]
        return dict(
            together, id=first['img_id'], img_id=first['img_id'], img_path=first['img_path'], descriptions=descriptions
        )
