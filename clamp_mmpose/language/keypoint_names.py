import re
import warnings
from collections import Counter
from typing import List, Sequence, Tuple, Union

from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

# whole words that data sets write as one capital letter: 'L_F_Paw', 'R_B_Knee'
ABBREVIATIONS = {'L': 'left', 'R': 'right', 'F': 'front', 'B': 'back'}


def readable_name(name: str) -> str:
    """A data set's label as words a language model knows: ``'L_F_Paw'`` -> ``'left front paw'``."""
    words = re.split(r'[\s_\-]+', re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name.strip()))
    return ' '.join(ABBREVIATIONS.get(word, word.lower()) for word in words)


def keypoint_names(source: Union[str, dict, Sequence[str]]) -> List[str]:
    """The names that prompts are made of, in the order of the keypoints.

    Args:
        source: a registered data set (``'AP10KDataset'``), the ``metainfo`` of one as a dict, or the names themselves,
            which are taken as they are.

    Returns:
        list[str]: K different, readable names.

    Raises:
        ValueError: unknown data set, one without keypoints, an empty name, or two equal ones.
    """
    if isinstance(source, str):
        dataset = DATASETS.get(source)
        if dataset is None:
            raise ValueError(
                f'names={source!r} is no registered data set; give a list of names, a metainfo dict, or a '
                'type such as "AP10KDataset".'
            )
        source = dataset.METAINFO
    if isinstance(source, dict):
        if 'keypoint_id2name' not in source:
            if not source:
                raise ValueError('this data set has no metainfo of its own: give its metainfo dict, or the names.')
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # MMPose warns when it finds a metainfo file among its own
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
            'each keypoint a name of its own (for a data set in the head, names=[...]).'
        )
    return names


def mirrored_name(name: str) -> str:
    """A lower-case name with left and right exchanged."""
    other_side = dict(left='right', right='left')
    return ''.join(other_side.get(word, word) for word in re.split(r'(\W+)', name))


def mirrored_indices(names: Sequence[str]) -> List[int]:
    """For each name the index of the one with left and right exchanged; its own where there is none, or more than one.

    Of 'name: description' the name counts.
    """
    names = [name.lower().split(':')[0] for name in names]
    counts = Counter(names)
    index = {name: i for i, name in enumerate(names) if counts[name] == 1}
    return [index.get(mirrored_name(name), i) if name in index else i for i, name in enumerate(names)]


def is_sided(name: str) -> bool:
    """Whether a name, that of 'name: description', says left or right."""
    name = name.lower().split(':')[0]
    return mirrored_name(name) != name


def skeleton_links(links: Sequence[Sequence[int]], num_keypoints: int) -> List[Tuple[int, int]]:
    """Pairs of keypoint indices, checked.

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
                f'the skeleton joins pairs of different keypoints, 0 to {num_keypoints - 1}; got '
                f'{list(link) if isinstance(link, (list, tuple)) else link!r}.'
            )
    return [(int(start), int(end)) for start, end in links]
