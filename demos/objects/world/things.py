"""Drawings of vehicles, clothes and a robot. Vehicles are seen from the side and face right."""

from typing import Sequence

import numpy as np

from demos.canvas.colors import BLACK, Color, shade
from demos.canvas.sketch import FAR, SIDES, SQUARE, Sketch, at, rotation, towards

GLASS, RUBBER, CHROME = (196, 218, 228), (38, 36, 40), (200, 200, 205)


def car(sketch: Sketch):
    """A car, seen from the side."""
    rng = sketch.rng
    paint = sketch.color()
    floor, waist = 0.1, rng.uniform(-0.1, -0.03)
    roof = waist - rng.uniform(0.14, 0.28)
    back, front = rng.uniform(-0.46, -0.2), rng.uniform(-0.02, 0.2)  # of the roof
    screen = min(front + rng.uniform(0.08, 0.18), 0.36)
    boot = min(back - 0.02, rng.uniform(-0.5, -0.3))
    cabin = [[boot, waist], [back, roof], [front, roof], [screen, waist]]
    hood = [[0.47, waist + rng.uniform(0.02, 0.06)], [0.5, floor]]
    outline = [[-0.5, floor], [-0.5, waist + 0.01], *cabin, *hood]
    sketch.polygon(outline, paint)
    pillar = rng.uniform(0.35, 0.65) * (front - back) + back
    level = waist - 0.01
    lean = (screen - front) * 0.75
    high, left, right = roof + 0.03, pillar - 0.015, pillar + 0.015
    behind = [[boot + 0.75 * (back - boot), level - 0.02], [back + 0.02, high], [left, high], [left, level]]
    ahead = [[right, level], [right, high], [front - 0.01, high], [front + lean, level]]
    for side, corners in (('back', behind), ('front', ahead)):
        sketch.polygon(corners, GLASS, 0.7)
        sketch.mark(f'{side} window', np.mean(corners, axis=0))
    sketch.ellipse((0.46, waist + 0.08), (0.035, 0.028), (255, 240, 150), ink=0.6)
    sketch.polygon(at(-0.48, waist + 0.07) + SQUARE * [0.02, 0.03], (200, 40, 40), 0.6)
    sketch.tube([[pillar + 0.03, waist + 0.04], [pillar + 0.08, waist + 0.04]], 0.01, CHROME, 0)
    _wheels(sketch, (-rng.uniform(0.27, 0.36), rng.uniform(0.24, 0.34)), floor, rng.uniform(0.08, 0.125))
    sketch.marks({'back bottom corner': outline[0], 'back top corner': outline[3], 'front top corner': outline[4]})
    sketch.mark('front bottom corner', outline[-1])


def bus(sketch: Sketch):
    """A bus, seen from the side."""
    rng = sketch.rng
    paint, band = sketch.color(), sketch.color()
    roof, floor, lean = -rng.uniform(0.26, 0.48), 0.06, rng.uniform(0.0, 0.1)
    outline = np.array([[-0.5, floor], [-0.5 + 0.3 * lean, roof], [0.5 - lean, roof], [0.5, floor]])
    sketch.polygon(outline, paint)
    low, high = floor + rng.uniform(0.4, 0.55) * (roof - floor), roof + 0.05
    sketch.polygon(at(0, floor - 0.045) + SQUARE * [0.49, 0.025], band, 0)
    count, door = rng.integers(3, 6), rng.uniform(0.08, 0.12)
    ends = np.linspace(-0.47, 0.44 - lean - door, count + 1)
    for i, (start, end) in enumerate(zip(ends[:-1], ends[1:])):
        corners = [[start + 0.01, low], [start + 0.01, high], [end - 0.01, high], [end - 0.01, low]]
        sketch.polygon(corners, GLASS, 0.7)
        if i in (0, count - 1):
            sketch.mark('front window' if i else 'back window', np.mean(corners, axis=0))
    left, right, step = ends[-1] + 0.01, ends[-1] + door, floor - 0.02
    sketch.polygon([[left, step], [left, high], [right, high], [right, step]], shade(band, 0.7))
    front, screen = 0.5 - lean * (1 - (high - roof) / (floor - roof)), 0.5 - lean * 0.4
    sketch.polygon([[front, high], [screen, low], [screen - 0.045, low], [front - 0.045, high]], GLASS, 0.7)
    sketch.ellipse((0.475, floor - 0.06), (0.028, 0.028), (255, 240, 150), ink=0.6)
    _wheels(sketch, (-rng.uniform(0.22, 0.36), rng.uniform(0.2, 0.32)), floor, rng.uniform(0.065, 0.1))
    for name, corner in zip(('back bottom', 'back top', 'front top', 'front bottom'), outline):
        sketch.mark(f'{name} corner', corner)


