from pathlib import Path
from typing import Dict, List, Sequence, Tuple, Union

import numpy as np

from demos.canvas.folder import DrawnFolder

from .image import COLORS, draw_people
from .poses import ACTIVITIES
from .texts import combination, describe

FIRST_TEST_IMAGE = 500_001  # those to train on are numbered from 1, so that their number does not change these
DRAWING = 2  # to be raised when the drawings change, so that folders drawn before are drawn again
MPII_PIXELS = 200.0  # the size of a person whose scale is 1
MPII_SHIFT = 15.0 / 200.0  # MMPose lowers the centers of MPII by this share of the box

_PAIRS = [(activity, color) for activity in ACTIVITIES for color in COLORS]
# two of each color; one of each activity, two of the first two
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
    """Draw people who do something in colored shirts, with keypoints, descriptions, and zero-shot tests by texts.

    The setting of FocusCLIP (sections 3.3 and 3.4, appendix C.1) in small: images whose background is full of
    things in the colors of shirts, so that it helps to know where the person is. Of the 60 pairs of an activity and
    a color, the 48 of ``SEEN`` are in the training images, the 12 of ``HELD_OUT`` in the test images alone. About
    one image in five shows two people, who do the same in the same clothes. ``root`` gets:

    - ``images/<n>.jpg``; training images count from 1, test images from 500001;
    - ``annotations/train.json`` and ``val.json``, which MMPose's ``MpiiDataset`` reads, with ``description``, a list
      of two texts, the same for all people of an image. ``joints`` are pixels of the image, counted from 0 as MMPose
      takes them, and (-1, -1) with a 0 in ``joints_vis`` where outside the image. ``center`` counts from 1 and lies
      higher than the middle of the person by what MMPose lowers it; ``scale`` is the longer side of the box around
      all joints, divided by 200;
    - ``zero_shot/activity.json`` (10 classes), ``color.json`` (6) and ``combination.json`` (the 12 of ``HELD_OUT``),
      which :class:`~clamp_mmpose.datasets.zero_shot.ZeroShotDataset` reads with ``data_root=root``, of the test
      images.

    The same arguments write the same files (with one version of OpenCV), and another number of images does not change
    those there are. A finished folder of the same settings is left alone; an interrupted one is drawn again, to the
    same bytes.

    Args:
        root: made if missing; files of the same names are replaced.
        images: of train and test; at least 48 and 12 show each of their pairs.
        size: pixels of each image's longer side.
        seed: 0 or more.

    Returns:
        Path: ``root``.

    Raises:
        ValueError: numbers of images too small or too large, too small a size, a negative seed.
    """
    counts = tuple(images)
    fewest = len(SEEN), len(HELD_OUT)
    if len(counts) != 2 or not all(least <= n < FIRST_TEST_IMAGE for least, n in zip(fewest, counts)):
        raise ValueError(
            f'images={counts} must be two numbers: of train, at least {len(SEEN)}, and of test, at least '
            f'{len(HELD_OUT)}, one for each pair of an activity and a color; and both below {FIRST_TEST_IMAGE}.'
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
    """Write an image; the annotations of its people."""
    drawn = draw_people(*pair, size, entropy)
    folder.write_image(f'images/{name}', drawn.image)
    texts = describe(*pair, drawn.trousers, drawn.people, np.random.default_rng([*entropy, 1]))
    return [dict(image=name, **_joints(one, drawn.image.shape[:2]), description=texts) for one in drawn.people]


def _joints(keypoints: np.ndarray, image: Tuple[int, int]) -> Dict[str, Union[list, float]]:
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
    """The zero-shot test sets by name, of images with their pairs."""
    activities, colors = list(ACTIVITIES), list(COLORS)
    # every description names both, so a class of one is the mean over the other
    in_each = [f'a photo of a person in a/an {color} shirt {{}}' for color in colors]
    doing_each = [f'a photo of a person in a/an {{}} shirt {activity}' for activity in activities]
    tasks = {
        'activity': ('Activity', activities, in_each, lambda pair: activities.index(pair[0])),
        'color': ('Color', colors, doing_each, lambda pair: colors.index(pair[1])),
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
            images=[dict(file_name=f'images/{file}', labels=[label(pair)]) for file, pair in shown.items()],
        )
        for name, (task, classes, templates, label) in tasks.items()
    }
