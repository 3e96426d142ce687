"""The names, links and counterparts of keypoints, of a data set or of each category."""

from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple

from mmengine.dataset import BaseDataset

from clamp_mmpose.datasets.mp100.annotations import category_slugs, keypoint_counts
from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.keypoint_names import check_names, keypoint_names, readable_name, skeleton_links
from clamp_mmpose.language.sides import mirrored_indices


@dataclass(frozen=True)
class Legend:
    """K keypoints: names in plain words, pairs of indices from 0, and the index of each one's counterpart."""

    names: Sequence[str]
    links: Sequence[Tuple[int, int]]
    flip_indices: Sequence[int]


def legend_of(metainfo: dict) -> Legend:
    """The keypoints of a parsed metainfo."""
    names = keypoint_names(metainfo)
    return Legend(names, skeleton_links(metainfo['skeleton_links'], len(names)), list(metainfo['flip_indices']))


def category_legends(dataset: BaseDataset, content: dict) -> Dict[int, Legend]:
    """The keypoints of each category by id.

    Those of the metainfo; without keypoints there, as in MP-100's format, those of the data set's texts or, for a
    category without texts, those that the annotations list.

    Args:
        content: of a COCO-style annotation file.

    Raises:
        ValueError: a category lists no valid keypoints.
    """
    categories = {category['id']: category for category in content['categories']}
    if dataset.metainfo.get('num_keypoints'):
        return dict.fromkeys(categories, legend_of(dataset.metainfo))
    counts = keypoint_counts(content['categories'], content['annotations'])
    slugs = category_slugs(content['categories'], counts)
    texts = load_texts(dataset.texts) if isinstance(dataset, MP100Dataset) else {}
    legends = {}
    for number, category in categories.items():
        own = texts.get(number)
        if own is not None and slugs[number] in (own.slug, own.name.lower()) and len(own.names) == counts[number]:
            legends[number] = Legend(own.names, own.skeleton, own.flip_indices)
        else:
            legends[number] = _listed(category)
    return legends


def _listed(category: Dict[str, Any]) -> Legend:
    try:
        names = check_names([readable_name(name) for name in category.get('keypoints') or ()])
        links = category.get('skeleton') or []
        first = 0 if any(0 in link for link in links) else 1  # COCO counts from 1, MP-100 from 0
        links = [[end - first for end in link] for link in links]
        return Legend(names, skeleton_links(links, len(names)), mirrored_indices(names))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f'category {category.get("name")!r:.80}: its keypoints or skeleton are malformed: {error}'
        ) from error