def aeroplane(sketch: Sketch):
    """An aeroplane in the air, seen from the side and a little above."""
    rng = sketch.rng
    paint, wings = sketch.color((0.6, 1.0)), sketch.color()
    thick, tail = rng.uniform(0.06, 0.1), np.array([-0.5, -rng.uniform(0.0, 0.05)])
    place, chord = rng.uniform(-0.08, 0.12), rng.uniform(0.12, 0.2)

    def wing(name: str, base: np.ndarray, tip: np.ndarray, width: float, color: Color):
        broad, narrow = at(width / 2, 0), at(0.3 * width, 0)
        sketch.polygon([base + broad, tip + narrow, tip - narrow, base - broad], color)
        sketch.mark(f'{name} tip', tip)

    sweep = rng.uniform(-0.3, 0.05)
    tip = at(place + sweep, -rng.uniform(0.16, 0.34))
    wing('far wing', at(place + 0.03, -0.4 * thick), tip, chord, shade(wings, FAR))
    if not sketch.chance(0.06):
        tip = tail - at(rng.uniform(0, 0.1), rng.uniform(0.15, 0.28))
        wing('top fin', tail + at(0.1, 0), tip, 0.16, shade(wings, 0.85))
    if not sketch.chance(0.12):
        for side, x in (('front', rng.uniform(0.24, 0.36)), ('back', place - rng.uniform(0, 0.12))):
            wheel = np.array([x, thick + rng.uniform(0.06, 0.12)])
            sketch.tube([[x, 0.5 * thick], wheel], 0.014, CHROME, 0.5)
            _wheel(sketch, f'{side} wheel', wheel, 0.042)
    body = [tail, [-0.25, 0], [0.3, 0], [0.42, 0.01], [0.5, 0.02]]
    sketch.tube(body, thick * np.array([0.35, 0.95, 1, 0.8, 0.35]), paint)
    sketch.marks({'tail tip': tail, 'nose tip': (0.5 + 0.3 * thick, 0.02)})
    ends = np.linspace(-0.24, 0.22, rng.integers(4, 8))
    for x in ends:
        sketch.ellipse((x, -0.3 * thick), (0.022, 0.024), shade(GLASS, 0.8), ink=0.6)
    sketch.mark('back window', (ends[0], -0.3 * thick))
    cockpit = np.array([[0.31, -0.6], [0.42, -0.35], [0.39, 0.05], [0.31, 0]]) * [1, thick]
    sketch.polygon(cockpit, GLASS, 0.7)
    sketch.mark('front window', cockpit.mean(axis=0))
    if not sketch.chance(0.06):
        tip = tail + at(-rng.uniform(0, 0.08), rng.uniform(0.07, 0.14))
        wing('near fin', tail + at(0.1, 0.1 * thick), tip, 0.1, wings)
    base = np.array([place, 0.35 * thick])
    wing('near wing', base, base + at(sweep, rng.uniform(0.2, 0.42)), chord, wings)
    sketch.mark('near wing base', base)


