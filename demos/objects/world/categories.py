from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Tuple

from clamp_mmpose.utils.files import read_yaml
from demos.canvas.sketch import Sketch

from . import creatures, furniture, things

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
    """A category of toy objects."""

    id: int
    name: str
    supercategory: str
    split: str
    keypoints: Tuple[str, ...]
    skeleton: Tuple[Tuple[int, int], ...]  # pairs of indices of the keypoints, from 0
    draw: Callable[[Sketch], None]
    faces: bool  # seen from the side; its front is at the right in the sketch, on either side in the image

    @property
    def swap(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs of indices that swap names in a mirrored image."""
        return tuple(
            (i, self.keypoints.index(exchange(name, 'left', 'right')))
            for i, name in enumerate(self.keypoints)
            if 'left' in name.split()
        )

    def description(self, index: int) -> str:
        """One sentence about a keypoint: what it is, on which side, and its neighbors."""
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
    """The name with two words swapped."""
    return ' '.join({first: second, second: first}.get(word, word) for word in name.split())


def _read(id: int, name: str, keypoints: str, skeleton: str, faces: bool = False, **entry) -> ToyCategory:
    names = tuple(keypoints.split(', '))
    chains = ([names.index(keypoint) for keypoint in chain.split(' - ')] for chain in skeleton.split(', '))
    links = tuple(link for chain in chains for link in zip(chain[:-1], chain[1:]))
    (draw,) = (getattr(module, name) for module in (creatures, furniture, things) if hasattr(module, name))
    return ToyCategory(id=id, name=name, keypoints=names, skeleton=links, draw=draw, faces=faces, **entry)


_content = read_yaml(Path(__file__).with_suffix('.yml'), 'toy categories', 'restore it from the repository')
_entries = ((split, name, entry) for split in SPLITS for name, entry in _content[split].items())
CATEGORIES = tuple(_read(id, name, split=split, **entry) for id, (split, name, entry) in enumerate(_entries, 1))
