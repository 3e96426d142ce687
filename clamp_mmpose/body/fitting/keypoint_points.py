"""Which keypoints of a data set show points of a body."""

from typing import Dict, Sequence

from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.language.sides import side_words

FACE = ('nose', 'left eye', 'right eye', 'left ear', 'right ear')  # the first ones of COCO's 17
# the middle of the hips in H36M, MPI-INF-3DHP, Halpe and Panoptic
PELVIS = ('root', 'hip', 'mid hip', 'hip center', 'hip middle')


def match_keypoints(names: Sequence[str], points: Sequence[str]) -> Dict[int, int]:
    """Match keypoints to points of a body by their names.

    Points with the same name but another place are left out: the head, the thorax and the spine are skin or midpoints
    in data sets, and joints in SMPL. H36M calls the ankle a foot.

    Args:
        names: of the keypoints, as in any metainfo: 'left_hip', 'L_Hip'.
        points: of the body, such as SMPL's 24 joints, or these and ``FACE``.

    Returns:
        dict: the index of a point by that of a keypoint, in the order of the keypoints.
    """
    plain = [' '.join(side_words(name)) for name in names]
    known = {point: index for index, point in enumerate(points)}
    if not set(plain) <= set(JOINT_NAMES):  # else all of them are SMPL's joints
        for name in ('head', 'lower spine', 'middle spine', 'upper spine'):
            known.pop(name, None)
        known.update({name: known['pelvis'] for name in PELVIS if 'pelvis' in known})
        for side in ('left', 'right'):
            if f'{side} ankle' not in plain:
                known[f'{side} foot'] = known[f'{side} ankle']
    return {index: known[name] for index, name in enumerate(plain) if name in known}
