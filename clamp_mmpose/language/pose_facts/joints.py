"""The joints of a pose under one name each, whatever the data set calls them."""

import math
from functools import lru_cache
from typing import Dict, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.language.keypoint_names import readable_name
from clamp_mmpose.language.sides import side_words

from .geometry import Point

OTHER_SIDE = dict(left='right', right='left')
# the first that a data set has: MPII has a thorax and an upper neck, H36M a foot where others have an ankle
ALIASES = {
    'neck': ('thorax', 'neck', 'neck base'),
    'head bottom': ('head bottom', 'upper neck'),
    'head top': ('head top', 'top head'),
    'pelvis': ('pelvis', 'hip', 'root'),
    'left ankle': ('left ankle', 'left foot'),
    'right ankle': ('right ankle', 'right foot'),
    'left ear': ('left ear', 'left ear base'),
    'right ear': ('right ear', 'right ear base'),
    'tail': ('root of tail', 'tail base', 'tail'),
}
# animals: the three joints of a leg, in AP-10K's and in AnimalPose's names
LEG_CHAINS = {
    'front': (('shoulder', 'elbow', 'front paw'), ('front elbow', 'front knee', 'front paw')),
    'back': (('hip', 'knee', 'back paw'), ('back elbow', 'back knee', 'back paw')),
}


def find_joints(names: Sequence[str], keypoints: np.ndarray, labeled: np.ndarray) -> Dict[str, Point]:
    """The labeled joints by name, such as 'left wrist', 'neck' or 'left front paw'.

    Args:
        names: K names in any spelling.
        keypoints: ``[K, 2]`` in pixels of the image, or ``[K, 3]`` in a scene with y down.
        labeled: ``[K]`` bool.

    Raises:
        ValueError: the three do not have the same K.
    """
    if not len(names) == len(keypoints) == len(labeled):
        raise ValueError(
            f'names, keypoints and labels must be equally many, got {len(names)}, {len(keypoints)} and {len(labeled)}.'
        )
    points, known = np.asarray(keypoints, dtype=float).tolist(), np.asarray(labeled).tolist()
    return {
        joint: tuple(points[i])
        for joint, i in _joint_indices(tuple(names))
        if known[i] and all(map(math.isfinite, points[i]))
    }


def is_animal(names: Sequence[str]) -> bool:
    """Whether the joints are those of an animal on four legs."""
    return any(joint == 'tail' or joint.endswith('paw') for joint, _ in _joint_indices(tuple(names)))


@lru_cache(maxsize=256)
def _joint_indices(names: Tuple[str, ...]) -> List[Tuple[str, int]]:
    indices: Dict[str, int] = {}
    for i, name in enumerate(names):
        indices.setdefault(_sides_first(name), i)
    for joint, aliases in ALIASES.items():
        found = [indices[alias] for alias in aliases if alias in indices]
        for alias in aliases:
            indices.pop(alias, None)
        if found:
            indices[joint] = found[0]
    return list(indices.items())


def _sides_first(name: str) -> str:
    """'knee_L' and 'left_knee' -> 'left knee'."""
    words = side_words(readable_name(name))
    return ' '.join(sorted(words, key=lambda word: word not in OTHER_SIDE))
