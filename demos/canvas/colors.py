import colorsys
from typing import Sequence, Tuple

import numpy as np

Color = Tuple[int, ...]  # RGB
WHITE, BLACK = (245, 245, 240), (20, 18, 24)


def from_hex(text: str) -> Tuple[Color, ...]:
    """The colors of a text such as 'be844e f0e2cd'."""
    return tuple(tuple(bytes.fromhex(color)) for color in text.split())


def shade(color: Color, light: float) -> Color:
    """A color darker (``light`` below 1) or lighter."""
    return tuple(min(255, int(light * c)) for c in color)


def vary(color: Color, rng: np.random.Generator, spread: float = 12.0) -> Color:
    """A color a little lighter or darker, warmer or cooler."""
    change = rng.normal(0, spread) + rng.normal(0, 0.4 * spread, 3)
    return tuple(np.clip(color + change, 0, 255).astype(int).tolist())


def any_color(rng: np.random.Generator, values: tuple = (0.45, 0.95), saturations: tuple = (0.15, 0.85)) -> Color:
    """A random hue, with a random value (0: black) and saturation (0: gray) in these ranges."""
    hue, value, saturation = rng.random(), rng.uniform(*values), rng.uniform(*saturations)
    return tuple(int(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value))


def one_of(colors: Sequence[Color], rng: np.random.Generator) -> Color:
    """A random one of these colors."""
    return colors[rng.integers(len(colors))]
