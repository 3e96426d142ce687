"""Drawings of animals and of a face. Those seen from the side face right."""

from dataclasses import replace

import numpy as np

from demos.animals.world.drawing import draw_quadruped
from demos.animals.world.quadruped import Camera, pose_quadruped
from demos.animals.world.species import SPECIES
from demos.canvas.colors import Color, shade
from demos.canvas.sketch import FAR, SIDES, Sketch, at, rotation, towards

# names of the points of a drawn animal in this category; it faces right
QUADRUPED = dict(nose='nose tip', mouth='mouth end', right_eye='eye', right_ear_tip='ear tip', neck='neck base')
QUADRUPED.update(belly='body bottom', root_of_tail='tail base', tail_tip='tail tip')
QUADRUPED.update(right_wrist='near front knee', right_front_paw='near front leg bottom')
QUADRUPED.update(right_hock='near back knee', right_back_paw='near back leg bottom')
QUADRUPED.update(left_front_paw='far front leg bottom', left_back_paw='far back leg bottom')


def quadruped(sketch: Sketch):
    """An animal of any species and color, standing, walking or grazing, seen from the side."""
    rng = sketch.rng
    species = SPECIES[rng.integers(len(SPECIES))]
    coat = species.coats[rng.integers(len(species.coats))]
    if sketch.chance(0.6):
        coat = replace(coat, back=sketch.color(), belly=sketch.color(), legs=sketch.color(), mark=sketch.color())
    pose = pose_quadruped(species.build, rng.choice(['stand', 'walk', 'trot', 'graze']), rng)
    draw_quadruped(sketch, species, coat, pose, Camera(rng.uniform(-20, 20), rng.uniform(0, 12), 0.0), 0.04)
    sketch.points = {QUADRUPED[own]: point for own, point in sketch.points.items() if own in QUADRUPED}


def fish(sketch: Sketch):
    """A fish, seen from the side."""
    rng = sketch.rng
    scales, fins = sketch.color(), sketch.color()
    height, bend = rng.uniform(0.14, 0.32), rng.uniform(-0.12, 0.12)
    along = np.linspace(0, 1, 16)
    spine = np.stack([0.5 - 0.95 * along, bend * along**2], axis=1)
    fullness = rng.uniform(0.5, 0.8)
    half = height * np.sin(np.pi * along**fullness) + 0.06 * along
    top, bottom = spine - np.outer(half, [0, 1]), spine + np.outer(half, [0, rng.uniform(0.7, 1.2)])
    tail = spine[-1]
    if not sketch.chance(0.06):
        spread = rng.uniform(0.13, 0.34)
        tips = [tail + at(-rng.uniform(0.15, 0.3), height) for height in (-spread, spread * rng.uniform(0.6, 1.2))]
        sketch.polygon([tail + at(0.06, -0.03), tips[0], tail - [0.1, 0], tips[1], tail + at(0.06, 0.03)], fins)
        sketch.marks({'top tail tip': tips[0], 'bottom tail tip': tips[1]})
    for side, edge, sign in (('top', top, -1), ('bottom', bottom, 1)):
        if sketch.chance(0.1):
            continue
        first = rng.integers(5, 8)
        last = first + rng.integers(3, 5)
        tip = edge[last] + at(-rng.uniform(0, 0.12), sign * rng.uniform(0.1, 0.26))
        sketch.polygon([edge[first] - [0, 0.05 * sign], tip, edge[last] - [0, 0.05 * sign]], fins)
        sketch.mark(f'{side} fin tip', tip)
    sketch.polygon(np.concatenate([top, bottom[::-1]]), scales)
    if sketch.chance(0.6):
        for i in rng.integers(6, 13, 3):
            sketch.tube([top[i], bottom[i]], 0.022, shade(scales, 0.75), 0)
    sketch.marks({'nose tip': spine[0], 'tail base': tail, 'body bottom': bottom[5]})
    mouth = spine[2] + np.array([0, 0.3 * half[2]])
    sketch.tube([spine[0] + at(0, 0.02), mouth], 0.012, shade(scales, 0.3), 0)
    sketch.mark('mouth end', mouth)
    if not sketch.chance(0.06):
        base = spine[6] + at(0, 0.25 * height)
        tip = base + rng.uniform(0.12, 0.22) * towards(rng.uniform(160, 245))
        side = 0.3 * (tip - base) @ rotation(90).T
        sketch.polygon([base, (base + tip) / 2 + side, tip, (base + tip) / 2 - side], shade(fins, 0.85))
        sketch.marks({'near fin base': base, 'near fin tip': tip})
    sketch.eye('eye', spine[3] - [0, 0.35 * half[3]], 0.04)


