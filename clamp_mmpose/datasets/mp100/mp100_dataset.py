import logging
import os.path as osp
from collections import Counter
from copy import copy
from typing import Any, Dict, List, Optional, Sequence, Set

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.fileio import exists
from mmengine.logging import print_log
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import DATASETS

from clamp_mmpose.language.category_texts import FOLDER, CategoryTexts, load_texts
from clamp_mmpose.utils.choices import check_choice

from .annotations import Category, Instance, MP100Annotations, read_instances


@DATASETS.register_module()
class MP100Dataset(BaseCocoStyleDataset):
    """MP-100 (Xu et al., "Pose for Everything", ECCV 2022) and files of its format; each category has its own texts.

    Instances and boxes are those of the benchmark, see :func:`read_instances`. Keypoints, ``[1, K, 2]`` with the K of
    the category, and boxes are in pixels of the original image. Each instance has the ``keypoint_names``,
    ``keypoint_descriptions``, ``skeleton_links`` and ``flip_indices`` of its category, which ``category_fields`` holds
    by category id. Training leaves out instances without visible keypoints, unless ``hidden='absent'``; tests keep
    them.

    Args:
        ann_file: such as ``mp100_split1_train.json``.
        texts: folder of text files, or a JSON file, see :func:`load_texts`; None: those of the package.
        categories: slugs of the categories to use; None: all.
        without: slugs of categories to leave out.
        num_images: of each category, this many images, drawn at random, or all if there are fewer; None: all. Of the
            same ``image_seed``, a smaller number is a part of a larger one.
        image_seed: of this draw.
        missing_images: ``'error'``, or ``'skip'``: their instances are left out and counted in the log.
        hidden: what v = 0 means: ``'ignored'``: the keypoint has no label but may be in the image, as in MP-100;
            ``'absent'``: it is not in the image, so its score map is trained to zero.
        kwargs: as for :class:`BaseCocoStyleDataset`, without ``bbox_file`` and ``data_mode='bottomup'``.

    Raises:
        FileNotFoundError: an image does not exist; the message counts them by category.
        ValueError: the annotations are malformed; a category has no texts, or texts for another number of keypoints;
            ``categories`` or ``without`` has a name that the file has not.
    """

    METAINFO: dict = dict(dataset_name='mp100')

    def __init__(
        self,
        ann_file: str = '',
        texts: Optional[str] = None,
        missing_images: str = 'error',
        hidden: str = 'ignored',
        categories: Optional[Sequence[str]] = None,
        without: Sequence[str] = (),
        num_images: Optional[int] = None,
        image_seed: int = 0,
        **kwargs: Any,
    ):
        check_choice('MP100Dataset: missing_images', missing_images, ('error', 'skip'))
        check_choice('MP100Dataset: hidden', hidden, ('ignored', 'absent'))
        check_choice('MP100Dataset: data_mode', kwargs.get('data_mode', 'topdown'), ('topdown',))
        check_choice('MP100Dataset: bbox_file', kwargs.get('bbox_file') or None, (None,))
        self.texts = str(FOLDER if texts is None else texts)
        self.missing_images = missing_images
        self.hidden = hidden
        if num_images is not None and num_images < 1:
            raise ValueError(f'MP100Dataset: num_images={num_images}, expected at least 1, or None for all.')
        self.categories, self.without = categories, without
        self.num_images, self.image_seed = num_images, image_seed
        self.category_fields: Dict[int, dict] = {}
        super().__init__(ann_file=ann_file, **kwargs)
        self._metainfo['ann_file'] = self.ann_file  # for CapePCK

    @classmethod
    def _load_metainfo(cls, metainfo: Optional[dict] = None) -> dict:
        return dict(cls.METAINFO, **(metainfo or {}))  # no keypoints: each category has its own

    def load_data_list(self) -> List[dict]:
        """The kept instances, in the order of the benchmark."""
        annotations = read_instances(str(self.ann_file))
        texts = load_texts(self.texts)
        used = self._used_categories(annotations)
        self.category_fields = {number: self._category_info(annotations.categories[number], texts) for number in used}
        instances = [
            instance
            for instance in annotations.instances
            if instance.category_id in used and instance.image_id % self.sample_interval == 0
        ]
        if self.num_images is not None:
            instances = few_images(instances, self.num_images, self.image_seed)
        missing = self._missing(instances, annotations)
        return [
            self._data_info(instance, annotations)
            for instance in instances
            if instance.image_id not in missing
            and (self.test_mode or self.hidden == 'absent' or instance.visible.any())
        ]

    def get_data_info(self, idx: int) -> dict:
        """An instance with the fields of its category."""
        data_info = BaseDataset.get_data_info(self, idx)  # the metainfo has no keypoints to copy
        # a deep copy of 68 names and links takes as long as reading a small image
        fields = {name: copy(value) for name, value in self.category_fields[data_info['category_id']].items()}
        return dict(data_info, **fields)

    def _used_categories(self, annotations: MP100Annotations) -> List[int]:
        slugs = {category.slug: number for number, category in annotations.categories.items()}
        chosen = list(slugs if self.categories is None else self.categories)
        unknown = [slug for slug in (*chosen, *self.without) if slug not in slugs]
        if unknown:
            raise ValueError(f'{self.ann_file} has no categories {unknown}; it has {", ".join(slugs)}.')
        used = [slugs[slug] for slug in chosen if slug not in self.without]
        if not used:
            raise ValueError(f'{self.ann_file}: without={list(self.without)} leaves no category of {chosen}.')
        return used

    def _category_info(self, category: Category, texts: Dict[int, CategoryTexts]) -> dict:
        label = f'{self.ann_file}: category {category.id} ({category.slug})'
        if category.id not in texts:
            raise ValueError(f'{label} has no texts in {self.texts}; write them, or give another folder as texts=.')
        own = texts[category.id]
        if category.slug not in (own.slug, own.name.lower()):
            raise ValueError(
                f'{label} would get the texts of {own.slug!r} in {self.texts}; give the folder '
                'written for these annotations as texts=.'
            )
        number = len(own.names)
        if number != category.num_keypoints:
            raise ValueError(
                f'{label} has {category.num_keypoints} keypoints in the annotations and {number} in the '
                f'texts of {self.texts}; correct the texts.'
            )
        flip_indices = list(own.flip_indices)
        return dict(
            category=own.slug,
            supercategory=category.supercategory,
            keypoint_names=list(own.names),
            keypoint_descriptions=list(own.descriptions),
            skeleton_links=[tuple(link) for link in own.skeleton],
            flip_indices=flip_indices,
            flip_pairs=[(i, j) for i, j in enumerate(flip_indices) if i < j],
            upper_body_ids=[],
            lower_body_ids=[],
            dataset_keypoint_weights=np.ones(number, np.float32),
            hidden_is_absent=self.hidden == 'absent',
            dataset_name=self._metainfo['dataset_name'],
        )

    def _data_info(self, instance: Instance, annotations: MP100Annotations) -> dict:
        x, y, w, h = instance.bbox
        return dict(
            id=instance.id,
            img_id=instance.image_id,
            img_path=self._path(instance, annotations),
            category_id=instance.category_id,
            bbox=np.array([[x, y, x + w, y + h]], np.float32),
            bbox_score=np.ones(1, np.float32),
            keypoints=instance.keypoints[None].astype(np.float32),
            keypoints_visible=instance.visible[None].astype(np.float32),
            num_keypoints=int(instance.visible.sum()),
            area=np.array(instance.area, np.float32),
            iscrowd=0,
        )

    def _path(self, instance: Instance, annotations: MP100Annotations) -> str:
        return osp.join(self.data_prefix['img'], annotations.images[instance.image_id]['file_name'])

    def _missing(self, instances: List[Instance], annotations: MP100Annotations) -> Set[int]:
        """Ids of the images that do not exist; raises an error, or logs the number of their instances."""
        paths = {instance.image_id: self._path(instance, annotations) for instance in instances}
        missing = {image_id for image_id, path in paths.items() if not exists(path)}
        if not missing:
            return missing
        counts = Counter(
            annotations.categories[instance.category_id].slug for instance in instances if instance.image_id in missing
        )
        found = (
            f'{self.ann_file}: {len(missing):,} of {len(paths):,} images do not exist, such as '
            f'{paths[min(missing)]}. Instances on them, by category: '
            + ', '.join(f'{slug} {count:,}' for slug, count in counts.most_common())
        )
        if self.missing_images == 'error' or len(missing) == len(paths):
            raise FileNotFoundError(
                f'{found}. tools/check_dataset.py lists the images; missing_images="skip" leaves these instances out.'
            )
        print_log(f'{found}. They are left out (missing_images="skip").', logger='current', level=logging.WARNING)
        return missing


def few_images(instances: List[Instance], number: int, seed: int) -> List[Instance]:
    """The instances on up to ``number`` images of each category, drawn at random with this seed."""
    of_category: Dict[int, Set[int]] = {}
    for instance in instances:
        of_category.setdefault(instance.category_id, set()).add(instance.image_id)
    drawn = {
        category: set(np.random.RandomState([seed, category]).permutation(sorted(images))[:number].tolist())
        for category, images in of_category.items()
    }
    return [instance for instance in instances if instance.image_id in drawn[instance.category_id]]
