"""Drawings of furniture, seen from a little above."""

from typing import Callable, Sequence

import numpy as np

from demos.canvas.colors import Color, shade
from demos.canvas.sketch import FAR, SIDES, SQUARE, Sketch, at

CORNERS = (('left far', -1, -1), ('right far', 1, -1), ('left near', -1, 1), ('right near', 1, 1))
View = Callable[[Sequence[float]], np.ndarray]


def table(sketch: Sketch):
    """A table, seen from a little above."""
    rng = sketch.rng
    top, wood, view = sketch.color(), sketch.color((0.3, 0.8)), _view(rng)
    half = np.array([rng.uniform(0.35, 0.65), rng.uniform(0.25, 0.5)])
    height, thick, stance = rng.uniform(0.3, 0.85), rng.uniform(0.025, 0.07), rng.uniform(0.75, 1.12)
    _legs(sketch, view, 0.88 * half, height - thick, stance, rng.uniform(0.018, 0.04), wood)
    _cuboid(sketch, view, (-half[0], height - thick, -half[1]), (half[0], height, half[1]), top)
    if sketch.chance(0.4):  # a cloth
        across = rng.uniform(0.25, 0.6) * half[0]
        sketch.polygon(_level(view, height, SQUARE * [across, half[1]]), sketch.color(), 0.6)
    _mark_corners(sketch, view, half, height)
    sketch.marks({'far middle': view((0, height, -half[1])), 'near middle': view((0, height, half[1]))})


def chair(sketch: Sketch):
    """A chair, seen from a little above, from its front or from behind."""
    rng = sketch.rng
    cover, wood, view = sketch.color(), sketch.color((0.3, 0.8)), _view(rng)
    half = np.array([rng.uniform(0.24, 0.36), rng.uniform(0.24, 0.36)])
    seat, thick, rise = rng.uniform(0.3, 0.55), rng.uniform(0.04, 0.12), rng.uniform(0.3, 0.75)
    behind = 1 if sketch.chance(0.15) else -1  # z of the backrest
    lean = behind * rng.uniform(0, 0.16)
    edge = behind * half[1]

    def backrest():
        if sketch.chance(0.05):
            return
        low = 0.0 if sketch.chance(0.6) else rng.uniform(0.3, 0.6) * rise  # a gap above the seat
        corners = [
            (x * half[0], seat + h, edge + lean * h / rise) for x, h in ((-1, low), (-1, rise), (1, rise), (1, low))
        ]
        if low:
            for corner in (corners[0], corners[3]):
                sketch.tube([view((corner[0], seat, edge)), view(corner)], 0.025, wood)
        _board(sketch, view, corners, shade(cover, 0.85))

    _legs(sketch, view, 0.92 * half, seat - thick, rng.uniform(0.85, 1.15), rng.uniform(0.02, 0.04), wood)
    if behind < 0:
        backrest()
    _cuboid(sketch, view, (-half[0], seat - thick, -half[1]), (half[0], seat, half[1]), cover)
    _mark_corners(sketch, view, half, seat)
    if not sketch.chance(0.2):
        level = seat + rng.uniform(0.3, 0.45) * min(rise, 0.6)
        reach = -edge * rng.uniform(0.3, 0.95)
        for side, sign in SIDES:
            x = sign * half[0]
            end = view((x, level, reach))
            sketch.tube([view((x, seat, reach)), end, view((x, level, edge))], [0.024, 0.028, 0.028], wood)
            sketch.mark(f'{side} arm end', end)
    if behind > 0:
        backrest()


