from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

from clamp_mmpose.utils.files import read_yaml
from demos.canvas.colors import Color, from_hex

# points (forward, up, outward, radius), from the poll, in the frame of the head
Shape = Tuple[Tuple[float, float, float, float], ...]
HOOFED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'graze', 'graze', 'rear')
PAWED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'gallop', 'graze', 'sit', 'rear')


@dataclass(frozen=True)
class Build:
    """Proportions, in trunk lengths (shoulder joint to hip joint) and degrees."""

    fore: Tuple[float, float, float]  # upper arm, forearm, pastern
    hind: Tuple[float, float, float]  # thigh, shank, metatarsus
    girth: Tuple[float, float, float]  # radii of the trunk at rump, loin and chest
    limb: float  # thickness of the legs; 1 is a wolf's
    neck: Tuple[float, float, float]  # length, radii at the base and at the poll
    neck_rise: float  # of a standing animal, above the horizontal
    head: Tuple[float, float, float]  # length from poll to nose, radii of skull and muzzle
    head_drop: float  # of a standing animal, below the horizontal
    ear: Shape
    horn: Shape  # empty if it has none
    tail: Tuple[Tuple[float, float, float], ...]  # (degrees above straight back, length, radius) of each piece
    hoofed: bool


@dataclass(frozen=True)
class Coat:
    """Colors of an individual, and a pattern of ``canvas.fur`` in the color ``mark``."""

    pattern: str
    back: Color
    belly: Color
    legs: Color  # below elbow and hock
    muzzle: Color
    tail_tip: Color
    mark: Color


@dataclass(frozen=True)
class ToySpecies:
    """A species of AP-10K, with its name, family and category id there."""

    name: str
    family: str
    category_id: int
    build: Build
    coats: Tuple[Coat, ...]

    @property
    def actions(self) -> Tuple[str, ...]:
        return HOOFED_ACTIONS if self.build.hoofed else PAWED_ACTIONS


def _read(name: str, family: str, category_id: int, build: dict, coats: list) -> ToySpecies:
    patterns = (coat.partition(' ')[::2] for coat in coats)
    coats = tuple(Coat(pattern, *from_hex(colors)) for pattern, colors in patterns)
    return ToySpecies(name, family, category_id, Build(**build), coats)


_content = read_yaml(Path(__file__).with_suffix('.yml'), 'toy species', 'restore it from the repository')
SPECIES = tuple(_read(name, **entry) for name, entry in _content['species'].items())
