from typing import Any, List

from mmpose.registry import DATASETS

from clamp_mmpose.datasets.files.tables import read_rows
from clamp_mmpose.utils.choices import check_choice

from .zero_shot_dataset import ZeroShotDataset

UNSEEN = 50  # of the 200 species, in the split of Xian et al.


@DATASETS.register_module()
class CUBDataset(ZeroShotDataset):
    """CUB-200-2011 (Wah et al., 2011) in the zero-shot split of Xian et al. ("Zero-Shot Learning: A Comprehensive
    Evaluation of the Good, the Bad and the Ugly", TPAMI 2018): whole images, each of one of the chosen species.

    Reads ``classes.txt``, ``images.txt`` and ``image_class_labels.txt`` of ``data_root``, the folder
    ``CUB_200_2011``. The classes are in the order of ``classes.txt``. The accuracy is the mean over classes.

    Args:
        classes: ``'unseen'``: the 50 test species of the split, ``'seen'``: the 150 others, or
            ``'all'``.
        split_file: the ``testclasses.txt`` of the split, below ``data_root`` or absolute; ``'all'`` needs none.
        kwargs: as for :class:`ZeroShotDataset`.

    Raises:
        FileNotFoundError: one of the files does not exist.
        ValueError: other classes, a split file without 50 species of ``classes.txt``, a malformed line.
    """

    METAINFO: dict = dict(dataset_name='CUB')
    task = 'Bird'
    top_k = 1
    average = 'macro'
    templates = ('a photo of a/an {}, a type of bird',)
    ensemble = ('a photo of a/an {}', 'a photo of the bird species {}', 'a photo of a bird that is a/an {}')

    def __init__(self, classes: str = 'unseen', split_file: str = 'testclasses.txt', **kwargs: Any):
        check_choice('CUBDataset: classes', classes, ('unseen', 'seen', 'all'))
        self.subset = classes
        self.split_file = split_file
        super().__init__(**kwargs)

    def read_samples(self) -> List[dict]:
        paths = {name: self.path(f'{name}.txt') for name in ('classes', 'images', 'image_class_labels')}
        species = {number: name for _, (number, name) in read_rows(paths['classes'], 2)}
        self.classes = self._chosen(list(species.values()))
        self.words = [name.split('.', 1)[-1].replace('_', ' ') for name in self.classes]
        indices = {name: index for index, name in enumerate(self.classes)}
        labels = dict(words for _, words in read_rows(paths['image_class_labels'], 2))
        samples = []
        for place, (image, name) in read_rows(paths['images'], 2):
            if labels.get(image) not in species:
                raise ValueError(
                    f'{place}: image {image} has no class of {paths["classes"]} in {paths["image_class_labels"]}.'
                )
            label = indices.get(species[labels[image]])
            if label is not None:
                samples.append(self.sample(paths['images'].parent / 'images' / name, [label]))
        return samples

    def _chosen(self, names: List[str]) -> List[str]:
        if self.subset == 'all':
            return names
        path = self.path(self.split_file)
        unseen = {name for _, (name,) in read_rows(path, 1)}
        unknown = sorted(unseen - set(names))
        if len(unseen) != UNSEEN or unknown:
            raise ValueError(
                f'{path} holds {len(unseen)} classes, unknown: {unknown}; expected {UNSEEN} of '
                'classes.txt: the testclasses.txt that Xian et al. publish for CUB.'
            )
        return [name for name in names if (name in unseen) == (self.subset == 'unseen')]
