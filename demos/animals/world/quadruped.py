from dataclasses import dataclass
from typing import Dict, Tuple

import numpy as np

from .species import Build

KEYPOINTS = (
    *('left_eye', 'right_eye', 'nose', 'neck', 'root_of_tail'),
    *(f'{side}_{joint}' for side in ('left', 'right') for joint in ('shoulder', 'elbow', 'front_paw')),
    *(f'{side}_{joint}' for side in ('left', 'right') for joint in ('hip', 'knee', 'back_paw')),
)
FORE_LEG = ('shoulder', 'elbow', 'wrist', 'front_paw')
HIND_LEG = ('hip', 'knee', 'hock', 'back_paw')
OUTWARD = {'left': 1, 'right': -1}
STANCE_WIDTH = 0.55  # distance of a leg from the median plane, in trunk radii

# phases of left fore, right fore, left hind and right hind leg in the stride; swing in degrees
GAITS = {
    'stand': ((0.0, 0.5, 0.1, 0.4), 6.0),
    'graze': ((0.0, 0.5, 0.1, 0.4), 8.0),
    'walk': ((0.75, 0.25, 0.0, 0.5), 20.0),
    'trot': ((0.0, 0.5, 0.5, 0.0), 27.0),
    'gallop': ((0.0, 0.1, 0.45, 0.55), 38.0),
}
# degrees of the leg bones: 0 is straight down, positive swings the lower end forward
POSTURES = {
    'sit': {FORE_LEG: (-16.0, 2.0, 8.0), HIND_LEG: (80.0, -68.0, 84.0)},
    'rear': {FORE_LEG: (42.0, 50.0, -35.0), HIND_LEG: (42.0, -38.0, 12.0)},
}


@dataclass(frozen=True)
class Pose:
    """A quadruped in its own space: x forward, y up, z to the animal's left, in trunk lengths."""

    joints: Dict[str, np.ndarray]  # AP-10K's keypoints (its knee is the stifle), wrists, hocks, poll
    trunk: np.ndarray  # axes forward, up and left as columns
    head: np.ndarray  # the same for the head


@dataclass(frozen=True)
class Camera:
    """An orthographic view of a quadruped, in degrees."""

    heading: float  # 0 walks to the right of the image, 180 to the left, 90 towards the camera
    elevation: float  # how far the camera looks down
    roll: float  # clockwise turn of the animal in the image

    @property
    def near_side(self) -> str:
        """The side of the animal that faces the camera."""
        return 'left' if np.cos(np.radians(self.heading)) < 0 else 'right'

    def towards(self, vectors: np.ndarray) -> np.ndarray:
        """The component of vectors ``[..., 3]`` in the animal's space towards the camera, along the ground."""
        heading = np.radians(self.heading)
        return vectors[..., 0] * np.sin(heading) - vectors[..., 2] * np.cos(heading)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points ``[..., 3]`` in the animal's space to the image, ``[..., 2]`` with y down; trunk lengths."""
        heading, elevation, roll = np.radians([self.heading, self.elevation, self.roll])
        across = points[..., 0] * np.cos(heading) + points[..., 2] * np.sin(heading)
        down = self.towards(points) * np.sin(elevation) - points[..., 1] * np.cos(elevation)
        roll = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        return np.stack([across, down], axis=-1) @ roll


def frame(pitch: float, yaw: float = 0.0) -> np.ndarray:
    """Axes forward, up and left as columns, of a part raised by ``pitch`` and turned left by ``yaw`` degrees."""
    (sin_p, sin_y), (cos_p, cos_y) = np.sin(np.radians([pitch, yaw])), np.cos(np.radians([pitch, yaw]))
    forward, up = [cos_p * cos_y, sin_p, cos_p * sin_y], [-sin_p * cos_y, cos_p, -sin_p * sin_y]
    return np.array([forward, up, [-sin_y, 0.0, cos_y]]).T


def pose_quadruped(build: Build, action: str, rng: np.random.Generator) -> Pose:
    """A random moment of ``action``, one of ``GAITS`` or ``POSTURES``."""
    legs = _leg_bones(build, action, rng)
    rump, _, chest = build.girth
    shoulder, hip = np.array([0.5, -1.2 * chest, 0.0]), np.array([-0.5, -0.75 * rump, 0.0])
    if action == 'rear':
        pitch = rng.uniform(42, 62)
    else:
        pitch = _level_pitch(legs, shoulder, hip) + rng.normal(0, 1.5)
    trunk = frame(pitch)

    tail = trunk @ [-0.5 - 0.8 * rump, -0.45 * rump, 0.0]
    joints = {'neck': trunk @ [0.66, -0.75 * chest, 0.0], 'root_of_tail': tail}
    for side, outward in OUTWARD.items():
        for names, root, radius in ((FORE_LEG, shoulder, chest), (HIND_LEG, hip, rump)):
            at = trunk @ (root + np.array([0.0, 0.0, outward * STANCE_WIDTH * radius]))
            joints[f'{side}_{names[0]}'] = at
            for name, bone in zip(names[1:], legs[side, names]):
                at = at + bone
                joints[f'{side}_{name}'] = at
    head = _add_head(joints, build, action, pitch, rng)
    return Pose(joints, trunk, head)


