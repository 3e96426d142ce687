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


POINTED = ((0., .09, .07, .055), (-.03, .18, .09, .04), (-.04, .25, .10, .006))
ROUND = ((-.02, .11, .09, .05), (-.03, .15, .11, .045))
SIDEWAYS = ((-.02, .07, .09, .03), (-.09, .08, .19, .045), (-.15, .04, .27, .012))
LYRE = ((.03, .10, .04, .030), (-.06, .26, .05, .026), (-.16, .40, .10, .020), (-.16, .55, .13, .006))
CRESCENT = ((.02, .12, .06, .030), (.05, .20, .17, .026), (.12, .30, .19, .006))
CURL = ((.01, .12, .05, .045), (-.12, .16, .11, .045), (-.17, .03, .15, .038), (-.07, -.07, .18, .028),
        (.03, -.02, .20, .008))
BRUSH = ((-35, .16, .045), (-50, .18, .085), (-40, .18, .095), (-25, .16, .02))
ROPE = ((-50, .22, .04), (-60, .24, .035), (-25, .22, .032), (25, .2, .03), (50, .14, .026))
TASSEL = ((-65, .12, .03), (-85, .32, .02), (-88, .16, .05), (-88, .1, .01))
STUB = ((-45, .1, .05), (-70, .12, .03))
FLAG = ((10, .16, .04), (35, .2, .045), (60, .18, .02))

HOOFED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'graze', 'graze', 'rear')
PAWED_ACTIONS = ('stand', 'walk', 'walk', 'trot', 'gallop', 'gallop', 'graze', 'sit', 'rear')

