from typing import Dict, List, Mapping, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.language.keypoint_names import keypoint_names


def _limbs(sides: Sequence[str], upper: Sequence[str], lower: Sequence[str]) -> Dict[str, Tuple[str, ...]]:
    """Upper and lower part of a limb on each side; '{}' in a name is replaced by the side."""
    parts = {}
    for side in sides:
        parts[f'{side} upper {upper[0]}'] = tuple(name.format(side) for name in upper[1:])
        parts[f'{side} lower {lower[0]}'] = tuple(name.format(side) for name in lower[1:])
    return parts


SIDES = ('left', 'right')
# keypoints of each part: MPII's as published (FocusCLIP, section 3.3, Fig. 3a), the others chosen by us in the same way
PARTS = dict(
    mpii=dict(
        {
            'head': ('thorax', 'upper neck', 'head top', 'right shoulder', 'left shoulder'),
            'torso': ('pelvis', 'thorax', 'right shoulder', 'left shoulder', 'right hip', 'left hip'),
        },
        **_limbs(SIDES, ('arm', '{} shoulder', '{} elbow', 'thorax'), ('arm', '{} elbow', '{} wrist', '{} shoulder')),
        **_limbs(SIDES, ('leg', '{} hip', '{} knee', 'pelvis'), ('leg', '{} knee', '{} ankle', '{} hip')),
    ),
    coco=dict(
        {
            'head': ('nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder'),
            'torso': ('left shoulder', 'right shoulder', 'left hip', 'right hip'),
        },
        **_limbs(SIDES, ('arm', '{} shoulder', '{} elbow'), ('arm', '{} elbow', '{} wrist', '{} shoulder')),
        **_limbs(SIDES, ('leg', '{} hip', '{} knee'), ('leg', '{} knee', '{} ankle', '{} hip')),
    ),
    ap10k=dict(
        {
            'head': ('left eye', 'right eye', 'nose', 'neck'),
            'trunk': ('neck', 'root of tail', 'left shoulder', 'right shoulder', 'left hip', 'right hip'),
        },
        **_limbs(
            SIDES,
            ('front leg', '{} shoulder', '{} elbow', 'neck'),
            ('front leg', '{} elbow', '{} front paw', '{} shoulder'),
        ),
        **_limbs(
            SIDES, ('back leg', '{} hip', '{} knee', 'root of tail'), ('back leg', '{} knee', '{} back paw', '{} hip')
        ),
    ),
    animalpose=dict(
        {
            'head': ('left eye', 'right eye', 'left ear base', 'right ear base', 'nose', 'throat'),
            'trunk': (
                'throat',
                'withers',
                'tail base',
                'left front elbow',
                'right front elbow',
                'left back elbow',
                'right back elbow',
            ),
        },
        **_limbs(
            SIDES,
            ('front leg', '{} front elbow', '{} front knee', 'withers'),
            ('front leg', '{} front knee', '{} front paw', '{} front elbow'),
        ),
        **_limbs(
            SIDES,
            ('back leg', '{} back elbow', '{} back knee', 'tail base'),
            ('back leg', '{} back knee', '{} back paw', '{} back elbow'),
        ),
    ),
)
NAMES = dict(mpii='MpiiDataset', coco='CocoDataset', ap10k='AP10KDataset', animalpose='AnimalPoseDataset')


def body_parts(
    groups: Union[str, Mapping[str, Sequence[str]]], names: Union[str, dict, Sequence[str], None] = None
) -> np.ndarray:
    """Which keypoints belong to each body part (FocusCLIP, section 3.3).

    Args:
        groups: ``'mpii'``, ``'coco'``, ``'ap10k'``, ``'animalpose'``, or a dict of part -> keypoint names.
        names: all keypoint names in order, as for :func:`keypoint_names`; needed if ``groups`` is a dict.

    Returns:
        np.ndarray: bool ``[P, K]``.

    Raises:
        ValueError: unknown groups or names, a dict without ``names``, an empty part.
    """
    if isinstance(groups, str):
        if groups not in PARTS:
            raise ValueError(
                f"groups={groups!r}: expected 'auto', one of {sorted(PARTS)}, or a dict of part -> keypoint names."
            )
        groups, names = PARTS[groups], NAMES[groups]
    if names is None:
        raise ValueError('groups as a dict need names=, a data set type such as "AP10KDataset" or the list of names.')
    names = keypoint_names(names)
    rows = []
    for part, members in groups.items():
        unknown = [name for name in members if name not in names]
        if unknown or not members:
            found = f'the unknown keypoints {unknown}' if unknown else 'no keypoints'
            raise ValueError(f'part {part!r} has {found}; the names are {names}.')
        rows.append([name in members for name in names])
    return np.array(rows)


def bones(links: Sequence[Tuple[int, int]], num_keypoints: int) -> np.ndarray:
    """Each skeleton link as a part, and each keypoint without a link as another: bool ``[P, K]``."""
    parts: List[Tuple[int, ...]] = [tuple(link) for link in links]
    linked = {point for link in parts for point in link}
    parts += [(point,) for point in range(num_keypoints) if point not in linked]
    members = np.zeros((len(parts), num_keypoints), bool)
    for row, part in zip(members, parts):
        row[list(part)] = True
    return members
