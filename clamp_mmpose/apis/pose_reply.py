"""An answer with 3D poses, and their files."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple, Union

import numpy as np
import torch

from clamp_mmpose.body.pose_file import write_obj, write_pose
from clamp_mmpose.body.rotations import matrix_to_axis_angle, matrix_to_six
from clamp_mmpose.visualization.bodies import BODY_COLOR, draw_four_views
from clamp_mmpose.visualization.skeleton_mesh import skeleton_mesh

from .outputs import write_image

SUFFIXES = ('.json', '.npz', '.obj', '.jpg')


class Mesh(NamedTuple):
    """A mesh as 3D programs show it.

    Attributes:
        vertices: ``[V, 3]`` meters: x right, y up, z towards the camera.
        faces: ``[F, 3]`` indices of vertices.
        colors: BGR ``[V, 3]`` uint8.
        smooth: a surface, not bones with edges.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    smooth: bool


@dataclass(frozen=True)
class Pose:
    """A 3D pose in the camera's frame: x right, y down, z away.

    Attributes:
        rotations: float32 ``[24, 3, 3]`` of SMPL's joints, each relative to its parent's.
        joints: ``[24, 3]`` meters.
        vertices: ``[V, 3]`` meters; None for a body without surface.
        faces: ``[F, 3]`` indices of vertices, or None.
        text: the answer that gave the pose.
    """

    rotations: np.ndarray
    joints: np.ndarray
    vertices: Optional[np.ndarray] = None
    faces: Optional[np.ndarray] = None
    text: str = ''

    @property
    def axis_angle(self) -> np.ndarray:
        """``[24, 3]`` in radians."""
        return matrix_to_axis_angle(torch.from_numpy(self.rotations)).numpy()

    @property
    def six(self) -> np.ndarray:
        """The first two columns of each matrix, ``[24, 6]``."""
        return matrix_to_six(torch.from_numpy(self.rotations)).numpy()

    def draw(self, size: int = 256) -> np.ndarray:
        """The body from four sides, BGR uint8 ``[size, 4 * size, 3]``; see :func:`draw_four_views`."""
        return draw_four_views(self.joints, self.vertices, self.faces, size)

    def mesh(self) -> Mesh:
        """The surface of the body, or its bones."""
        if self.vertices is None or self.faces is None:
            vertices, faces, colors = skeleton_mesh(self.joints)
        else:
            vertices, faces = self.vertices, self.faces
            colors = np.full(vertices.shape, BODY_COLOR, np.uint8)
        return Mesh(vertices * [1, -1, -1], faces, colors, self.vertices is not None)

    def save(self, path: Union[str, Path]) -> List[Path]:
        """Write ``path`` with .json and .npz (rotations and joints, see :func:`read_pose`), .obj (the mesh, y up) and
        .jpg (four sides); returns these files.

        Raises:
            OSError: a file cannot be written.
        """
        files = [Path(f'{path}{suffix}') for suffix in SUFFIXES]
        for file in files[:2]:
            write_pose(file, self.rotations, self.joints, self.text)
        mesh = self.mesh()
        write_obj(files[2], mesh.vertices, mesh.faces)
        write_image(files[3], self.draw()[..., ::-1])
        return files


@dataclass(frozen=True)
class PoseReply:
    """An answer of :class:`PoseChat`.

    Attributes:
        text: with the pose tokens.
        poses: one for each pose token.
        notes: what a user should know, such as that a pose was asked for and none came.
    """

    text: str
    poses: List[Pose] = field(default_factory=list)
    notes: Tuple[str, ...] = ()

    def save(self, folder: Union[str, Path], name: str = 'pose') -> List[Path]:
        """Write the files of each pose, ``pose_1.json`` and so on, see :meth:`Pose.save`.

        The numbers go on from those in the folder, so that no file is replaced.

        Args:
            folder: created if it is missing.
            name: of the files.

        Returns:
            list: the files.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        taken = [re.fullmatch(rf'{re.escape(name)}_(\d{{1,9}})\..+', file.name) for file in folder.iterdir()]
        first = 1 + max((int(found[1]) for found in taken if found), default=0)
        stems = [folder / f'{name}_{first + i}' for i in range(len(self.poses))]
        return [file for stem, pose in zip(stems, self.poses) for file in pose.save(stem)]