def insect(sketch: Sketch):
    """A winged insect, seen from above, flying up or down the image."""
    rng = sketch.rng
    skin, wings, second = sketch.color((0.3, 0.8)), sketch.color((0.7, 1.0)), sketch.color((0.6, 1.0))
    ahead = -1.0 if sketch.chance(0.5) else 1.0  # y of its direction
    length, thick = rng.uniform(0.35, 0.62), rng.uniform(0.05, 0.1)
    bend = rng.uniform(-0.15, 0.15)
    tail = np.array([[0.0, 0.0], [bend / 3, -ahead * length / 2], [bend, -ahead * length]])
    spans, angles = rng.uniform(0.35, 0.6, 2), (rng.uniform(5, 50), rng.uniform(-55, -5))
    for row, span, angle, color in zip(('back', 'front'), spans[::-1], angles[::-1], (second, wings)):
        shift = ahead * (0.1 if row == 'front' else -0.02)
        for side, sign in SIDES:
            if sketch.chance(0.08):
                continue
            base = np.array([sign * 0.6 * thick, shift])
            step = towards(angle + rng.uniform(-8, 8)) * [sign, -ahead]
            width = rng.uniform(0.2, 0.34) * span * np.array([-step[1], step[0]])
            tip = base + span * step
            # along and across the wing
            shares = [[0, 0], [0.5, 1], [0.88, 0.8], [1, 0], [0.85, -0.7], [0.4, -0.7]]
            sketch.polygon(base + shares @ np.stack([span * step, width]), color)
            sketch.tube([base, tip - 0.1 * span * step], 0.008, shade(color, 0.6), 0)
            sketch.mark(f'{side} {row} wing tip', tip)
            if row == 'front':
                sketch.mark(f'{side} wing base', base)
    sketch.tube(tail, thick * np.array([0.75, 0.8, 0.25]), second)
    for share in (0.35, 0.6):
        place = np.array([bend * share**1.5, -ahead * length * share])
        sketch.tube([place - [0.6 * thick, 0], place + at(0.6 * thick, 0)], 0.016, shade(second, 0.4), 0)
    sketch.ellipse((0, 0.06 * ahead), (thick, 0.16), skin)
    sketch.marks({'tail base': (0, -0.07 * ahead), 'tail tip': tail[-1]})
    base, head = np.array([0, 0.2 * ahead]), np.array([0, 0.3 * ahead])
    for sign in (-1, 1):
        feeler = head + at(0.05 * sign, 0.05 * ahead)
        sketch.tube([feeler, feeler + rng.uniform(0.08, 0.2) * np.array([0.7 * sign, ahead])], 0.01, skin, 0)
    sketch.ellipse(head, (0.1, 0.1), shade(skin, 1.25))
    sketch.marks({'head base': base, 'nose tip': head + at(0, 0.1 * ahead)})
    for side, sign in SIDES:
        sketch.eye(f'{side} eye', head + at(0.085 * sign, 0.03 * ahead), 0.045)


def bird(sketch: Sketch):
    """A bird, standing or flying, seen from the side."""
    rng = sketch.rng
    feathers, second, horn = sketch.color(), sketch.color(), sketch.color((0.5, 1.0), (0.6, 1.0))
    pitch = rng.uniform(-8, 45)
    ahead, up = towards(pitch), towards(pitch + 90)
    length, girth = rng.uniform(0.24, 0.36), rng.uniform(0.13, 0.2)
    flies = sketch.chance(0.55)
    spread = rng.uniform(60, 130) if sketch.chance(0.5) else rng.uniform(215, 285)
    if flies:
        base = 0.25 * length * ahead + 0.3 * girth * up
        _wing(sketch, 'far', base, rng.uniform(0.4, 0.65), rng.uniform(60, 120), shade(second, FAR))
    legs = rng.uniform(0.15, 0.4)
    for side, shift, light in (('far', 0.06, FAR), ('near', -0.03, 1.0)):
        if sketch.chance(0.06):
            continue
        top = shift * ahead - 0.7 * girth * up
        foot = top + legs * towards(rng.uniform(215, 245) if flies else rng.uniform(-100, -75))
        sketch.tube([top, foot], [0.028, 0.022], shade(horn, light))
        sketch.polygon([foot, foot + at(0.09, 0.025), foot + at(0.07, -0.02)], shade(horn, light))
        sketch.mark(f'{side} leg bottom', foot)
    base = -0.95 * length * ahead
    if not sketch.chance(0.08):
        step = towards(180 + pitch + rng.uniform(-25, 25))
        across = rng.uniform(0.05, 0.13) * step @ rotation(90).T
        tip = base + rng.uniform(0.18, 0.42) * step
        sketch.polygon([base + 0.04 * up, tip + across, tip, tip - across, base - 0.04 * up], shade(second, 0.85))
        sketch.mark('tail tip', tip)
    neck = 0.6 * length * ahead + 0.35 * girth * up
    head = neck + rng.uniform(0.1, 0.4) * towards(rng.uniform(45, 105))
    sketch.tube([neck, head], [0.65 * girth, 0.075], feathers)
    sketch.tube([base, -0.2 * length * ahead, 0.45 * length * ahead], [0.3 * girth, girth, girth], feathers)
    sketch.marks({'tail base': base, 'body bottom': 0.1 * length * ahead - 0.95 * girth * up, 'neck base': neck})
    if not (flies and sketch.chance(0.1)):
        angle = spread if flies else 180 + pitch + rng.uniform(-14, 14)
        _wing(sketch, 'near', 0.25 * length * ahead + 0.1 * girth * up, rng.uniform(0.4, 0.6), angle, second)
    size, gaze = rng.uniform(0.085, 0.12), rng.uniform(-25, 15)
    beak = head + (size + rng.uniform(0.1, 0.26)) * towards(gaze)
    wide = 0.55 * size * towards(gaze + 90)
    sketch.polygon([head + 0.6 * size * towards(gaze) + wide, beak, head + 0.6 * size * towards(gaze) - wide], horn)
    sketch.ellipse(head, (size, size), feathers)
    sketch.marks({'nose tip': beak, 'head top': head - [0, size]})
    sketch.eye('eye', head + 0.35 * size * towards(gaze + 40), 0.03)


