import logging
import os.path as osp
from pathlib import Path
from typing import Any, List

import numpy as np
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from clamp_mmpose.utils.choices import check_choice

from .ages import AGE_ENSEMBLE, AGE_TEMPLATES, KID_TO_ADULT
from .zero_shot_dataset import ZeroShotDataset

EMOTIONS = (
    'Affection',
    'Anger',
    'Annoyance',
    'Anticipation',
    'Aversion',
    'Confidence',
    'Disapproval',
    'Disconnection',
    'Disquietment',
    'Doubt/Confusion',
    'Embarrassment',
    'Engagement',
    'Esteem',
    'Excitement',
    'Fatigue',
    'Fear',
    'Happiness',
    'Pain',
    'Peace',
    'Pleasure',
    'Sadness',
    'Sensitivity',
    'Suffering',
    'Surprise',
    'Sympathy',
    'Yearning',
)
ANN_FILES = (
    'Annotations/Annotations.mat',
    'Annotations/CVPR17_Annotations.mat',
    'Annotations.mat',
    'CVPR17_Annotations.mat',
)
TASKS = dict(
    age=dict(task='Age', top_k=1, classes=KID_TO_ADULT, templates=AGE_TEMPLATES, ensemble=AGE_ENSEMBLE),
    emotion=dict(
        task='Emotion',
        top_k=3,
        classes=EMOTIONS,
        words=tuple(emotion.lower() for emotion in EMOTIONS),
        templates=('a photo of a person who is feeling {}',),
        ensemble=(
            'a photo of a person who feels {}',
            'a photo of a person showing {}',
            'the person in the photo is feeling {}',
        ),
    ),
)


@DATASETS.register_module()
class EmoticDataset(ZeroShotDataset):
    """EMOTIC (Kosti et al., "Context Based Emotion Recognition Using EMOTIC Dataset", TPAMI 2020): the box of a person,
    labeled with one of three age groups or with some of 26 emotions.

    Reads ``Annotations/Annotations.mat``, or ``CVPR17_Annotations.mat``, there or in ``data_root``. The folders of
    the images are in ``data_root/emotic`` or else in ``data_root``. Boxes are in pixels of the original image, as
    annotated. If several people annotated a person, the emotions are their ``combined_categories``. Persons
    without an age, or without emotions, are left out and counted in the log.

    Args:
        task: ``'age'`` or ``'emotion'``.
        split: ``'test'``, ``'val'`` or ``'train'``.
        kwargs: as for :class:`ZeroShotDataset`; ``ann_file``: another path of the annotations.

    Raises:
        FileNotFoundError: the annotations do not exist.
        ValueError: another task or split, a file without it, a malformed person, an unknown age or emotion.
    """

    METAINFO: dict = dict(dataset_name='Emotic')

    def __init__(self, task: str, split: str = 'test', **kwargs: Any):
        check_choice('EmoticDataset: task', task, tuple(TASKS))
        check_choice('EmoticDataset: split', split, ('train', 'val', 'test'))
        self.split = split
        for name, value in TASKS[task].items():
            setattr(self, name, value)
        super().__init__(**kwargs)

    def read_samples(self) -> List[dict]:
        root = Path(self.data_root or '')
        known = [name for name in ANN_FILES if (root / name).exists()]
        path = self.path(osp.abspath(self.ann_file) if self.ann_file else (known or ANN_FILES)[0])
        root = root / 'emotic' if (root / 'emotic').is_dir() else root
        samples, left_out = [], 0
        for number, image in enumerate(_read_split(path, self.split), 1):
            try:
                for person in _several(image['person']):
                    labels = self._labels(person)
                    left_out += not labels
                    if labels:
                        img_path = root / image['folder'] / image['filename']
                        samples.append(self.sample(img_path, labels, _box(person['body_bbox'])))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'{path}: {self.split}, image {number}: {type(error).__name__} {error}.') from error
        if left_out:
            print_log(
                f'{self.name}: left out {left_out:,} persons of {self.split} without '
                f'{"an age" if self.task == "Age" else "emotions"}.',
                logger='current',
                level=logging.WARNING,
            )
        return samples

    def _labels(self, person: dict) -> List[int]:
        if self.task == 'Age':
            names = [name.lower() for name in _strings(person['age'])]
        else:
            names = _strings(person.get('combined_categories', ())) or [
                name
                for annotator in _several(person['annotations_categories'])
                for name in _strings(annotator['categories'])
            ]
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            raise ValueError(f'unknown labels {unknown}, expected some of {", ".join(self.classes)}')
        return sorted({self.classes.index(name) for name in names})


def _read_split(path: Path, split: str) -> List[dict]:
    """The images of a split: structs as dictionaries, each with ``person``, one or several."""
    from scipy.io import loadmat  # slow to import

    try:
        content = loadmat(path, simplify_cells=True, variable_names=[split])
    except Exception as error:  # a broken file raises errors of many kinds
        raise ValueError(f'{path} is not a MATLAB file that scipy reads: {error}') from error
    if split not in content:
        raise ValueError(f'{path} has no {split}; expected the annotations of EMOTIC: train, val and test.')
    return _several(content[split])


def _several(structs: Any) -> list:
    """A struct array as a list; in MATLAB one struct is an array of one."""
    return [structs] if isinstance(structs, dict) else list(structs)


def _strings(cells: Any) -> List[str]:
    """The strings of a cell array, or of a string."""
    return [str(cell) for cell in np.atleast_1d(cells) if np.size(cell) and str(cell)]


def _box(corners: Any) -> np.ndarray:
    box = np.ravel(np.array(corners, np.float64))
    if box.shape != (4,) or not np.isfinite(box).all():
        raise ValueError(f'body_bbox {box.tolist()}, expected x1, y1, x2, y2')
    return box