def trousers(sketch: Sketch):
    """A pair of trousers, laid out."""
    rng = sketch.rng
    cloth = sketch.color()
    waist, hips, fork = rng.uniform(0.15, 0.24), rng.uniform(0.2, 0.3), rng.uniform(0.2, 0.34)
    sketch.polygon([[-waist, 0], [waist, 0], [hips, fork], [0, fork + 0.03], [-hips, fork]], cloth)
    shortened = rng.uniform(0.35, 0.75)
    for side, sign in SIDES:
        spread = -90 + sign * rng.uniform(0, 32)
        thigh = np.array([sign * hips / 2, fork])
        knee = thigh + 0.5 * shortened * towards(spread)
        hem = knee + 0.5 * shortened * towards(spread + rng.uniform(-22, 22))
        widths = np.array([hips / 2, rng.uniform(0.6, 0.9) * hips / 2, rng.uniform(0.45, 1.1) * hips / 2])
        places = np.array([thigh, knee, hem])
        whole = not sketch.chance(0.08)
        if not whole:  # cut off above the knee
            places[1:] = thigh + 0.2 * shortened * towards(spread), thigh + 0.3 * shortened * towards(spread)
        across = np.outer(widths, [sign, 0])
        outline = [[sign * waist, 0], *(places + across), *(places - across)[::-1]]
        sketch.polygon(outline, shade(cloth, 1 if sign > 0 else 0.94))
        if whole:
            crease = at(0.5 * widths[1], 0)
            sketch.tube([knee - crease, knee + crease], 0.007, shade(cloth, 0.6), 0)
            sketch.marks({f'{side} knee': knee, f'{side} leg bottom': hem})
    sketch.polygon([[-waist, 0], [waist, 0], [waist + 0.01, 0.06], [-waist - 0.01, 0.06]], shade(cloth, 0.75))
    if not sketch.chance(0.1):
        sketch.button('top button', [0, 0.03], CHROME)
    sketch.tube([[0, 0.07], [0, fork + 0.02]], 0.007, shade(cloth, 0.55), 0)
    sketch.marks({'left top corner': (-waist, 0), 'right top corner': (waist, 0), 'leg base': (0, fork + 0.03)})


def shirt(sketch: Sketch):
    """A shirt with long or short sleeves, laid out."""
    rng = sketch.rng
    cloth, trim = sketch.color(), sketch.color()
    broad, hem, length = rng.uniform(0.22, 0.32), rng.uniform(0.2, 0.36), rng.uniform(0.5, 0.85)
    collar, drop = rng.uniform(0.08, 0.12), rng.uniform(0.03, 0.1)
    sleeve = rng.uniform(0.2, 0.62)
    for side, sign in SIDES:
        if sketch.chance(0.05):
            continue
        base = np.array([sign * broad, drop + 0.08])
        step = towards(90 - sign * rng.uniform(70, 170))
        step[0] = sign * max(sign * step[0], 0.2)
        end = base + sleeve * step
        across = rng.uniform(0.05, 0.08) * rotation(90) @ step
        sketch.polygon([base - 1.4 * across, end - across, end + across, base + 1.4 * across], shade(cloth, 0.85))
        cuff = end - 0.045 * step
        sketch.polygon([cuff - across, end - across, end + across, cuff + across], trim, 0.6)
        sketch.marks({f'{side} arm base': base, f'{side} arm end': end})
    half = np.array([[collar, 0], [broad, drop], [broad, 0.25], [hem, length]])
    middle = [0, length + rng.uniform(-0.02, 0.04)]
    sketch.polygon([*(half * [-1, 1]), middle, *half[::-1], [0, 0.05]], cloth)
    neck = rng.uniform(0.08, 0.2)
    sketch.polygon([[-collar, 0], [0, 0.03], [collar, 0], [0, neck]], shade(cloth, 0.5))
    for sign in (-1, 1):
        lapel = [[sign * collar, 0], [0, neck], [sign * 0.1, neck + 0.06], [sign * (collar + 0.03), 0.03]]
        sketch.polygon(lapel, trim, 0.7)
    sketch.tube([[0, neck], [0, length - 0.01]], 0.006, shade(cloth, 0.6), 0)
    for name, share in (('top', rng.uniform(0.15, 0.3)), ('bottom', rng.uniform(0.7, 0.85))):
        if not sketch.chance(0.06):
            sketch.button(f'{name} button', [0, neck + share * (length - neck)], shade(trim, 1.3))
    sketch.mark('neck base', (0, neck))
    for side, sign in SIDES:
        sketch.marks({f'{side} top corner': (sign * collar, 0), f'{side} bottom corner': (sign * hem, length)})
    sketch.mark('bottom middle', (0, length))