def face(sketch: Sketch):
    """A face, turned a little to one side."""
    rng = sketch.rng
    skin, second = sketch.color((0.6, 1.0), (0.1, 0.6)), sketch.color((0.2, 0.8))
    wide, high = rng.uniform(0.3, 0.45), rng.uniform(0.38, 0.5)
    turn = np.array([rng.uniform(-0.25, 0.25) * wide, rng.uniform(-0.12, 0.12) * high])
    place = rng.uniform(15, 70)  # degrees up from the side
    for side, sign in SIDES:
        if sketch.chance(0.06):
            continue
        around = towards(90 - sign * (90 - place))
        base = 0.93 * around * [wide, high]
        length, lean = rng.uniform(0.14, 0.4), rng.uniform(-15, 25)
        tip = base + length * towards(90 - sign * (90 - place + lean - 0.4 * (place - 15)))
        across = rng.uniform(0.08, 0.13) * rotation(90) @ (tip - base) / length
        shares = [[0, -1], [0.6, -0.7], [1, 0], [0.6, 0.7], [0, 1]]  # along and across the ear
        sketch.polygon(base + shares @ np.stack([tip - base, across]), shade(skin, 0.85))
        sketch.marks({f'{side} ear base': base, f'{side} ear tip': tip})
    sketch.ellipse((0, 0), (wide, high), skin)
    sketch.marks({'head top': (0, -0.97 * high), 'head bottom': (0, 0.97 * high)})
    gap, level, size = rng.uniform(0.35, 0.5) * wide, rng.uniform(-0.3, 0) * high, rng.uniform(0.045, 0.075)
    for side, sign in SIDES:
        eye = turn + at(sign * gap, level)
        sketch.eye(f'{side} eye', eye, size)
        sketch.tube([eye - at(0.07, 0.09), eye + at(0.07, -0.09)], 0.014, second, 0)
    nose = 1.35 * turn + at(0, level + rng.uniform(0.2, 0.3) * high)
    bridge = turn + at(0, level + 0.02)
    sketch.polygon([nose - at(0.05, 0), bridge, nose + at(0.05, 0), nose + at(0, 0.03)], shade(skin, 0.75))
    sketch.mark('nose tip', nose)
    half, smile = rng.uniform(0.2, 0.42) * wide, rng.uniform(-0.06, 0.12)
    mouth = turn + at(0, level + rng.uniform(0.5, 0.7) * high)
    bow = np.array([[-1, 0], [-0.5, 0.75], [0, 1], [0.5, 0.75], [1, 0]]) * [half, smile] + mouth
    sketch.tube(bow, np.full(5, 0.022), (170, 40, 50), 0)
    sketch.marks({'left mouth end': bow[0], 'right mouth end': bow[-1]})


def _wing(sketch: Sketch, side: str, base: np.ndarray, span: float, angle: float, color: Color):
    """A bird's wing, from ``base`` in the direction ``angle``."""
    step = towards(angle)
    across = rotation(90) @ step
    if across[0] > 0:  # feathers trail behind
        across = -across
    tip = base + span * step
    shares = [[0, -0.07], [0.55, -0.05], [1, 0], [0.7, 0.16], [0.35, 0.2], [0, 0.13]]  # along and across the wing
    sketch.polygon(base + shares @ np.stack([span * step, across]), color)
    sketch.tube([base + 0.1 * across, base + 0.75 * span * step + 0.08 * across], 0.01, shade(color, 0.7), 0)
    sketch.marks({f'{side} wing base': base, f'{side} wing tip': tip})
