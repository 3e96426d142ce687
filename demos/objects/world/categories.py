from dataclasses import dataclass
from typing import Callable, Tuple

from demos.canvas.sketch import Sketch

from . import creatures as creatures
from . import furniture as furniture
from . import things as things

SPLITS = ('train', 'val', 'test')
SIDES = dict(
    left='on the left',
    right='on the right',
    front='on the side that the object faces',
    back='on the side behind',
    near='towards the viewer',
    far='away from the viewer',
    top='at the top',
    bottom='at the bottom',
)
DETAILS = dict(
    tip='the outermost point of the',
    end='the end of the',
    base='the place where the body holds the',
    top='the highest point of the',
    bottom='the lowest point of the',
)


@dataclass(frozen=True)
class ToyCategory:
    """A kind of object.

    Args:
        id: 1 or more.
        split: 'train', 'val' or 'test'.
        keypoints: K names.
        skeleton: pairs of indices of ``keypoints``, from 0.
        draw: sketches one such object.
        faces: it is seen from the side; its front, which is at the right in the sketch, may be on either side.
    """

    id: int
    name: str
    supercategory: str
    split: str
    keypoints: Tuple[str, ...]
    skeleton: Tuple[Tuple[int, int], ...]
    draw: Callable[[Sketch], None]
    faces: bool

    @property
    def swap(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs of indices that exchange their names in a mirrored picture."""
        return tuple(
            (i, self.keypoints.index(exchange(name, 'left', 'right')))
            for i, name in enumerate(self.keypoints)
            if 'left' in name.split()
        )

    def description(self, index: int) -> str:
        """One sentence about a keypoint: what it is, on which side, next to what."""
        name = self.keypoints[index]
        links = [link for link in self.skeleton if index in link]
        near = [self.keypoints[a if b == index else b] for a, b in links[:2]]
        words = name.split()
        detail = DETAILS.get(words[-1]) if len(words) > 1 else None
        if words[-1] in ('corner', 'middle'):
            sides, what = words[:-1], f'the {words[-1]} of an edge of the object'
        elif detail:
            sides, what = words[:-2], f'{detail} {words[-2]}'
        else:
            sides, what = words[:-1], f'the middle of the {words[-1]}'
        where = ' and '.join(SIDES[word] for word in sides)
        return (
            f'The {name} is {what}{" " + where if where else ""}, next to '
            + ' and '.join(f'the {other}' for other in near)
            + '.'
        )


def exchange(name: str, first: str, second: str) -> str:
    """The name with two words exchanged."""
    return ' '.join({first: second, second: first}.get(word, word) for word in name.split())


def _category(
    id: int,
    name: str,
    supercategory: str,
    split: str,
    draw: Callable[[Sketch], None],
    faces: bool,
    keypoints: str,
    bones: str,
) -> ToyCategory:
    """Names are parted by commas; bones are chains of names, parted by commas too."""
    names = tuple(keypoint.strip() for keypoint in keypoints.split(','))
    chains = ([names.index(keypoint.strip()) for keypoint in chain.split(' - ')] for chain in bones.split(','))
    skeleton = tuple(link for chain in chains for link in zip(chain[:-1], chain[1:]))
    return ToyCategory(id, name, supercategory, split, names, skeleton, draw, faces)


CORNERS = 'left near corner, right near corner, left far corner, right far corner'
RIM = 'left near corner - right near corner - right far corner - left far corner - left near corner'
LEGS = 'left near leg bottom, right near leg bottom, left far leg bottom, right far leg bottom'
STANDS = ', '.join(
    f'{place} corner - {place} leg bottom' for place in ('left near', 'right near', 'left far', 'right far')
)
TOP = 'left top corner, top middle, right top corner'
TOP_EDGE = 'left top corner - top middle - right top corner'
WHEELED = (
    'front wheel, back wheel, front wheel bottom, back wheel bottom, front window, back window, '
    'front top corner, back top corner, front bottom corner, back bottom corner'
)
WHEELED_BONES = (
    'front bottom corner - front top corner - back top corner - back bottom corner, '
    'front wheel bottom - front wheel - back wheel - back wheel bottom, '
    'front wheel - front window - back window - back wheel, front bottom corner - front wheel, '
    'back bottom corner - back wheel'
)

CATEGORIES = (
    _category(
        1,
        'quadruped',
        'animal',
        'train',
        creatures.quadruped,
        True,
        'nose tip, mouth end, eye, ear tip, neck base, body bottom, tail base, tail tip, near front knee, '
        'near back knee, near front leg bottom, near back leg bottom, far front leg bottom, far back leg bottom',
        'mouth end - nose tip - eye - ear tip, eye - neck base - tail base - tail tip, '
        'neck base - near front knee - near front leg bottom, tail base - near back knee - near back leg bottom, '
        'near front knee - body bottom - near back knee, near front leg bottom - far front leg bottom, '
        'near back leg bottom - far back leg bottom',
    ),
    _category(
        2,
        'robot',
        'machine',
        'train',
        things.robot,
        False,
        'head top, left eye, right eye, left ear tip, right ear tip, neck base, top button, bottom button, '
        'left arm base, right arm base, left arm end, right arm end, left leg bottom, right leg bottom',
        'left eye - right eye, left ear tip - left eye, right ear tip - right eye, '
        'left eye - head top - right eye, left arm base - neck base - right arm base, '
        'left arm end - left arm base, right arm end - right arm base, neck base - top button - bottom button, '
        'left leg bottom - bottom button - right leg bottom',
    ),
    _category(
        3,
        'chair',
        'furniture',
        'train',
        furniture.chair,
        False,
        f'{TOP}, {CORNERS}, left arm end, right arm end, {LEGS}',
        f'{RIM}, {STANDS}, {TOP_EDGE}, left top corner - left far corner, right top corner - right far corner, '
        'left arm end - left near corner, right arm end - right near corner',
    ),
    _category(
        4,
        'bed',
        'furniture',
        'train',
        furniture.bed,
        False,
        f'{TOP}, {CORNERS}, {LEGS}',
        f'{RIM}, {STANDS}, {TOP_EDGE}, left top corner - left far corner, right top corner - right far corner',
    ),
    _category(5, 'car', 'vehicle', 'train', things.car, True, WHEELED, WHEELED_BONES),
    _category(
        6,
        'aeroplane',
        'vehicle',
        'train',
        things.aeroplane,
        True,
        'nose tip, front window, back window, near wing base, near wing tip, far wing tip, top fin tip, '
        'near fin tip, tail tip, front wheel, back wheel',
        'nose tip - front window - back window - tail tip, near wing tip - near wing base - far wing tip, '
        'near fin tip - tail tip - top fin tip, nose tip - front wheel - near wing base - back wheel',
    ),
    _category(
        7,
        'insect',
        'animal',
        'train',
        creatures.insect,
        False,
        'nose tip, left eye, right eye, head base, left wing base, right wing base, left front wing tip, '
        'right front wing tip, left back wing tip, right back wing tip, tail base, tail tip',
        'left eye - nose tip - right eye, nose tip - head base - tail base - tail tip, '
        'left wing base - head base - right wing base, '
        'left front wing tip - left wing base - left back wing tip, '
        'right front wing tip - right wing base - right back wing tip',
    ),
    _category(
        8,
        'fish',
        'animal',
        'train',
        creatures.fish,
        True,
        'nose tip, mouth end, eye, top fin tip, bottom fin tip, near fin base, near fin tip, body bottom, '
        'tail base, top tail tip, bottom tail tip',
        'mouth end - nose tip - eye - near fin base - near fin tip, near fin base - tail base, '
        'top tail tip - tail base - bottom tail tip, '
        'eye - top fin tip - tail base - bottom fin tip - body bottom - mouth end',
    ),
    _category(
        9,
        'trousers',
        'clothes',
        'train',
        things.trousers,
        False,
        'left top corner, right top corner, top button, leg base, left knee, right knee, left leg bottom, '
        'right leg bottom',
        'left top corner - top button - right top corner, top button - leg base, '
        'left top corner - left knee - left leg bottom, right top corner - right knee - right leg bottom',
    ),
    _category(
        10,
        'face',
        'person',
        'val',
        creatures.face,
        False,
        'left eye, right eye, nose tip, left mouth end, right mouth end, left ear base, right ear base, '
        'left ear tip, right ear tip, head top, head bottom',
        'left eye - right eye - nose tip - left eye, '
        'left mouth end - nose tip - right mouth end - left mouth end, '
        'left ear tip - left ear base - left eye, right ear tip - right ear base - right eye, '
        'left ear base - head top - right ear base, left mouth end - head bottom - right mouth end',
    ),
    _category(11, 'bus', 'vehicle', 'val', things.bus, True, WHEELED, WHEELED_BONES),
    _category(
        12,
        'table',
        'furniture',
        'test',
        furniture.table,
        False,
        f'{CORNERS}, near middle, far middle, {LEGS}',
        f'{RIM}, {STANDS}, left near corner - near middle - right near corner, '
        'left far corner - far middle - right far corner',
    ),
    _category(
        13,
        'bird',
        'animal',
        'test',
        creatures.bird,
        True,
        'nose tip, eye, head top, neck base, body bottom, near wing base, near wing tip, far wing tip, '
        'tail base, tail tip, near leg bottom, far leg bottom',
        'nose tip - eye - head top - neck base - tail base - tail tip, '
        'neck base - near wing base - near wing tip, near wing base - far wing tip, '
        'neck base - body bottom - near leg bottom, body bottom - far leg bottom',
    ),
    _category(
        14,
        'shirt',
        'clothes',
        'test',
        things.shirt,
        False,
        'left top corner, right top corner, neck base, left arm base, right arm base, left arm end, '
        'right arm end, top button, bottom button, left bottom corner, right bottom corner, bottom middle',
        'left top corner - neck base - right top corner, left top corner - left arm base - left arm end, '
        'right top corner - right arm base - right arm end, '
        'neck base - top button - bottom button - bottom middle, '
        'left arm base - left bottom corner - bottom middle - right bottom corner - right arm base',
    ),
)
