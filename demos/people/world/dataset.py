from pathlib import Path
from typing import Dict, List, Sequence, Tuple, Union

import numpy as np

from demos.canvas.folder import DrawnFolder

from .image import COLORS, draw_people
from .poses import ACTIVITIES
from .texts import combination, describe

FIRST_TEST_IMAGE = 500_001  # training images start at 1; their count does not change the test images
DRAWING = 2  # raise it when the drawings change, so that old folders are drawn again
MPII_PIXELS = 200.0  # pixels of a person of scale 1
MPII_SHIFT = 15.0 / 200.0  # MMPose moves the centers of MPII down by this share of the box

_PAIRS = [(activity, color) for activity in ACTIVITIES for color in COLORS]
# two of each color; one of each activity, but two of the first two
HELD_OUT = tuple(
    (activity, color)
    for i, activity in enumerate(ACTIVITIES)
    for j, color in enumerate(COLORS)
    if j == i % len(COLORS) or (i < 2 and j == i + 4)
)
SEEN = tuple(pair for pair in _PAIRS if pair not in HELD_OUT)


def write_toy_people(
    root: Union[str, Path], images: Sequence[int] = (3000, 600), size: int = 128, seed: int = 0
) -> Path:
    """Draw people who do something in colored shirts, with keypoints, descriptions, and zero-shot tests by text.

    A small version of FocusCLIP's setting (sections 3.3 and 3.4, appendix C.1): the background is full of things in
    the colors of shirts, so it helps to know where the person is. Of the 60 pairs of an activity and a color, the 48
    of ``SEEN`` are in the training images and the 12 of ``HELD_OUT`` in the test images only. About one image in five
    shows two people who do the same in the same clothes. ``root`` gets:

    - ``images/<n>.jpg``; training images count from 1, test images from 500001;
    - ``annotations/train.json`` and ``val.json`` for MMPose's ``MpiiDataset``, with ``description``, a list of two
      texts, the same for all people of an image. ``joints`` are image pixels, counted from 0 as in MMPose, and
      (-1, -1) with a 0 in ``joints_vis`` outside the image. ``center`` counts from 1, above the middle of the person by
      as much as MMPose moves it down; ``scale`` is the longer side of the box around all joints, divided by 200;
    - ``zero_shot/activity.json`` (10 classes), ``color.json`` (6) and ``combination.json`` (12) of the test images, for
      :class:`~clamp_mmpose.datasets.zero_shot.ZeroShotDataset` with ``data_root=root``.

    Another number of images does not change the other images.

    Args:
        root: a :class:`~demos.canvas.folder.DrawnFolder`; a finished one of the same settings is not drawn again.
        images: of train and test, at least 48 and 12, one for each pair.
        size: pixels of each image's longer side.
        seed: 0 or more.

    Raises:
        ValueError: numbers of images too small or too large, a size too small, a negative seed.
    """
    counts = tuple(images)
    fewest = len(SEEN), len(HELD_OUT)
    if len(counts) != 2 or not all(least <= n < FIRST_TEST_IMAGE for least, n in zip(fewest, counts)):
        raise ValueError(
            f'images={counts} must be two numbers: of train, at least {len(SEEN)}, and of test, at least '
            f'{len(HELD_OUT)}, one for each pair of an activity and a color; both below {FIRST_TEST_IMAGE}.'
        )
    folder = DrawnFolder(root, drawing=DRAWING, images=counts, size=size, seed=seed)
    if folder.is_finished():
        return folder.root
    for split, pairs, first, count in zip(('train', 'val'), (SEEN, HELD_OUT), (1, FIRST_TEST_IMAGE), counts):
        shown = {f'{first + i:06d}.jpg': pairs[i % len(pairs)] for i in range(count)}
        people = [
            person for name, pair in shown.items() for person in _draw(folder, name, pair, size, (seed, int(name[:-4])))
        ]
        folder.write(f'annotations/{split}.json', people)
    for name, content in _zero_shot(shown).items():
        folder.write(f'zero_shot/{name}.json', content)
    return folder.finish()


def _draw(folder: DrawnFolder, name: str, pair: Tuple[str, str], size: int, entropy: Tuple[int, int]) -> List[dict]:
    """Write an image; returns the annotations of its people."""
    drawn = draw_people(*pair, size, entropy)
    folder.write_image(f'images/{name}', drawn.image)
    texts = describe(*pair, drawn.trousers, drawn.people, np.random.default_rng([*entropy, 1]))
    return [dict(image=name, **joints_in_image(one, drawn.image.shape[:2]), description=texts) for one in drawn.people]


def joints_in_image(keypoints: np.ndarray, image: Tuple[int, int]) -> Dict[str, Union[list, float]]:
    """Joints, visibility, center and scale in MPII's format, of ``keypoints [16, 2]``; ``image`` is (height, width)."""
    height, width = image
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
    """The zero-shot test sets by name; ``shown`` maps each image file to its pair."""
    activities, colors = list(ACTIVITIES), list(COLORS)
    # every description names both, so the text of an activity is the mean over colors, and the reverse
    tasks = {
        'activity': (
            activities,
            [f'a photo of a person in a/an {color} shirt {{}}' for color in colors],
            lambda activity, color: activity,
        ),
        'color': (
            colors,
            [f'a photo of a person in a/an {{}} shirt {activity}' for activity in activities],
            lambda activity, color: color,
        ),
        'combination': ([combination(*pair) for pair in HELD_OUT], ['a photo of a person {}'], combination),
    }
    tests = {}
    for name, (classes, templates, answer) in tasks.items():
        labels = {file: [classes.index(answer(*pair))] for file, pair in shown.items()}
        images = [dict(file_name=f'images/{file}', labels=own) for file, own in labels.items()]
        about = dict(name=f'toy {name}', task=name.title(), top_k=1)
        tests[name] = dict(about, classes=classes, templates=templates, images=images)
    return tests
