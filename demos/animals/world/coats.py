import numpy as np

from demos.canvas.tube import Tube, fill_circle, fill_polygon

from .species import Colour


def plain(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """No pattern."""


def rosettes(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A leopard's: rings on the trunk, dots where a part is thin."""
    size = min(0.043 * unit, 0.3 * part.radii.mean())
    count = int(0.3 * part.length * part.radii.mean() / size**2)
    # a jittered lattice keeps the rings apart
    places = (np.arange(count)[:, None] * [0.5698403, 0.7548777] + rng.uniform(-0.03, 0.03, (count, 2))) % 1
    for centre in part.at(places[:, 0], 2 * places[:, 1] - 1):
        radius = size * rng.uniform(0.7, 1.1)
        inside = fur[tuple(np.clip(centre[::-1].astype(int), 0, np.array(fur.shape[:2]) - 1))].tolist()
        fill_circle(fur, centre, radius, colour)
        if radius > 0.03 * unit:
            middle = centre + rng.normal(0, 0.12 * radius, 2)
            fill_circle(fur, middle, 0.52 * radius, [int(0.86 * c) for c in inside])


def stripes(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A tiger's: from the upper edge down, tapering."""
    count = max(2, round(part.length / (0.115 * unit)))
    for place in (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count:
        across = np.linspace(1.1, rng.uniform(-0.75, 0.1), 7)
        sway = 0.05 * unit / max(part.length, 1) * rng.normal() * np.sin(np.linspace(0, 2.5, 7))
        width = rng.uniform(0.02, 0.034) * unit / max(part.length, 1) * np.linspace(1, 0.1, 7) ** 0.6
        edges = [part.at(place + sway + sign * width, across) for sign in (1, -1)]
        fill_polygon(fur, np.concatenate([edges[0], edges[1][::-1]]), colour)


def patches(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A cow's: a few large blotches."""
    for _ in range(max(1, round(4 * part.length / unit))):
        centre = part.at(rng.random(), rng.uniform(-0.6, 1.0))
        size = rng.uniform(0.4, 0.75) * part.radii.mean()
        angles = np.linspace(0, 2 * np.pi, 25)[:-1]
        lobes = 1 + sum(depth * np.sin(number * angles + rng.uniform(0, 6)) for number, depth in ((2, 0.22), (5, 0.12)))
        outline = (size * lobes)[:, None] * np.stack([1.3 * np.cos(angles), np.sin(angles)], axis=1)
        fill_polygon(fur, centre + outline, colour)


def mantle(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A wolf's: dark along the back, with a ragged edge; thin parts stay plain."""
    if part.radii.mean() < 0.1 * unit:
        return
    places = np.linspace(0, 1, 40)
    waves = 0.25 * np.sin(np.pi * places) * np.sin(7 * places + rng.uniform(0, 6))
    ragged = 0.3 + waves + rng.uniform(-0.12, 0.12, 40)
    fill_polygon(fur, np.concatenate([part.at(places, 1.3), part.at(places, ragged)[::-1]]), colour)


def band(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A gazelle's: one dark line along the flank; thin parts stay plain."""
    if part.radii.mean() < 0.1 * unit:
        return
    places = np.linspace(0.18, 0.62, 20)
    thickness = 0.13 * np.sin(np.linspace(0, np.pi, 20)) ** 0.5
    middle = -0.35 + 0.05 * rng.normal()
    fill_polygon(
        fur, np.concatenate([part.at(places, middle + thickness), part.at(places, middle - thickness)[::-1]]), colour
    )


def wool(fur: np.ndarray, part: Tube, colour: Colour, unit: float, rng: np.random.Generator):
    """A sheep's: curls all over."""
    if part.radii.mean() < 0.1 * unit:
        return
    count = int(150 * part.length * part.radii.mean() / unit**2)
    for centre in part.at(rng.random(count), rng.uniform(-1, 1, count)):
        radius = rng.uniform(0.03, 0.05) * unit
        light = rng.uniform(1.06, 1.19)
        fill_circle(fur, centre, radius, colour)
        fill_circle(fur, centre - [0, 0.3 * radius], 0.9 * radius, [min(255, int(light * c)) for c in colour])


PATTERNS = {pattern.__name__: pattern for pattern in (plain, rosettes, stripes, patches, mantle, band, wool)}
