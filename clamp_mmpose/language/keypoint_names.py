import re
import warnings
from typing import Any, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from .clean_text import alike, clean_text

# whole words that data sets write as one capital letter: 'L_F_Paw', 'R_B_Knee'
ABBREVIATIONS = {'L': 'left', 'R': 'right', 'F': 'front', 'B': 'back'}


def readable_name(name: str) -> str:
    """A keypoint label of a data set in plain words: ``'L_F_Paw'`` -> ``'left front paw'``."""
    words = re.split(r'[\s_\-]+', re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name.strip()))
    return ' '.join(ABBREVIATIONS.get(word, word.lower()) for word in words)


def keypoint_names(source: Union[str, dict, Sequence[str]]) -> List[str]:
    """The keypoint names for prompts, in keypoint order.

    Args:
        source: a registered data set (``'AP10KDataset'``), a ``metainfo`` dict, or the names themselves, which are
            only cleaned, see :func:`check_names`.

    Returns:
        list[str]: K different, readable names.

    Raises:
        ValueError: the data set is unknown or has no keypoints; also see :func:`check_names`.
    """
    if isinstance(source, str):
        dataset = DATASETS.get(source)
        if dataset is None:
            raise ValueError(
                f'names={source!r} is not a registered data set; give a list of names, a metainfo dict, or a '
                'type such as "AP10KDataset".'
            )
        source = dataset.METAINFO
    if isinstance(source, dict):
        if 'keypoint_id2name' not in source:
            if not source:
                raise ValueError('this data set type has no metainfo: give a metainfo dict, or the names.')
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # MMPose warns when it uses a metainfo file of its package
                source = parse_pose_metainfo(dict(source))
        source = [readable_name(source['keypoint_id2name'][i]) for i in range(source['num_keypoints'])]
    return check_names(source)


def check_names(names: Sequence[str], descriptions: Optional[Sequence[str]] = None) -> List[str]:
    """The names as they are shown and encoded, see :func:`clean_text`.

    Args:
        names: K different names; with ``descriptions``, two may be equal if their descriptions differ.
        descriptions: K clean ones, or None.

    Raises:
        ValueError: no names; a name is empty, is not clean text, or reads like another one.
    """
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f'keypoint names must be strings, got {list(names)!r:.200}.')
    names = [clean_text(name) for name in names]
    if not names or not all(names):
        raise ValueError(f'keypoint names must not be empty, got {list(names)}.')
    same = alike(joined_texts(names, descriptions))
    if same:
        raise ValueError(
            'keypoint names must differ, but '
            + ', '.join(f'{first!r:.80} and {second!r:.80}' for first, second in same[:5])
            + ' are the same to the text encoder: give each keypoint a different name (for a data set, as names=[...] '
            'of the head).'
        )
    return names


def joined_texts(names: Sequence[str], descriptions: Optional[Sequence[str]]) -> List[str]:
    """The texts for a text encoder: 'name', or 'name: description' (CapeLLM, section 3.2)."""
    return [f'{name}: {text}' if text else name for name, text in zip(names, descriptions or [''] * len(names))]


def skeleton_links(links: Sequence[Sequence[int]], num_keypoints: int) -> List[Tuple[int, int]]:
    """Check pairs of keypoint indices.

    Raises:
        ValueError: not pairs of different indices below ``num_keypoints``.
    """
    if not isinstance(links, Iterable):
        raise ValueError(f'the skeleton must be a list of pairs of keypoints, got {links!r:.80}.')
    links = list(links)
    for link in links:
        if not _is_link(link, num_keypoints):
            raise ValueError(
                f'the skeleton must be pairs of different keypoints, 0 to {num_keypoints - 1}; got '
                f'{list(link) if isinstance(link, (list, tuple)) else link!r}.'
            )
    return [(int(start), int(end)) for start, end in links]


def _is_link(link: Any, num_keypoints: int) -> bool:
    if not isinstance(link, (list, tuple, np.ndarray)) or len(link) != 2:
        return False
    integers = all(isinstance(end, (int, np.integer)) and not isinstance(end, bool) for end in link)
    return integers and link[0] != link[1] and all(0 <= end < num_keypoints for end in link)
