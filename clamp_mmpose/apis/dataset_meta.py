"""What a checkpoint may say about its keypoints."""

from typing import Any, Sequence

import numpy as np
from mmpose.apis.inference import dataset_meta_from_config

# of mmpose.datasets.datasets.utils.parse_pose_metainfo; anything else could replace fields of the pipeline
KNOWN = (
    'dataset_name',
    'num_keypoints',
    'keypoint_id2name',
    'keypoint_name2id',
    'upper_body_ids',
    'lower_body_ids',
    'flip_indices',
    'flip_pairs',
    'keypoint_colors',
    'num_skeleton_links',
    'skeleton_links',
    'skeleton_link_colors',
    'dataset_keypoint_weights',
    'sigmas',
    'CLASSES',
)


def checked_dataset_meta(meta: dict, source: str) -> dict:
    """The known entries of a checkpoint's ``dataset_meta``.

    Raises:
        ValueError: names, flip indices, links or colors that do not fit the number of keypoints.
    """
    kept = {key: meta[key] for key in KNOWN if key in meta}
    number: Any = kept.get('num_keypoints')
    names = kept.get('keypoint_id2name')
    if number is None and names is None:  # MP-100: each category has its own keypoints
        return {key: kept[key] for key in ('dataset_name', 'CLASSES') if key in kept}
    valid = dict(
        num_keypoints=type(number) is int and number > 0,
        keypoint_id2name=isinstance(names, dict)
        and len(names) == number
        and set(names) == set(range(len(names)))
        and all(isinstance(name, str) for name in names.values()),
    )
    if type(number) is int and all(valid.values()):
        links = kept.get('skeleton_links', ())
        valid.update(
            flip_indices=_indices(kept.get('flip_indices', range(number)), number, number),
            skeleton_links=isinstance(links, Sequence) and all(_indices(link, number, 2) for link in links),
            keypoint_colors=_colors(kept.get('keypoint_colors'), number),
            skeleton_link_colors=_colors(kept.get('skeleton_link_colors'), len(links)),
        )
    wrong = [key for key, is_valid in valid.items() if not is_valid]
    if wrong:
        value = ' '.join(repr(kept.get(wrong[0])).split())
        raise ValueError(
            f'checkpoint {source}: dataset_meta has {wrong[0]}={value:.80}, which does not fit '
            f'{number!r:.20} keypoints; use the checkpoint as it was saved, or save only its state_dict.'
        )
    return kept


def _indices(values: Any, number: int, length: int) -> bool:
    return (
        isinstance(values, Sequence)
        and len(values) == length
        and all(type(value) is int and 0 <= value < number for value in values)
    )


def _colors(values: Any, length: int) -> bool:
    if values is None:
        return True
    try:
        colors = np.asarray(values)
    except ValueError:  # rows of different lengths
        return False
    if length == 0 and colors.size == 0:
        return True
    return colors.shape == (length, 3) and colors.dtype.kind in 'iuf' and bool(((colors >= 0) & (colors <= 255)).all())


def config_dataset_meta(cfg: Any) -> dict:
    """The metainfo of a config's data sets, for weights alone; empty if the names are only in annotations."""
    for mode in ('train', 'test'):
        try:
            found = dataset_meta_from_config(cfg, mode)
        except (AssertionError, KeyError):  # a metainfo without keypoints
            continue
        if found:
            return found
    return {}
