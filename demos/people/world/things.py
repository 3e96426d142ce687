from typing import Sequence

import numpy as np

from demos.canvas.colors import Color, shade
from demos.canvas.sketch import SQUARE, Sketch, at, rotation
from demos.canvas.tube import CIRCLE

CLOSED_CIRCLE = np.concatenate([CIRCLE, CIRCLE[:1]])
METAL, RUBBER, WOOD = (92, 94, 100), (38, 38, 42), (150, 112, 72)


def umbrella(sketch: Sketch, hand: Sequence[float], length: float, angle: float, color: Color):
    """An open umbrella, its handle at ``hand``, its top ``length`` away, ``angle`` degrees from upright."""
    turned = rotation(angle).T
    hand = np.asarray(hand, float)
    sketch.tube(hand + [[0, 0.12 * length], [0, -length]] @ turned, 0.025 * length, METAL, 0.6)
    angles = np.radians(np.linspace(180, 360, 13))
    dome = np.stack([np.cos(angles), 0.62 * np.sin(angles)], axis=1)
    rim = np.array([[0.5, -0.14], [0, 0], [-0.5, -0.14]])
    panels = np.concatenate([dome, rim]) * 0.78 * length - [0, 0.52 * length]
    sketch.polygon(hand + panels @ turned, color)
    for share in (-0.4, 0.4):
        rib = np.stack([share * np.cos(angles[6:]), 0.62 * np.sin(angles[6:])], axis=1) * 0.78 * length
        sketch.tube(
            hand + (rib[[0, 3, 6]] * [-1, 1] - [0, 0.52 * length]) @ turned, 0.012 * length, shade(color, 0.7), 0
        )


def flag(sketch: Sketch, hand: Sequence[float], length: float, angle: float, color: Color):
    """A flag that blows to the right, its pole held at ``hand``, ``angle`` degrees from upright."""
    turned = rotation(angle).T
    sketch.tube(hand + np.array([[0, 0.3], [0, -1]]) @ turned * length, 0.035 * length, WOOD, 0.6)
    cloth = np.array(
        [[0, -1], [0.3, -0.93], [0.6, -1], [0.9, -0.94], [0.9, -0.38], [0.6, -0.45], [0.3, -0.37], [0, -0.42]]
    )
    sketch.polygon(hand + cloth @ turned * length, color)


def barbell(sketch: Sketch, hands: np.ndarray, color: Color):
    """A barbell through two hands ``[2, 2]``."""
    middle, half = hands.mean(axis=0), (hands[1] - hands[0]) / 2
    along = half / np.linalg.norm(half)
    reach = half + 0.17 * along
    sketch.tube([middle - reach, middle + reach], 0.016, METAL, 0.6)
    for sign in (-1, 1):
        for place, radius in ((0.1, 0.09), (0.14, 0.07)):
            disc = middle + sign * (half + place * along)
            across = rotation(90) @ along * radius
            sketch.tube([disc - across, disc + across], 0.022, color)


def ball(sketch: Sketch, center: Sequence[float], radius: float, color: Color):
    """A ball with a light spot."""
    sketch.ellipse(center, (radius, radius), color)
    sketch.ellipse(np.asarray(center) - 0.35 * radius, (0.3 * radius, 0.3 * radius), shade(color, 1.4), ink=0)


def box(sketch: Sketch, center: Sequence[float], half: Sequence[float], angle: float, color: Color):
    """A box with a strip of tape across."""
    turned = rotation(angle).T
    sketch.polygon(center + SQUARE * half @ turned, color)
    sketch.polygon(center + (SQUARE * [1, 0.16] - [0, 0.35]) * half @ turned, shade(color, 1.35), 0.5)


def shirt(sketch: Sketch, center: Sequence[float], height: float, color: Color):
    """A shirt without a person."""
    outline = np.array([[0.5, -0.5], [0.9, -0.1], [0.75, 0.06], [0.42, -0.22], [0.38, 0.5]]) * height
    sketch.polygon(center + np.concatenate([outline, outline[::-1] * [-1, 1]]), color)


def chair(sketch: Sketch, seat: Sequence[float], height: float, color: Color):
    """A chair that faces right: the middle of its seat, and the height of the seat above the floor."""
    seat, half, thick = np.asarray(seat, float), 0.42 * height, 0.07 * height
    back, front = seat - at(half, 0), seat + at(half, 0)
    far = shade(color, 0.7)
    for x in (back + at(0.16 * height, 0), front - at(0.16 * height, 0)):
        sketch.tube([x, x + at(0, 0.92 * height)], 0.8 * thick, far, 0.6)
    sketch.tube([back - at(0.1 * height, 1.15 * height), back, back + at(0, height)], thick, color, 0.7)
    sketch.tube([front, front + at(0, height)], thick, color, 0.7)
    sketch.tube([back, front], 1.3 * thick, color, 0.7)


def bike(sketch: Sketch, saddle: Sequence[float], hands: Sequence[float], pedals: Sequence[float], color: Color):
    """A bike that faces right, through these three points."""
    saddle, hands, pedals = (np.asarray(place, float) for place in (saddle, hands, pedals))
    unit = np.linalg.norm(saddle - pedals)
    radius = 0.52 * unit
    rear = pedals - at(0.82 * unit, 0.02 * unit)
    front = np.array([max(hands[0] + 0.3 * unit, pedals[0] + 0.9 * unit), rear[1]])
    head = front + (hands - front) * 0.8
    for wheel in (rear, front):
        outer, inner = (radius * share * CLOSED_CIRCLE for share in (1.1, 0.9))
        sketch.polygon(wheel + np.concatenate([outer, inner[::-1]]), RUBBER, ink=0)
        sketch.tube([wheel, wheel + 0.01], 0.07 * unit, METAL, 0)
    post = saddle + 0.2 * (pedals - saddle)
    for bar in ([rear, post, head, pedals, rear], [post, pedals], [head, front]):
        sketch.tube(bar, [0.05 * unit] * len(bar), color, 0.4)
    sketch.tube([head, hands, hands + at(0.06 * unit, 0.05 * unit)], 0.05 * unit, METAL, 0.4)
    sketch.tube([saddle, post], 0.045 * unit, METAL, 0.4)
    sketch.tube([saddle - at(0.16 * unit, 0), saddle + at(0.16 * unit, 0)], [0.07 * unit, 0.05 * unit], RUBBER, 0.4)
    sketch.ellipse(pedals, (0.1 * unit, 0.1 * unit), METAL, ink=0.4)
