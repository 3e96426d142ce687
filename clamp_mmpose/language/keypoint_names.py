import re
import warnings
from collections import Counter
from typing import List, Sequence, Tuple, Union

from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

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
            not changed.

    Returns:
        list[str]: K different, readable names.

    Raises:
        ValueError: the data set is unknown or has no keypoints; a name is empty or occurs twice.
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
    if not all(isinstance(name, str) for name in source):
        raise ValueError(f'keypoint names must be strings, got {list(source)}.')
    names = [name.strip() for name in source]
    if not names or not all(names):
        raise ValueError(f'keypoint names must not be empty, got {list(source)}.')
    # the language model reads lower case
    repeated = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if repeated:
        raise ValueError(
            f'keypoint names must differ, but {repeated} occur more than once in {names}: give '
            'each keypoint a different name (for a data set, as names=[...] of the head).'
        )
    return names


def mirrored_name(name: str) -> str:
    """A lower-case name with left and right exchanged."""
    other_side = dict(left='right', right='left')
    return ''.join(other_side.get(word, word) for word in re.split(r'(\W+)', name))


def mirrored_indices(names: Sequence[str]) -> List[int]:
    """For each name, the index of its left/right counterpart; its own index if there is none or more than one.

    A description after a colon is ignored.
    """
    names = [name.lower().split(':')[0] for name in names]
    counts = Counter(names)
    index = {name: i for i, name in enumerate(names) if counts[name] == 1}
    return [index.get(mirrored_name(name), i) if name in index else i for i, name in enumerate(names)]


def is_sided(name: str) -> bool:
    """Whether a name contains left or right; a description after a colon is ignored."""
    name = name.lower().split(':')[0]
    return mirrored_name(name) != name


def skeleton_links(links: Sequence[Sequence[int]], num_keypoints: int) -> List[Tuple[int, int]]:
    """Check pairs of keypoint indices.

    Raises:
        ValueError: not pairs of different indices below ``num_keypoints``.
    """
    for link in links:
        if (
            len(link) != 2
            or link[0] == link[1]
            or not all(isinstance(end, int) and 0 <= end < num_keypoints for end in link)
        ):
            raise ValueError(
                f'the skeleton must be pairs of different keypoints, 0 to {num_keypoints - 1}; got '
                f'{list(link) if isinstance(link, (list, tuple)) else link!r}.'
            )
    return [(int(start), int(end)) for start, end in links]