def _leg_bones(build: Build, action: str, rng: np.random.Generator) -> Dict[tuple, np.ndarray]:
    """The three bones ``[3, 3]`` of each leg, from the trunk down."""
    stride = rng.random()
    phases, swing = ((0.0, 0.0, 0.0, 0.0), 0.0) if action in POSTURES else GAITS[action]
    swing *= rng.uniform(0.75, 1.15)
    legs = {}
    for phase, (names, side) in zip(phases, ((n, s) for n in (FORE_LEG, HIND_LEG) for s in OUTWARD)):
        if action in POSTURES:
            degrees = np.array(POSTURES[action][names])
        else:
            moment = 2 * np.pi * (stride + phase + rng.normal(0, 0.03))
            degrees = _stride_angles(names, swing * np.cos(moment), swing * max(0.0, -np.sin(moment)))
        angles = np.radians(degrees + rng.normal(0, 3.0, 3))
        splay = np.radians(rng.uniform(-1, 4)) * OUTWARD[side]
        forward, up = np.sin(angles) * np.cos(splay), -np.cos(angles) * np.cos(splay)
        directions = np.stack([forward, up, np.full(3, np.sin(splay))], axis=1)
        legs[side, names] = directions * np.array(build.fore if names is FORE_LEG else build.hind)[:, None]
    return legs


def _stride_angles(names: Tuple[str, ...], forward: float, lift: float) -> np.ndarray:
    """Degrees of the bones of a leg swung ``forward`` and bent by ``lift`` degrees to clear the ground."""
    if names is FORE_LEG:
        rest, swung, bent = (-28, 7, 4), (0.5, 1, 1.1), (0.6, 0.8, -1.9)
    else:
        rest, swung, bent = (24, -34, 8), (0.6, 1, 1.05), (0.7, -0.9, -0.3)
    return np.array(rest) + np.array(swung) * forward + np.array(bent) * lift


def _level_pitch(legs: Dict[tuple, np.ndarray], shoulder: np.ndarray, hip: np.ndarray) -> float:
    """The pitch of the trunk at which a fore and a hind leg reach the same ground."""
    fore, hind = (max(-legs[side, names][:, 1].sum() for side in OUTWARD) for names in (FORE_LEG, HIND_LEG))
    length, rise = shoulder[0] - hip[0], shoulder[1] - hip[1]
    sine = np.clip((fore - hind) / np.hypot(length, rise), -1, 1)
    return float(np.degrees(np.arcsin(sine) - np.arctan2(rise, length)))


def _add_head(joints: dict, build: Build, action: str, pitch: float, rng: np.random.Generator) -> np.ndarray:
    """Add poll, eyes and nose to ``joints``; returns the axes of the head."""
    neck_length = build.neck[0]
    head_length, skull, _ = build.head
    rise, drop = build.neck_rise + rng.normal(0, 7), build.head_drop + rng.normal(0, 7)
    if action == 'graze':
        drop = rng.uniform(48, 72)
        ground = min(joint[1] for joint in joints.values())
        reach = joints['neck'][1] - ground - head_length * np.sin(np.radians(drop))
        rise = -np.degrees(np.arcsin(np.clip(reach / neck_length, -0.35, 0.9)))
    elif action == 'gallop':
        rise *= 0.6
    elif action in POSTURES:
        rise = max(rise, 0.6 * pitch + 15)
    turn = rng.normal(0, 10)
    # half of the animals look ahead, the others anywhere to the side
    look = turn + (rng.normal(0, 10) if rng.random() < 0.5 else rng.uniform(-65, 65))
    joints['poll'] = joints['neck'] + neck_length * frame(rise, turn)[:, 0]
    head = frame(-drop, look)
    joints['nose'] = joints['poll'] + head @ [head_length, 0.0, 0.0]
    for side, outward in OUTWARD.items():
        eye = [0.36 * head_length, 0.42 * skull, outward * 0.72 * skull]
        joints[f'{side}_eye'] = joints['poll'] + head @ eye
    return head