SPECIES = (
    ToySpecies(
        'antelope', 'Bovidae', 1,
        Build((.26, .45, .36), (.36, .46, .46), (.23, .21, .25), .76, (.56, .17, .09), 52,
              (.42, .115, .06), 38, SIDEWAYS, LYRE, STUB, True),
        (Coat((190, 132, 78), (240, 226, 205), (205, 160, 110), (110, 75, 50), (60, 42, 30),
              'band', (84, 54, 34)),
         Coat((160, 104, 62), (232, 214, 190), (170, 120, 76), (80, 56, 40), (40, 30, 24),
              'plain', (84, 54, 34))),
        HOOFED_ACTIONS),
    ToySpecies(
        'cow', 'Bovidae', 5,
        Build((.26, .33, .25), (.36, .35, .33), (.28, .30, .31), 1.15, (.40, .24, .15), 14,
              (.46, .15, .105), 38, SIDEWAYS, CRESCENT, TASSEL, True),
        (Coat((236, 232, 226), (236, 232, 226), (226, 222, 214), (222, 170, 160), (40, 36, 36),
              'patches', (38, 34, 36)),
         Coat((138, 76, 42), (150, 92, 58), (130, 74, 44), (226, 196, 180), (90, 50, 30), 'plain', (0, 0, 0)),
         Coat((240, 230, 216), (240, 230, 216), (230, 216, 200), (224, 176, 164), (140, 70, 40), 'patches',
              (148, 76, 40))),
        HOOFED_ACTIONS),
    ToySpecies(
        'sheep', 'Bovidae', 6,
        Build((.24, .28, .24), (.32, .32, .30), (.29, .31, .30), .85, (.36, .22, .14), 30,
              (.36, .12, .075), 34, SIDEWAYS, CURL, STUB, True),
        (Coat((238, 230, 214), (226, 216, 198), (70, 62, 58), (62, 54, 52), (238, 230, 214),
              'wool', (206, 194, 172)),
         Coat((244, 240, 230), (232, 226, 212), (222, 206, 182), (226, 206, 186), (244, 240, 230), 'wool',
              (214, 206, 188)),
         Coat((112, 92, 78), (104, 84, 70), (60, 50, 46), (54, 46, 42), (112, 92, 78), 'wool', (84, 68, 58))),
        HOOFED_ACTIONS),
    ToySpecies(
        'dog', 'Canidae', 8,
        Build((.26, .31, .21), (.34, .34, .25), (.23, .21, .275), 1.05, (.36, .18, .12), 48,
              (.37, .13, .075), 14, ((.0, .09, .08, .04), (-.04, .04, .14, .065), (-.02, -.09, .16, .03)), (),
              FLAG, False),
        (Coat((205, 158, 92), (232, 202, 150), (214, 170, 106), (186, 136, 80), (226, 192, 136),
              'plain', (0, 0, 0)),
         Coat((240, 236, 228), (244, 240, 234), (240, 236, 228), (236, 226, 216), (244, 240, 234), 'patches',
              (96, 58, 34)),
         Coat((178, 112, 56), (206, 146, 86), (186, 120, 62), (50, 38, 34), (44, 34, 32),
              'mantle', (44, 36, 36))),
        PAWED_ACTIONS),
    ToySpecies(
        'fox', 'Canidae', 9,
        Build((.22, .26, .19), (.29, .30, .23), (.20, .19, .22), .84, (.28, .15, .11), 32,
              (.36, .13, .04), 14, ((0., .09, .08, .065), (-.02, .20, .11, .045), (-.03, .29, .13, .006)), (),
              ((-30, .2, .06), (-38, .26, .12), (-28, .24, .125), (-14, .2, .03)), False),
        (Coat((214, 108, 40), (246, 236, 222), (84, 64, 56), (246, 236, 226), (250, 246, 238),
              'plain', (0, 0, 0)),
         Coat((190, 88, 34), (236, 222, 204), (92, 66, 54), (240, 226, 210), (246, 240, 230),
              'plain', (0, 0, 0))),
        PAWED_ACTIONS),
    ToySpecies(
        'wolf', 'Canidae', 10,
        Build((.26, .36, .25), (.35, .38, .29), (.23, .215, .28), 1.08, (.38, .21, .14), 24,
              (.42, .145, .075), 14, POINTED, (), BRUSH, False),
        (Coat((140, 134, 126), (212, 204, 192), (176, 166, 152), (206, 198, 186), (66, 62, 60),
              'mantle', (84, 80, 78)),
         Coat((112, 98, 84), (190, 172, 146), (160, 138, 110), (180, 164, 140), (50, 44, 40),
              'mantle', (62, 54, 50))),
        PAWED_ACTIONS),
    ToySpecies(
        'cat', 'Felidae', 24,
        Build((.24, .25, .16), (.31, .31, .20), (.23, .225, .235), .95, (.24, .15, .13), 34,
              (.25, .16, .085), 8, ((0., .12, .09, .06), (0., .20, .12, .035), (0., .26, .13, .006)), (),
              ((55, .2, .045), (72, .26, .04), (84, .26, .04), (60, .14, .03)), False),
        (Coat((222, 146, 72), (246, 226, 196), (230, 170, 104), (250, 238, 222), (190, 106, 44),
              'stripes', (178, 94, 36)),
         Coat((150, 144, 138), (214, 208, 200), (164, 158, 150), (226, 222, 216), (80, 76, 74),
              'stripes', (78, 74, 74)),
         Coat((82, 76, 80), (96, 88, 92), (78, 72, 76), (104, 96, 98), (70, 64, 68), 'plain', (0, 0, 0)),
         Coat((240, 234, 224), (246, 242, 236), (240, 234, 224), (246, 242, 236), (214, 132, 60), 'patches',
              (208, 128, 60))),
        PAWED_ACTIONS),
    ToySpecies(
        'leopard', 'Felidae', 28,
        Build((.26, .29, .19), (.35, .34, .24), (.23, .225, .265), 1.15, (.28, .20, .155), 20,
              (.33, .155, .10), 12, ROUND, (), ROPE, False),
        (Coat((226, 178, 98), (248, 236, 212), (228, 188, 118), (246, 232, 208), (70, 50, 34),
              'rosettes', (58, 40, 28)),
         Coat((206, 160, 92), (240, 226, 198), (212, 170, 108), (238, 222, 196), (60, 44, 32),
              'rosettes', (48, 34, 26))),
        PAWED_ACTIONS),
    ToySpecies(
        'tiger', 'Felidae', 32,
        Build((.27, .29, .19), (.36, .34, .24), (.24, .24, .27), 1.32, (.28, .24, .185), 12,
              (.37, .185, .125), 12, ROUND, (), ROPE, False),
        (Coat((232, 132, 40), (250, 240, 224), (234, 150, 66), (250, 240, 228), (40, 30, 28),
              'stripes', (36, 28, 26)),
         Coat((244, 240, 232), (250, 248, 244), (240, 234, 226), (250, 248, 246), (60, 54, 52),
              'stripes', (66, 58, 56))),
        PAWED_ACTIONS),
)
