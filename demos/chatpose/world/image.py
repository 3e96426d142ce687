from dataclasses import dataclass
from typing import Dict, List, Tuple

import cv2
import numpy as np
import torch

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.skeleton_body import SkeletonBody
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from demos.canvas.colors import Color, one_of, shade, vary
from demos.canvas.photo import SUPERSAMPLING, generators, photograph, to_image
from demos.canvas.scenery import backdrop
from demos.canvas.sketch import Sketch
from demos.people.world.image import COLORS, HAIRS, SKINS, TROUSERS

from .poses import ToyPose, random_pose

FOCAL = 2.2  # of the camera, relative to the image's side
SHARES = 0.9, 1.0  # of the image, that the person's height or width takes
FAR, NEAR = 0.66, 1.12  # brightness of what is 0.5 m behind and before the pelvis
HEAD = 0.11  # meters
# bones from joint to joint: radii in meters, what they wear
BONES: Tuple[Tuple[str, str, float, float, str], ...] = (
    ('pelvis', 'upper spine', 0.13, 0.15, 'shirt'),
    ('upper spine', 'neck', 0.12, 0.06, 'shirt'),
    ('left collar', 'left shoulder', 0.08, 0.07, 'shirt'),
    ('right collar', 'right shoulder', 0.08, 0.07, 'shirt'),
    ('left shoulder', 'left elbow', 0.06, 0.05, 'shirt'),
    ('right shoulder', 'right elbow', 0.06, 0.05, 'shirt'),
    ('left elbow', 'left wrist', 0.045, 0.038, 'skin'),
    ('right elbow', 'right wrist', 0.045, 0.038, 'skin'),
    ('left wrist', 'left hand', 0.045, 0.045, 'skin'),
    ('right wrist', 'right hand', 0.045, 0.045, 'skin'),
    ('left hip', 'left knee', 0.085, 0.065, 'trousers'),
    ('right hip', 'right knee', 0.085, 0.065, 'trousers'),
    ('left knee', 'left ankle', 0.062, 0.045, 'trousers'),
    ('right knee', 'right ankle', 0.062, 0.045, 'trousers'),
    ('left ankle', 'left foot', 0.05, 0.04, 'shoes'),
    ('right ankle', 'right foot', 0.05, 0.04, 'shoes'),
)
BODY = SkeletonBody()


@dataclass
class ToyPerson:
    """An image of a person with its pose."""

    image: np.ndarray  # [size, size, 3], RGB uint8
    pose: ToyPose
    joints: np.ndarray  # [24, 3] meters, camera's frame, the pelvis at zero
    points: np.ndarray  # [24, 2] pixels of the image
    shirt: str
    trousers: str


def draw_pose(size: int, *entropy: int) -> ToyPerson:
    """A person in a random pose under a camera.

    Args:
        size: pixels of both sides.
        entropy: numbers that decide everything.
    """
    rng, scene_rng, photo_rng = generators(*entropy)
    pose = random_pose(rng)
    joints = joints_of(pose.axis_angle)
    shirt, trousers = (list(colors)[rng.integers(len(colors))] for colors in (COLORS, TROUSERS))
    clothes = dict(
        shirt=vary(COLORS[shirt], rng),
        trousers=vary(TROUSERS[trousers], rng),
        skin=one_of(SKINS, rng),
        hair=one_of(HAIRS, rng),
        shoes=vary((60, 54, 52), rng, 24),
    )
    side = SUPERSAMPLING * size
    place = _place(joints, rng)

    def project(points: np.ndarray) -> np.ndarray:
        """Pixels of the canvas, which count from the centers."""
        seen = points + place
        return side * (0.5 + FOCAL * seen[..., :2] / seen[..., 2:]) - 0.5

    canvas = backdrop((side, side), scene_rng)
    person = Sketch(rng)
    _add_parts(person, dict(zip(JOINT_NAMES, joints)), project, side * FOCAL / place[2], clothes)
    person.paint(canvas, SUPERSAMPLING * 0.5)
    canvas = cv2.multiply(canvas, (*photo_rng.uniform(0.9, 1.1, 3), 0))
    return ToyPerson(photograph(canvas, photo_rng), pose, joints, to_image(project(joints)), shirt, trousers)


def joints_of(axis_angle: np.ndarray) -> np.ndarray:
    """Joints ``[24, 3]`` of a pose in meters, the pelvis at zero."""
    rotations = axis_angle_to_matrix(torch.from_numpy(axis_angle).float())
    return BODY(rotations[None]).joints[0].numpy()


def _place(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where the pelvis is, so that the whole person is in the image."""
    low, high = joints[:, :2].min(axis=0) - 0.12, joints[:, :2].max(axis=0) + 0.12
    near = FOCAL * (high - low).max() / rng.uniform(*SHARES)  # of the joint nearest to the camera
    room = near / FOCAL - (high - low)
    middle = rng.uniform(-room, room) / 2 - (low + high) / 2
    return np.array([*middle, near - joints[:, 2].min()])


def _add_parts(sketch: Sketch, joints: Dict[str, np.ndarray], project, scale: float, clothes: Dict[str, Color]) -> None:
    """Bones and head, far to near."""
    parts: List[tuple] = []
    for first, last, *radii, wears in BONES:
        ends = np.stack([joints[first], joints[last]])
        parts.append((ends[:, 2].mean(), 'tube', ends, radii, clothes[wears]))
    up = joints['head'] - joints['neck']
    crown = joints['head'] + 0.06 * up / np.linalg.norm(up)
    across = np.cross(up, joints['left shoulder'] - joints['right shoulder'])
    # to the front of the head, as the shoulders are
    front = -across / np.linalg.norm(across)
    parts.append((crown[2], 'head', crown, front, clothes))
    for depth, kind, *rest in sorted(parts, key=lambda part: -part[0]):
        light = float(np.interp(depth, (-0.5, 0.5), (NEAR, FAR)))
        if kind == 'tube':
            ends, radii, color = rest
            sketch.tube(project(ends), scale * np.array(radii), shade(color, light))
        else:
            center, towards, _ = rest
            sketch.ellipse(project(center), (scale * HEAD, scale * 1.15 * HEAD), shade(clothes['hair'], light))
            face = center + 0.06 * towards
            if towards[2] < 0.3:
                sketch.ellipse(project(face), (scale * 0.08, scale * 0.1), shade(clothes['skin'], light))