def robot(sketch: Sketch):
    """A robot, seen from the front, waving and marching."""
    rng = sketch.rng
    metal, second, limbs = sketch.color(), sketch.color(), sketch.color((0.4, 0.8))
    broad, high = rng.uniform(0.14, 0.24), rng.uniform(0.2, 0.32)
    wide, tall = rng.uniform(0.12, 0.22), rng.uniform(0.11, 0.18)
    neck, shift = rng.uniform(0.04, 0.1), rng.uniform(-0.05, 0.05)
    hips = np.array([0, high / 2])
    leg = rng.uniform(0.25, 0.45)
    for side, sign in SIDES:
        if not sketch.chance(0.05):
            top = hips + at(0.55 * broad * sign, -0.02)
            knee = top + 0.5 * leg * towards(-90 + sign * rng.uniform(-5, 35))
            foot = knee + 0.5 * leg * towards(-90 + sign * rng.uniform(-12, 15))
            sketch.tube([top, knee, foot], [0.05, 0.045, 0.045], limbs)
            sketch.polygon(foot + np.array([[-0.06, -0.02], [0.06, -0.02], [0.08, 0.05], [-0.08, 0.05]]), second)
            sketch.mark(f'{side} leg bottom', foot + at(0, 0.03))
        if not sketch.chance(0.06):
            base = np.array([sign * broad, -0.36 * high])
            elbow = base + rng.uniform(0.12, 0.2) * towards(90 - sign * rng.uniform(30, 160))
            end = elbow + rng.uniform(0.12, 0.24) * towards(90 - sign * rng.uniform(-10, 160))
            end[0] = sign * max(sign * end[0], 0.12)
            sketch.tube([base, elbow, end], [0.05, 0.042, 0.04], limbs)
            sketch.ellipse(end, (0.055, 0.055), second)
            sketch.marks({f'{side} arm base': base, f'{side} arm end': end})
    throat = np.array([0, -high / 2])
    head = throat + at(shift, -neck - tall)
    sketch.tube([throat, head], 0.05, shade(metal, 0.7))
    sketch.mark('neck base', throat)
    slant = rng.uniform(0.75, 1.1)
    sketch.polygon(SQUARE * [broad, high / 2] * [[1, 1], [1, 1], [slant, 1], [slant, 1]], metal)
    for name, level in (('top', -0.22), ('bottom', 0.26)):
        if not sketch.chance(0.06):
            sketch.button(f'{name} button', [0, level * high], shade(second, 1.3))
    on_top = sketch.chance(0.5)
    for side, sign in SIDES:
        if sketch.chance(0.06):
            continue
        base = head + (at(0.7 * sign * wide, -0.9 * tall) if on_top else at(0.95 * sign * wide, 0))
        length = rng.uniform(0.09, 0.2)
        tip = base + length * towards(90 - sign * (rng.uniform(0, 40) if on_top else rng.uniform(30, 90)))
        across = 0.05 * rotation(90) @ (tip - base) / np.linalg.norm(tip - base)
        sketch.polygon([base - across, tip, base + across], second)
        sketch.mark(f'{side} ear tip', tip)
    sketch.polygon(head + SQUARE * [wide, tall], shade(metal, 1.15))
    sketch.mark('head top', head - [0, tall])
    gap, level = rng.uniform(0.38, 0.6) * wide, rng.uniform(-0.5, 0.1) * tall
    for side, sign in SIDES:
        sketch.eye(f'{side} eye', head + at(sign * gap, level), 0.045)
    sketch.tube([head + at(-0.5 * wide, 0.6 * tall), head + at(0.5 * wide, 0.6 * tall)], 0.015, BLACK, 0)


def _wheels(sketch: Sketch, places: Sequence[float], level: float, radius: float):
    for side, x in zip(('back', 'front'), places):
        if sketch.chance(0.05):
            sketch.ellipse((x, level), (1.1 * radius, 0.5 * radius), RUBBER)
            continue
        _wheel(sketch, f'{side} wheel', (x, level), radius)
        sketch.mark(f'{side} wheel bottom', (x, level + radius))


def _wheel(sketch: Sketch, name: str, center: Sequence[float], radius: float):
    sketch.ellipse(center, (radius, radius), RUBBER)
    sketch.ellipse(center, (0.5 * radius, 0.5 * radius), CHROME, ink=0.5)
    sketch.ellipse(center, (0.12 * radius, 0.12 * radius), BLACK, ink=0)
    sketch.mark(name, center)
