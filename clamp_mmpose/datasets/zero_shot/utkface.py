import logging
import re
from pathlib import Path
from typing import List

from mmengine.logging import print_log
from mmpose.registry import DATASETS

from .ages import AGE_ENSEMBLE, AGE_TEMPLATES, BABY_TO_ADULT, BABY_TO_ADULT_LIMITS, age_group
from .zero_shot_dataset import ZeroShotDataset


@DATASETS.register_module()
class UTKFaceDataset(ZeroShotDataset):
    """UTKFace (Zhang et al., "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR 2017): cropped
    faces, each of one of five age groups.

    Reads the names of the images, ``<age>_<gender>_<race>_<date and time>.jpg`` or ``.jpg.chip.jpg``, in
    ``data_root/UTKFace`` or else in ``data_root``. Other files are left out and counted in the log.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: it holds no images.
    """

    METAINFO: dict = dict(dataset_name='UTKFace')
    task = 'Age'
    top_k = 1
    classes = BABY_TO_ADULT
    templates = AGE_TEMPLATES
    ensemble = AGE_ENSEMBLE

    def read_samples(self) -> List[dict]:
        folder = Path(self.data_root or '', 'UTKFace')
        if not folder.is_dir():
            folder = self.path()
        samples, others = [], []
        for name in sorted(file.name for file in folder.iterdir()):
            found = re.fullmatch(r'(\d{1,3})_.*\.jpg', name)
            if found:
                samples.append(self.sample(folder / name, [age_group(int(found[1]), BABY_TO_ADULT_LIMITS)]))
            else:
                others.append(name)
        if others:
            print_log(
                f'{self.name}: left out {len(others):,} files of {folder} whose names are not '
                f'<age>_<...>.jpg, such as {others[0]}.',
                logger='current',
                level=logging.WARNING,
            )
        return samples
