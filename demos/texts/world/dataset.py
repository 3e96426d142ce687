from pathlib import Path
from typing import List, Sequence, Union

import numpy as np

from demos.canvas.folder import DrawnFolder
from demos.people.world.dataset import joints_in_image
from demos.people.world.texts import wears

from .image import ToyFigure, draw_figure

ACTIVITIES = 'doing exercises', 'dancing', 'waving a flag', 'holding an umbrella'
FIRST_TEST_IMAGE = 500_001  # training images start at 1
DRAWING = 1  # raise it when the drawings change, so that old folders are drawn again


def write_posing_people(
    root: Union[str, Path], images: Sequence[int] = (2000, 300), size: int = 64, seed: int = 0
) -> Path:
    """Draw people in random poses, with keypoints, captions and activities, none of which tells the pose.

    ``root`` gets:

    - ``images/<n>.jpg``; training images count from 1, test images from 500001;
    - ``annotations/train.json`` and ``val.json`` for MMPose's ``MpiiDataset``, with ``act_name``;
    - ``annotations/captions.json``: two captions for each image;
    - ``annotations/truth.json``: what each limb was drawn to do, ``{image: {'left arm': 'raised', ...}}``.

    Args:
        root: a :class:`~demos.canvas.folder.DrawnFolder`; a finished one of the same settings is not drawn again.
        images: of train and test.
        size: pixels of both sides.
        seed: 0 or more.
    """
    folder = DrawnFolder(root, drawing=DRAWING, images=tuple(images), size=size, seed=seed)
    if folder.is_finished():
        return folder.root
    captions, truth = {}, {}
    for split, first, count in zip(('train', 'val'), (1, FIRST_TEST_IMAGE), images):
        rows = []
        for number in range(first, first + count):
            name, activity = f'{number:06d}.jpg', ACTIVITIES[number % len(ACTIVITIES)]
            figure = draw_figure(activity, size, (seed, number))
            folder.write_image(f'images/{name}', figure.image)
            rows.append(dict(image=name, act_name=activity, **joints_in_image(figure.keypoints, (size, size))))
            captions[name] = write_captions(figure, activity, np.random.default_rng([seed, number, 1]))
            truth[name] = figure.truth
        folder.write(f'annotations/{split}.json', rows)
    folder.write('annotations/captions.json', captions)
    folder.write('annotations/truth.json', truth)
    return folder.finish()


def write_captions(figure: ToyFigure, activity: str, rng: np.random.Generator) -> List[str]:
    """Two captions in different wordings: clothes and activity."""
    clothes = f'{wears(figure.shirt)} and {figure.trousers} trousers'
    wordings = (
        f'A person in {clothes} is {activity}.',
        f'A person {activity} in {clothes}.',
        f'Somebody is {activity} and wears {clothes}.',
        f'The shirt of this person is {figure.shirt} and the trousers are {figure.trousers}.',
    )
    return [wordings[i] for i in rng.permutation(len(wordings))[:2]]
