from dataclasses import dataclass
from typing import Tuple

Colour = Tuple[int, int, int]  # RGB
# points of a shape, each (forward, up, outward, radius) from the poll in the frame of the head
Shape = Tuple[Tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Build:
    """Proportions, in trunk lengths (shoulder joint to hip joint) and degrees.

    Args:
        fore: upper arm, forearm, pastern.
        hind: thigh, shank, metatarsus.
        girth: radii of the trunk at rump, loin and chest.
        limb: thickness of the legs; 1 is a wolf's.
        neck: its length, and its radii at the base and at the poll.
        neck_rise: of a standing animal, above the horizontal.
        head: its length from poll to nose, and the radii of skull and muzzle.
        head_drop: of a standing animal, below the horizontal.
        ear: shape of one ear.
        horn: shape of one horn; empty without.
        tail: (degrees above straight back, length, radius) of each piece, from the root.
        hoofed: hooves instead of paws.
    """

    fore: Tuple[float, float, float]
    hind: Tuple[float, float, float]
    girth: Tuple[float, float, float]
    limb: float
    neck: Tuple[float, float, float]
    neck_rise: float
    head: Tuple[float, float, float]
    head_drop: float
    ear: Shape
    horn: Shape
    tail: Tuple[Tuple[float, float, float], ...]
    hoofed: bool


@dataclass(frozen=True)
class Coat:
    """Colours of an individual, and what is painted on them.

    Args:
        back, belly: the trunk, from above and from below.
        legs: below elbow and hock.
        muzzle, tail_tip: their own colours.
        pattern: a function of ``coat_patterns``; ``'plain'`` paints nothing.
        mark: colour of the pattern.
    """

    back: Colour
    belly: Colour
    legs: Colour
    muzzle: Colour
    tail_tip: Colour
    pattern: str
    mark: Colour


@dataclass(frozen=True)
class ToySpecies:
    """A species of AP-10K: name, family and category id as there, how it is built, coloured, and moves."""

    name: str
    family: str
    category_id: int
    build: Build
    coats: Tuple[Coat, ...]
    actions: Tuple[str, ...]


POINTED = ((0.0, 0.09, 0.07, 0.055), (-0.03, 0.18, 0.09, 0.04), (-0.04, 0.25, 0.10, 0.006))
ROUND = ((-0.02, 0.11, 0.09, 0.05), (-0.03, 0.15, 0.11, 0.045))
SIDEWAYS = ((-0.02, 0.07, 0.09, 0.03), (-0.09, 0.08, 0.19, 0.045), (-0.15, 0.04, 0.27, 0.012))
LYRE = ((0.03, 0.10, 0.04, 0.030), (-0.06, 0.26, 0.05, 0.026), (-0.16, 0.40, 0.10, 0.020), (-0.16, 0.55, 0.13, 0.006))
CRESCENT = ((0.02, 0.12, 0.06, 0.030), (0.05, 0.20, 0.17, 0.026), (0.12, 0.30, 0.19, 0.006))
CURL = (
    (0.01, 0.12, 0.05, 0.045),
    (-0.12, 0.16, 0.11, 0.045),
    (-0.17, 0.03, 0.15, 0.038),
    (-0.07, -0.07, 0.18, 0.028),
    (0.03, -0.02, 0.20, 0.008),
)
BRUSH = ((-35, 0.16, 0.045), (-50, 0.18, 0.085), (-40, 0.18, 0.095), (-25, 0.16, 0.02))
ROPE = ((-50, 0.22, 0.04), (-60, 0.24, 0.035), (-25, 0.22, 0.032), (25, 0.2, 0.03), (50, 0.14, 0.026))
TASSEL = ((-65, 0.12, 0.03), (-85, 0.32, 0.02), (-88, 0.16, 0.05), (-88, 0.1, 0.01))
STUB = ((-45, 0.1, 0.05), (-70, 0.12, 0.03))
FLAG = ((10, 0.16, 0.04), (35, 0.2, 0.045), (60, 0.18, 0.02))

HOOFED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'graze', 'graze', 'rear')
PAWED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'gallop', 'graze', 'sit', 'rear')

