from dataclasses import dataclass

import numpy as np

from demos.canvas.colors import Color, shade
from demos.canvas.sketch import Sketch, at, rotation

from .poses import Pose
from .things import ball, barbell, bike, box, chair, flag, umbrella

BALL = 0.07, 0.1  # range of its radius
FAR = 0.78  # brightness of a limb on the far side
SEAT, SOLE = 0.07, 0.035  # from the pelvis down to a seat, from an ankle down to the ground


@dataclass(frozen=True)
class Look:
    """Colors of a person, its clothes and its object, and the share of an upper arm that the sleeves cover."""

    shirt: Color
    trousers: Color
    skin: Color
    hair: Color
    shoes: Color
    thing: Color
    sleeves: float


def draw_person(sketch: Sketch, activity: str, pose: Pose, look: Look):
    """Draw a person one unit tall, with the object of the activity; mark MPII's keypoints."""
    points = pose.joints(sketch.rng)
    sketch.marks(points)
    far = 1.0 if pose.frontal else FAR
    if not pose.frontal:
        _arm(sketch, 'left', look, far)
    _leg(sketch, 'left', pose, look, far)
    hands = (points['left_wrist'] + points['right_wrist']) / 2
    if activity == 'sitting on a chair':
        floor = max(points['left_ankle'][1], points['right_ankle'][1]) + SOLE
        seat = points['pelvis'] + at(0.07, SEAT)
        chair(sketch, seat, max(floor - seat[1], 0.2), look.thing)
    elif activity == 'riding a bike':
        pedals = (points['left_ankle'] + points['right_ankle']) / 2 + at(0, SOLE)
        bike(sketch, points['pelvis'] + at(0, SEAT), hands, pedals, look.thing)
    elif activity in ('holding an umbrella', 'waving a flag'):
        hand = min((points[f'{side}_wrist'] for side in ('right', 'left')), key=lambda wrist: wrist[1])
        head = points['head_top']
        towards_head = np.sign(head[0] - hand[0])
        if activity == 'holding an umbrella':
            umbrella(sketch, hand, hand[1] - head[1] + 0.3, sketch.rng.uniform(2, 22) * towards_head, look.thing)
        else:
            flag(sketch, hand, sketch.rng.uniform(0.34, 0.42), sketch.rng.normal(0, 10), look.thing)
    _leg(sketch, 'right', pose, look, 1.0)
    _trunk(sketch, pose, look)
    if activity == 'carrying a box':
        half = sketch.rng.uniform([0.1, 0.085], [0.15, 0.13])
        box(sketch, hands + half * at(0.35, -0.55), half, sketch.rng.normal(0, 5), look.thing)
    if pose.frontal:
        _arm(sketch, 'left', look, 1.0)
    _arm(sketch, 'right', look, 1.0)
    if activity == 'kicking a ball':
        radius = sketch.rng.uniform(*BALL)
        foot = points['right_ankle']
        gap = sketch.rng.uniform(0.05, 0.12) * _step(points['right_knee'], foot) + at(0.04 + radius, 0)
        ball(sketch, foot + gap, radius, look.thing)
    elif activity == 'lifting a barbell':
        barbell(sketch, np.stack([points['right_wrist'], points['left_wrist']]), look.thing)


def _step(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return (end - start) / np.linalg.norm(end - start)


def _arm(sketch: Sketch, side: str, look: Look, light: float):
    shoulder, elbow, wrist = (sketch.points[f'{side}_{joint}'] for joint in ('shoulder', 'elbow', 'wrist'))
    skin, sleeve = shade(look.skin, light), shade(look.shirt, 0.92 * light)
    sketch.tube([shoulder, elbow, wrist], [0.034, 0.034, 0.026], skin)
    sketch.ellipse(wrist + 0.02 * _step(elbow, wrist), (0.034, 0.034), skin)
    sketch.tube([shoulder, shoulder + look.sleeves * (elbow - shoulder)], [0.044, 0.04], sleeve)


def _leg(sketch: Sketch, side: str, pose: Pose, look: Look, light: float):
    hip, knee, ankle = (sketch.points[f'{side}_{joint}'] for joint in ('hip', 'knee', 'ankle'))
    shin = _step(knee, ankle)
    # a foot points forwards; seen from the front, slightly outwards
    toes = rotation(-90) @ shin * 0.07 if not pose.frontal else 0.02 * shin + at(0.02 * np.sign(ankle[0]), 0)
    heel = ankle + 0.015 * shin
    sketch.tube([heel, heel + toes], [0.034, 0.026], shade(look.shoes, light))
    sketch.tube([hip, knee, ankle], [0.06, 0.046, 0.034], shade(look.trousers, light))


def _trunk(sketch: Sketch, pose: Pose, look: Look):
    pelvis, thorax, neck, top = (sketch.points[name] for name in ('pelvis', 'thorax', 'upper_neck', 'head_top'))
    sketch.tube([thorax, neck + 0.2 * (top - neck)], 0.03, look.skin)
    wide = 1.0 if pose.frontal else 0.78
    waist = pelvis - 0.12 * (thorax - pelvis)
    sketch.tube([pelvis, waist], [0.08 * wide, 0.07 * wide], look.trousers)
    across = rotation(90) @ _step(pelvis, thorax) * wide
    # across and up the trunk
    shoulders = thorax + [[0.115, 0], [0.05, 0.03], [-0.05, 0.03], [-0.115, 0]] @ np.stack(
        [across, _step(pelvis, thorax)]
    )
    sketch.polygon([*shoulders, pelvis - 0.08 * across, pelvis + 0.08 * across], look.shirt)
    head = neck + 0.5 * (top - neck)
    length = np.linalg.norm(top - neck)
    up = _step(neck, top)
    sketch.tube([neck + 0.3 * (top - neck), top - 0.052 * up], [0.05, 0.058], look.skin)
    front = rotation(90) @ up * (0.0 if pose.frontal else 0.03)
    crown = head + 0.26 * length * up
    sketch.tube([crown - front - 0.01 * up, crown - 0.4 * front + 0.015 * up], 0.05, look.hair, 0.6)
