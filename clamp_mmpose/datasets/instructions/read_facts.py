"""From a data set with keypoints, of any metainfo, to the facts that texts are written from."""

import warnings
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Any, Callable, Dict, Iterator, List, Optional

from mmengine.dataset import BaseDataset
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.datasets.datasets.body import MpiiDataset
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.datasets.zero_shot.cub import CUBDataset
from clamp_mmpose.language.image_facts import ImageFacts

from .coco_facts import coco_images
from .cub_facts import cub_images
from .mpii_facts import mpii_images
from .other_facts import other_images
from .scene import add_scene

Reader = Callable[[Any, Dict[str, int]], Iterator[ImageFacts]]


@dataclass(frozen=True)
class FactsRead:
    """Images with at least one instance, in the order of the annotations.

    Attributes:
        images: their facts.
        dropped: how many were left out, by reason: 'crowds', 'instances without keypoints', 'images without
            instances', 'crowds of objects'; up to the last image that was read.
    """

    images: List[ImageFacts]
    dropped: Dict[str, int]


def read_facts(
    dataset: dict,
    captions: Optional[str] = None,
    objects: Optional[str] = None,
    activities: Optional[str] = None,
    limit: Optional[int] = None,
) -> FactsRead:
    """Read what the annotations say about each image.

    Files of COCO's and MPII's format are read directly; a data set with a reader of its own loads its samples. The
    category names are COCO's; the categories of MP-100's format have keypoints of their own, so an image has one entry
    for each of its categories. CUB has parts as keypoints, and attributes. Boxes are clipped to the image.

    Args:
        dataset: config of one data set of MMPose or of a user; its pipeline is not used.
        captions: COCO captions, or JSON ``{image: text or list of texts}``.
        objects: COCO instances; objects of the categories that have keypoints are left out.
        activities: JSON ``{image: text}``, or MPII's ``mpii_human_pose_v1_u12_1.mat``; otherwise ``cat_name`` and
            ``act_name`` of MPII's rows.
        limit: number of images to read.

    Raises:
        FileNotFoundError: a file does not exist, or an image whose size the annotations do not say.
        ValueError: a malformed file, another kind of data set, no image with labeled keypoints, a file about other
            images.
    """
    built = _build(dataset)
    dropped: Dict[str, int] = Counter()
    images = list(islice(_reader(built)(built, dropped), limit))
    if not images:
        counts = ', '.join(f'{number:,} {reason}' for reason, number in dropped.items() if number) or 'no images'
        raise ValueError(f'{_name(built)} has no image with labeled keypoints, only {counts}: give other annotations.')
    images = add_scene(images, _name(built), captions, objects, activities, dropped)
    return FactsRead(images, {reason: number for reason, number in dropped.items() if number})


def _build(config: dict) -> BaseDataset:
    kind = config.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(kind, type) or not issubclass(kind, BaseDataset):
        raise ValueError(
            'texts are written from one data set at a time, dict(type="CocoDataset", ...), got '
            f'type={config.get("type")!r:.60}: give the config of one registered data set.'
        )
    # facts come from annotations, not from detected boxes, which MMPose allows in tests only
    config = {key: value for key, value in config.items() if key not in ('bbox_file', 'test_mode')}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # MMPose warns when it uses a metainfo file of its package
        return DATASETS.build(dict(config, pipeline=[], lazy_init=True))


def _reader(dataset: BaseDataset) -> Reader:
    kind = type(dataset)
    if isinstance(dataset, MpiiDataset) and kind._load_annotations is MpiiDataset._load_annotations:
        return mpii_images
    if isinstance(dataset, CUBDataset):
        return cub_images
    if isinstance(dataset, MP100Dataset):
        return coco_images
    if isinstance(dataset, BaseCocoStyleDataset) and all(
        getattr(kind, name) is getattr(BaseCocoStyleDataset, name) for name in ('load_data_list', '_load_annotations')
    ):
        return coco_images
    return other_images


def _name(dataset: BaseDataset) -> str:
    return str(dataset.ann_file or type(dataset).__name__)