SPECIES = (
    ToySpecies(
        'antelope',
        'Bovidae',
        1,
        Build(
            (0.26, 0.45, 0.36),
            (0.36, 0.46, 0.46),
            (0.23, 0.21, 0.25),
            0.76,
            (0.56, 0.17, 0.09),
            52,
            (0.42, 0.115, 0.06),
            38,
            SIDEWAYS,
            LYRE,
            STUB,
            True,
        ),
        (
            Coat((190, 132, 78), (240, 226, 205), (205, 160, 110), (110, 75, 50), (60, 42, 30), 'band', (84, 54, 34)),
            Coat((160, 104, 62), (232, 214, 190), (170, 120, 76), (80, 56, 40), (40, 30, 24), 'plain', (84, 54, 34)),
        ),
        HOOFED_ACTIONS,
    ),
    ToySpecies(
        'cow',
        'Bovidae',
        5,
        Build(
            (0.26, 0.33, 0.25),
            (0.36, 0.35, 0.33),
            (0.28, 0.30, 0.31),
            1.15,
            (0.40, 0.24, 0.15),
            14,
            (0.46, 0.15, 0.105),
            38,
            SIDEWAYS,
            CRESCENT,
            TASSEL,
            True,
        ),
        (
            Coat(
                (236, 232, 226),
                (236, 232, 226),
                (226, 222, 214),
                (222, 170, 160),
                (40, 36, 36),
                'patches',
                (38, 34, 36),
            ),
            Coat((138, 76, 42), (150, 92, 58), (130, 74, 44), (226, 196, 180), (90, 50, 30), 'plain', (0, 0, 0)),
            Coat(
                (240, 230, 216),
                (240, 230, 216),
                (230, 216, 200),
                (224, 176, 164),
                (140, 70, 40),
                'patches',
                (148, 76, 40),
            ),
        ),
        HOOFED_ACTIONS,
    ),
    ToySpecies(
        'sheep',
        'Bovidae',
        6,
        Build(
            (0.24, 0.28, 0.24),
            (0.32, 0.32, 0.30),
            (0.29, 0.31, 0.30),
            0.85,
            (0.36, 0.22, 0.14),
            30,
            (0.36, 0.12, 0.075),
            34,
            SIDEWAYS,
            CURL,
            STUB,
            True,
        ),
        (
            Coat(
                (238, 230, 214), (226, 216, 198), (70, 62, 58), (62, 54, 52), (238, 230, 214), 'wool', (206, 194, 172)
            ),
            Coat(
                (244, 240, 230),
                (232, 226, 212),
                (222, 206, 182),
                (226, 206, 186),
                (244, 240, 230),
                'wool',
                (214, 206, 188),
            ),
            Coat((112, 92, 78), (104, 84, 70), (60, 50, 46), (54, 46, 42), (112, 92, 78), 'wool', (84, 68, 58)),
        ),
        HOOFED_ACTIONS,
    ),
    ToySpecies(
        'dog',
        'Canidae',
        8,
        Build(
            (0.26, 0.31, 0.21),
            (0.34, 0.34, 0.25),
            (0.23, 0.21, 0.275),
            1.05,
            (0.36, 0.18, 0.12),
            48,
            (0.37, 0.13, 0.075),
            14,
            ((0.0, 0.09, 0.08, 0.04), (-0.04, 0.04, 0.14, 0.065), (-0.02, -0.09, 0.16, 0.03)),
            (),
            FLAG,
            False,
        ),
        (
            Coat((205, 158, 92), (232, 202, 150), (214, 170, 106), (186, 136, 80), (226, 192, 136), 'plain', (0, 0, 0)),
            Coat(
                (240, 236, 228),
                (244, 240, 234),
                (240, 236, 228),
                (236, 226, 216),
                (244, 240, 234),
                'patches',
                (96, 58, 34),
            ),
            Coat((178, 112, 56), (206, 146, 86), (186, 120, 62), (50, 38, 34), (44, 34, 32), 'mantle', (44, 36, 36)),
        ),
        PAWED_ACTIONS,
    ),
    ToySpecies(
        'fox',
        'Canidae',
        9,
        Build(
            (0.22, 0.26, 0.19),
            (0.29, 0.30, 0.23),
            (0.20, 0.19, 0.22),
            0.84,
            (0.28, 0.15, 0.11),
            32,
            (0.36, 0.13, 0.04),
            14,
            ((0.0, 0.09, 0.08, 0.065), (-0.02, 0.20, 0.11, 0.045), (-0.03, 0.29, 0.13, 0.006)),
            (),
            ((-30, 0.2, 0.06), (-38, 0.26, 0.12), (-28, 0.24, 0.125), (-14, 0.2, 0.03)),
            False,
        ),
        (
            Coat((214, 108, 40), (246, 236, 222), (84, 64, 56), (246, 236, 226), (250, 246, 238), 'plain', (0, 0, 0)),
            Coat((190, 88, 34), (236, 222, 204), (92, 66, 54), (240, 226, 210), (246, 240, 230), 'plain', (0, 0, 0)),
        ),
        PAWED_ACTIONS,
    ),
    ToySpecies(
        'wolf',
        'Canidae',
        10,
        Build(
            (0.26, 0.36, 0.25),
            (0.35, 0.38, 0.29),
            (0.23, 0.215, 0.28),
            1.08,
            (0.38, 0.21, 0.14),
            24,
            (0.42, 0.145, 0.075),
            14,
            POINTED,
            (),
            BRUSH,
            False,
        ),
        (
            Coat(
                (140, 134, 126), (212, 204, 192), (176, 166, 152), (206, 198, 186), (66, 62, 60), 'mantle', (84, 80, 78)
            ),
            Coat(
                (112, 98, 84), (190, 172, 146), (160, 138, 110), (180, 164, 140), (50, 44, 40), 'mantle', (62, 54, 50)
            ),
        ),
        PAWED_ACTIONS,
    ),
    ToySpecies(
        'cat',
        'Felidae',
        24,
        Build(
            (0.24, 0.25, 0.16),
            (0.31, 0.31, 0.20),
            (0.23, 0.225, 0.235),
            0.95,
            (0.24, 0.15, 0.13),
            34,
            (0.25, 0.16, 0.085),
            8,
            ((0.0, 0.12, 0.09, 0.06), (0.0, 0.20, 0.12, 0.035), (0.0, 0.26, 0.13, 0.006)),
            (),
            ((55, 0.2, 0.045), (72, 0.26, 0.04), (84, 0.26, 0.04), (60, 0.14, 0.03)),
            False,
        ),
        (
            Coat(
                (222, 146, 72),
                (246, 226, 196),
                (230, 170, 104),
                (250, 238, 222),
                (190, 106, 44),
                'stripes',
                (178, 94, 36),
            ),
            Coat(
                (150, 144, 138),
                (214, 208, 200),
                (164, 158, 150),
                (226, 222, 216),
                (80, 76, 74),
                'stripes',
                (78, 74, 74),
            ),
            Coat((82, 76, 80), (96, 88, 92), (78, 72, 76), (104, 96, 98), (70, 64, 68), 'plain', (0, 0, 0)),
            Coat(
                (240, 234, 224),
                (246, 242, 236),
                (240, 234, 224),
                (246, 242, 236),
                (214, 132, 60),
                'patches',
                (208, 128, 60),
            ),
        ),
        PAWED_ACTIONS,
    ),
    ToySpecies(
        'leopard',
        'Felidae',
        28,
        Build(
            (0.26, 0.29, 0.19),
            (0.35, 0.34, 0.24),
            (0.23, 0.225, 0.265),
            1.15,
            (0.28, 0.20, 0.155),
            20,
            (0.33, 0.155, 0.10),
            12,
            ROUND,
            (),
            ROPE,
            False,
        ),
        (
            Coat(
                (226, 178, 98),
                (248, 236, 212),
                (228, 188, 118),
                (246, 232, 208),
                (70, 50, 34),
                'rosettes',
                (58, 40, 28),
            ),
            Coat(
                (206, 160, 92),
                (240, 226, 198),
                (212, 170, 108),
                (238, 222, 196),
                (60, 44, 32),
                'rosettes',
                (48, 34, 26),
            ),
        ),
        PAWED_ACTIONS,
    ),
    ToySpecies(
        'tiger',
        'Felidae',
        32,
        Build(
            (0.27, 0.29, 0.19),
            (0.36, 0.34, 0.24),
            (0.24, 0.24, 0.27),
            1.32,
            (0.28, 0.24, 0.185),
            12,
            (0.37, 0.185, 0.125),
            12,
            ROUND,
            (),
            ROPE,
            False,
        ),
        (
            Coat(
                (232, 132, 40), (250, 240, 224), (234, 150, 66), (250, 240, 228), (40, 30, 28), 'stripes', (36, 28, 26)
            ),
            Coat(
                (244, 240, 232),
                (250, 248, 244),
                (240, 234, 226),
                (250, 248, 246),
                (60, 54, 52),
                'stripes',
                (66, 58, 56),
            ),
        ),
        PAWED_ACTIONS,
    ),
)
