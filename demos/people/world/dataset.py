import json
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from clamp_mmpose.utils.files import atomic_write
from demos.canvas.folder import is_finished, write_jpeg

from .picture import COLOURS, draw_people
from .poses import ACTIVITIES
from .texts import combination, describe

MIN_SIZE = 64  # smaller pictures blur a hand into its arm
FIRST_TEST_IMAGE = 500_001  # those to train on are numbered from 1, so that their number does not change these
MARK = 'toy_people.json'  # written last, holds the settings
DRAWING = 1  # to be raised when the drawings change, so that folders drawn before are drawn again
MPII_PIXELS = 200.0  # the size of a person whose scale is 1
MPII_SHIFT = 15.0 / 200.0  # MMPose lowers the centers of MPII by this share of the box

_PAIRS = [(activity, colour) for activity in ACTIVITIES for colour in COLOURS]
# two of each colour; one of each activity, two of the first two
HELD_OUT = tuple(
    (activity, colour)
    for i, activity in enumerate(ACTIVITIES)
    for j, colour in enumerate(COLOURS)
    if j == i % len(COLOURS) or (i < 2 and j == i + 4)
)
SEEN = tuple(pair for pair in _PAIRS if pair not in HELD_OUT)


def write_toy_people(
    root: Union[str, Path],
    images: Sequence[int] = (3000, 600),
    size: int = 128,
    seed: int = 0,
    progress: Optional[Callable[[int, int], None]] = None,
) -> Path:
    """Draws people who do something in coloured shirts, with keypoints, descriptions, and zero-shot tests by texts.

    The setting of FocusCLIP (sections 3.3 and 3.4, appendix C.1) in small: pictures whose background is full of
    things in the colours of shirts, so that it helps to know where the person is. Of the 60 pairs of an activity and
    a colour, the 48 of ``SEEN`` are in the training pictures, the 12 of ``HELD_OUT`` in the test pictures alone. About
    one picture in five shows two people, who do the same in the same clothes. ``root`` gets:

    - ``images/<n>.jpg``; training pictures count from 1, test pictures from 500001;
    - ``annotations/train.json`` and ``val.json``, which MMPose's ``MpiiDataset`` reads, with ``description``, a list
      of two texts, the same for all people of a picture. ``joints`` are pixels of the picture, counted from 0 as MMPose
      takes them, and (-1, -1) with a 0 in ``joints_vis`` where outside the picture. ``center`` counts from 1 and lies
      higher than the middle of the person by what MMPose lowers it; ``scale`` is the longer side of the box around
      all joints, divided by 200;
    - ``zero_shot/activity.json`` (10 classes), ``colour.json`` (6) and ``combination.json`` (the 12 of ``HELD_OUT``),
      which :class:`~clamp_mmpose.datasets.zero_shot.ZeroShotDataset` reads with ``data_root=root``, of the test
      pictures.

    The same arguments write the same files (with one version of OpenCV), and another number of images does not change
    those there are. A finished folder of the same settings is left alone; an interrupted one is drawn again, to the
    same bytes.

    Args:
        root: made if missing; files of the same names are replaced.
        images: of train and test; at least 48 and 12 show each of their pairs.
        size: pixels of each picture's longer side.
        seed: 0 or more.
        progress: called with the number of pictures drawn and that of all, after each.

    Returns:
        Path: ``root``.

    Raises:
        ValueError: numbers of images too small or too large, too small a size, a negative seed.
    """
    train, test = _check(images, size, seed)
    root = Path(root)
    settings = json.dumps(dict(drawing=DRAWING, images=[train, test], size=size, seed=seed))
    if is_finished(root / MARK, settings):
        return root
    done = 0
    for split, pairs, first, count in (('train', SEEN, 1, train), ('val', HELD_OUT, FIRST_TEST_IMAGE, test)):
        people, shown = [], {}
        for i in range(count):
            name, pair = f'{first + i:06d}.jpg', pairs[i % len(pairs)]
            people += _draw(root / 'images' / name, pair, size, (seed, first + i))
            shown[f'images/{name}'] = pair
            done += 1
            if progress is not None:
                progress(done, train + test)
        atomic_write(root / 'annotations' / f'{split}.json', json.dumps(people).encode())
    for name, content in _zero_shot(shown).items():
        atomic_write(root / 'zero_shot' / f'{name}.json', json.dumps(content).encode())
    atomic_write(root / MARK, settings.encode())
    return root


def _check(images: Sequence[int], size: int, seed: int) -> Tuple[int, int]:
    counts = tuple(images)
    if len(counts) != 2 or not (
        len(SEEN) <= counts[0] < FIRST_TEST_IMAGE and len(HELD_OUT) <= counts[1] < FIRST_TEST_IMAGE
    ):
        raise ValueError(
            f'images={counts} must be two numbers: of train, at least {len(SEEN)}, and of test, at least '
            f'{len(HELD_OUT)}, one for each pair of an activity and a colour; and both below '
            f'{FIRST_TEST_IMAGE}.'
        )
    if size < MIN_SIZE:
        raise ValueError(f'size={size} is too small to tell what a person does; give at least {MIN_SIZE} pixels.')
    if seed < 0:
        raise ValueError(f'seed={seed} must be 0 or more.')
    return counts


def _draw(path: Path, pair: Tuple[str, str], size: int, entropy: Tuple[int, int]) -> List[dict]:
    """Writes a picture; returns the annotations of its people."""
    activity, colour = pair
    drawn = draw_people(activity, colour, size, entropy)
    write_jpeg(path, drawn.picture)
    texts = describe(activity, colour, drawn.trousers, drawn.people, np.random.default_rng([*entropy, 1]))
    return [
        dict(image=path.name, **_joints(keypoints, drawn.picture.shape[:2]), description=texts)
        for keypoints in drawn.people
    ]


def _joints(keypoints: np.ndarray, picture: Tuple[int, int]) -> Dict[str, Union[list, float]]:
    height, width = picture
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    box = (high - low).max()
    center = (low + high) / 2 + 1 - [0, MPII_SHIFT * box]
    inside = ((keypoints > -0.5) & (keypoints < [width - 0.5, height - 0.5])).all(axis=1)
    joints = np.where(inside[:, None], keypoints, -1.0)
    return dict(
        joints=np.round(joints, 2).tolist(),
        joints_vis=inside.astype(int).tolist(),
        center=np.round(center, 2).tolist(),
        scale=round(float(box) / MPII_PIXELS, 5),
    )


def _zero_shot(shown: Dict[str, Tuple[str, str]]) -> Dict[str, dict]:
    """The zero-shot test sets by name, of pictures with their pairs."""
    activities, colours = list(ACTIVITIES), list(COLOURS)
    # every description names both, so a class of one is the mean over the other
    in_each = [f'a photo of a person in a/an {colour} shirt {{}}' for colour in colours]
    doing_each = [f'a photo of a person in a/an {{}} shirt {activity}' for activity in activities]
    tasks = {
        'activity': ('Activity', activities, in_each, lambda pair: activities.index(pair[0])),
        'colour': ('Colour', colours, doing_each, lambda pair: colours.index(pair[1])),
        'combination': (
            'Combination',
            [combination(*pair) for pair in HELD_OUT],
            ['a photo of a person {}'],
            HELD_OUT.index,
        ),
    }
    return {
        name: dict(
            name=f'toy {name}',
            task=task,
            top_k=1,
            classes=classes,
            templates=templates,
            images=[dict(file_name=file_name, labels=[label(pair)]) for file_name, pair in shown.items()],
        )
        for name, (task, classes, templates, label) in tasks.items()
    }
