"""Made-up body files in the layouts of SMPL, SMPL-H and SMPL-X."""

import numpy as np
from parity_folders import parity_folder

from clamp_mmpose.body.smpl_joints import PARENTS


def published_layout() -> dict:
    """The fixture's body of 24 joints, under the keys of SMPL's files."""
    return dict(np.load(parity_folder('smpl_synthetic') / 'synthetic_model.npz'))


def hand_layout(kind: str, vertices: int = 60, shapes: int = 12) -> dict:
    """A random body of SMPL-H's 52 or SMPL-X's 55 joints: 22 of SMPL, jaw and eyes, and 3 joints of each finger."""
    parents = [*PARENTS[:22], *([15, 15, 15] if kind == 'SMPL-X' else [])]
    for wrist in (20, 21):
        for _ in range(5):
            parents += [wrist, len(parents), len(parents) + 1]
    joints, random = len(parents), np.random.default_rng(5)
    kintree = np.stack([parents, np.arange(joints)]).astype(np.uint32)
    kintree[0, 0] = 2**32 - 1

    def rows(number, columns):
        values = random.random((number, columns)) ** 8
        return values / values.sum(1, keepdims=True)

    return dict(
        v_template=random.normal(size=(vertices, 3)),
        f=random.integers(0, vertices, (90, 3)).astype(np.uint32),
        shapedirs=random.normal(size=(vertices, 3, shapes)) / 30,
        posedirs=random.normal(size=(vertices, 3, 9 * (joints - 1))) / 100,
        J_regressor=rows(joints, vertices),
        weights=rows(vertices, joints),
        kintree_table=kintree,
    )
