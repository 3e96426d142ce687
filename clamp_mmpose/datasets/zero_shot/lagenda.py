import logging
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List

from mmengine.logging import print_log
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.tables import read_csv
from clamp_mmpose.utils.choices import check_choice

from .ages import AGE_ENSEMBLE, AGE_TEMPLATES, KID_TO_ADULT, KID_TO_ADULT_LIMITS, age_group
from .zero_shot_dataset import ZeroShotDataset

BOXES = dict(body='person', face='face')  # their names in the columns


@DATASETS.register_module()
class LagendaDataset(ZeroShotDataset):
    """LAGENDA (Kuprashevich and Tolstykh, "MiVOLO: Multi-input Transformer for Age and Gender Estimation", 2023): the
    crop of a body or a face, with one of three age groups.

    Reads ``lagenda_annotation.csv`` with ``img_name``, ``age``, ``face_x0`` to ``face_y1`` and ``person_x0`` to
    ``person_y1``, pixels of the original image; -1: unknown. Rows without an age or the chosen box are left out.
    Images are at ``data_root/img_name``, or by file name in ``data_root/images``.

    Args:
        crop: ``'body'`` or ``'face'``.
        kwargs: as for :class:`ZeroShotDataset`; ``ann_file``: another name of the CSV file.

    Raises:
        FileNotFoundError: the CSV file does not exist.
        ValueError: another crop, a missing column, an age or box that is not a number.
    """

    task = 'Age'
    top_k = 1
    classes = KID_TO_ADULT
    templates = AGE_TEMPLATES
    ensemble = AGE_ENSEMBLE

    def __init__(self, crop: str, **kwargs: Any):
        check_choice('LagendaDataset: crop', crop, tuple(BOXES))
        self.crop = crop
        super().__init__(**kwargs)

    def read_samples(self) -> List[dict]:
        self._metainfo['dataset_name'] = f'LAGENDA-{self.crop.capitalize()}'
        path = self.path(osp.abspath(self.ann_file) if self.ann_file else 'lagenda_annotation.csv')
        corners = [f'{BOXES[self.crop]}_{corner}' for corner in ('x0', 'y0', 'x1', 'y1')]
        found, left_out = [], 0
        for place, row in read_csv(path, ['img_name', 'age', *corners]):
            age, *box = _numbers(place, row, ['age', *corners])
            if age >= 0 and -1 not in box:
                found.append((row['img_name'], [age_group(age, KID_TO_ADULT_LIMITS)], box))
            else:
                left_out += 1
        if left_out:
            print_log(
                f'{self.name}: left out {left_out:,} rows without an age or the box of a {self.crop}.',
                logger='current',
                level=logging.WARNING,
            )
        root = Path(self.data_root or '')
        if found and not (root / found[0][0]).exists() and (root / 'images').is_dir():
            found = [(f'images/{Path(name).name}', labels, box) for name, labels, box in found]
        return [self.sample(root / name, labels, box) for name, labels, box in found]


def _numbers(place: str, row: Dict[str, str], columns: List[str]) -> List[float]:
    try:
        return [float(row[column] or -1) for column in columns]
    except ValueError:
        raise ValueError(f'{place}: expected numbers in {columns}, got {[row[c] for c in columns]}.') from None