def bed(sketch: Sketch):
    """A bed, seen from above, from its foot or from its head."""
    rng = sketch.rng
    sheet, wood = sketch.color((0.75, 1.0), (0, 0.4)), sketch.color((0.3, 0.8))
    blanket, view = sketch.color(), _view(rng)
    half = np.array([rng.uniform(0.28, 0.5), rng.uniform(0.4, 0.7)])
    leg, thick, rise = rng.uniform(0.14, 0.34), rng.uniform(0.08, 0.18), rng.uniform(0.18, 0.5)
    level = leg + thick
    behind = 1 if sketch.chance(0.15) else -1  # z of the head
    edge = behind * half[1]

    def headboard():
        if sketch.chance(0.08):
            return
        (left, right), top = (-half[0], half[0]), level + rise
        _board(sketch, view, [(left, leg, edge), (left, top, edge), (right, top, edge), (right, leg, edge)], wood)

    _legs(sketch, view, 0.96 * half, leg, 1.0, rng.uniform(0.025, 0.05), shade(wood, 0.8))
    if behind < 0:
        headboard()
    _cuboid(sketch, view, (-half[0], leg, -half[1]), (half[0], level, half[1]), sheet)
    foot = -edge
    turned = edge * rng.uniform(-0.3, 0.4)
    spread = np.array([[-1, turned], [1, turned], [1, foot], [-1, foot]]) * [half[0], 1]
    sketch.polygon(_level(view, level, spread), blanket, 0.6)
    for x in (-0.5, 0.5) if sketch.chance(0.5) else (0,):
        pillow = at(x, 0.76) + SQUARE * [-0.38, -0.14]
        sketch.polygon(_level(view, level + 0.02, pillow * [half[0], edge]), (235, 235, 230))
    _mark_corners(sketch, view, half, level)
    if behind > 0:
        headboard()


def _mark_corners(sketch: Sketch, view: View, half: np.ndarray, height: float):
    for name, x, z in CORNERS:
        sketch.mark(f'{name} corner', view((x * half[0], height, z * half[1])))


def _view(rng: np.random.Generator) -> View:
    """A random view of furniture: from (x to the right, y up, z towards the viewer) to the image."""
    yaw, elevation, perspective = rng.uniform(-0.6, 0.6), rng.uniform(0.22, 0.85), rng.uniform(0, 0.22)

    def view(point: Sequence[float]) -> np.ndarray:
        x, y, z = point
        x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
        nearness = z * np.cos(elevation) + y * np.sin(elevation)
        return np.array([x, z * np.sin(elevation) - y * np.cos(elevation)]) / (1 - perspective * nearness)

    return view


def _board(sketch: Sketch, view: View, corners: Sequence[Sequence[float]], color: Color):
    """A backrest or a headboard; the second corner is the upper left one, the third the upper right one."""
    sketch.cover(np.array([view(corner) for corner in corners]), color)
    left, right = corners[1:3]
    middle = view((0, *left[1:]))
    sketch.marks({'left top corner': view(left), 'top middle': middle, 'right top corner': view(right)})


def _level(view: View, height: float, places: np.ndarray) -> np.ndarray:
    """Points ``[N, 2]`` (x, z) at this height, in the image."""
    return np.array([view((x, height, z)) for x, z in places])


def _cuboid(sketch: Sketch, view: View, low: Sequence[float], high: Sequence[float], color: Color):
    (left, bottom, far), (right, top, near) = low, high
    faces = (
        (0.78, [(left, bottom, far), (left, bottom, near), (left, top, near), (left, top, far)]),
        (0.78, [(right, bottom, near), (right, bottom, far), (right, top, far), (right, top, near)]),
        (0.9, [(left, bottom, near), (right, bottom, near), (right, top, near), (left, top, near)]),
        (1.08, [(left, top, near), (right, top, near), (right, top, far), (left, top, far)]),
    )
    for light, corners in faces:
        seen = np.array([view(corner) for corner in corners])
        (ax, ay), (bx, by) = seen[1] - seen[0], seen[2] - seen[0]
        if ax * by - ay * bx < 0:  # faces the viewer
            sketch.cover(seen, shade(color, light))


def _legs(sketch: Sketch, view: View, half: np.ndarray, height: float, stance: float, thick: float, color: Color):
    """Four legs under the corners; ``stance`` is their distance on the floor, relative to that at the top."""
    for name, x, z in CORNERS:
        if sketch.chance(0.05):
            continue
        top = view((x * half[0], height, z * half[1]))
        foot = view((x * half[0] * stance, 0, z * half[1] * stance))
        sketch.tube([top, foot], [thick, 0.8 * thick], shade(color, 1 if z > 0 else FAR))
        sketch.mark(f'{name} leg bottom', foot)
