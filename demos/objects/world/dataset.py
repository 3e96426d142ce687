import json
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Union

import yaml

from clamp_mmpose.utils.files import atomic_write
from demos.canvas.folder import is_finished, write_jpeg

from .categories import CATEGORIES, SPLITS, ToyCategory
from .picture import draw_object

MIN_SIZE, MAX_IMAGES = 64, 1_000_000  # smaller pictures blur a button into a pixel; ids leave room for this many
MARK = 'toy_objects.json'  # written last, holds the settings
DRAWING = 1  # to be raised when the drawings change, so that folders drawn before are drawn again


def write_toy_objects(
    root: Union[str, Path],
    images_per_category: Sequence[int] = (300, 50, 100),
    size: int = 128,
    seed: int = 0,
    progress: Optional[Callable[[int, int], None]] = None,
) -> Path:
    """Draws 14 kinds of objects with named keypoints, in the format of MP-100: 9 to train on, 2 for val, 3 for test.

    ``root`` gets ``annotations/mp100_split1_{train,val,test}.json``, ``images/<category>/<n>.jpg`` and ``texts/``, in
    the format of ``clamp_mmpose/language/texts``. The unseen categories use only words that the names of the others
    hold, in other compositions, and every word means the same everywhere:

    - left and right are those of the picture, of objects that are never turned by more than 25 degrees: the left one
      of two partners lies further left, so it can be told without knowing which way an object faces;
    - front is the side that an object faces, whichever way that is in the picture; back is the other one;
    - near and far are nearer to the viewer and further away (of furniture, seen from above, lower and higher in the
      picture); top and bottom are the upright object's;
    - a tip is the outermost point of a part, an end that of a limb or a mouth, a base where the body holds a part, a
      middle that of an edge; a part alone ('eye', 'front wheel') is its middle.

    Points that are covered, or whose part this object lacks, have v = 0, about one in eight. The same arguments write
    the same files (with one version of OpenCV), and another number of images does not change those there are. A
    finished folder of the same settings is left alone; an interrupted one is drawn again, to the same bytes.

    Args:
        root: made if missing; files of the same names are replaced.
        images_per_category: of train, val and test.
        size: pixels of each picture's longer side.
        seed: 0 or more.
        progress: called with the number of pictures drawn and that of all, after each.

    Returns:
        Path: ``root``.

    Raises:
        ValueError: a number of images below 1, too small a size, a negative seed.
    """
    counts = _check(images_per_category, size, seed)
    root = Path(root)
    settings = json.dumps(dict(drawing=DRAWING, images_per_category=counts, size=size, seed=seed))
    if is_finished(root / MARK, settings):
        return root
    total, done = sum(counts[category.split] for category in CATEGORIES), 0
    annotations = {}
    for split in SPLITS:
        categories = [category for category in CATEGORIES if category.split == split]
        images, instances = [], []
        for category in categories:
            for number in range(1, counts[split] + 1):
                image, instance = _draw(root / 'images', category, number, size, seed)
                images.append(image)
                instances.append(instance)
                done += 1
                if progress is not None:
                    progress(done, total)
        annotations[split] = dict(
            info=_info(),
            images=images,
            annotations=instances,
            categories=[_category(category) for category in categories],
        )
    for name, text in _texts().items():
        atomic_write(root / 'texts' / name, text.encode())
    for split in SPLITS:
        atomic_write(root / 'annotations' / f'mp100_split1_{split}.json', json.dumps(annotations[split]).encode())
    atomic_write(root / MARK, settings.encode())
    return root


def _check(images_per_category: Sequence[int], size: int, seed: int) -> Dict[str, int]:
    counts = tuple(images_per_category)
    if len(counts) != len(SPLITS) or not all(1 <= count < MAX_IMAGES for count in counts):
        raise ValueError(
            f'images_per_category={counts} must be three numbers from 1 to {MAX_IMAGES - 1}: of train, val and test.'
        )
    if size < MIN_SIZE:
        raise ValueError(f'size={size} is too small to tell the parts of an object; give at least {MIN_SIZE} pixels.')
    if seed < 0:
        raise ValueError(f'seed={seed} must be 0 or more.')
    return dict(zip(SPLITS, counts))


def _draw(folder: Path, category: ToyCategory, number: int, size: int, seed: int) -> tuple:
    """Writes a picture; returns its entries among the images and the annotations."""
    drawn = draw_object(category, size, (seed, category.id, number))
    file_name = f'{category.name}/{number}.jpg'
    write_jpeg(folder / file_name, drawn.picture)
    height, width = drawn.picture.shape[:2]
    # as in MP-100, ids of images and of annotations differ
    image_id = 10 * MAX_IMAGES * category.id + number
    x, y, w, h = map(float, drawn.bbox)
    return (
        dict(id=image_id, file_name=file_name, height=height, width=width),
        dict(
            id=image_id + MAX_IMAGES,
            image_id=image_id,
            category_id=category.id,
            bbox=[x, y, w, h],
            area=w * h,
            iscrowd=0,
            num_keypoints=int((drawn.keypoints[:, 2] > 0).sum()),
            keypoints=drawn.keypoints.ravel().tolist(),
        ),
    )


def _info() -> dict:
    return dict(
        description='Toy objects in the format of MP-100', version='1.0', year='2026', date_created='2026/01/01'
    )


def _category(category: ToyCategory) -> dict:
    return dict(
        supercategory=category.supercategory,
        id=category.id,
        name=category.name,
        keypoints=list(category.keypoints),
        skeleton=_lists(category.skeleton),
    )


def _texts() -> Dict[str, str]:
    """The files of ``texts/`` by name; split 1 tests the categories marked 1."""
    index = [
        dict(
            id=category.id,
            slug=category.name,
            name=category.name,
            supercategory=category.supercategory,
            num_keypoints=len(category.keypoints),
            split=int(category.split == 'test'),
            layout=category.name,
        )
        for category in CATEGORIES
    ]
    layouts = {
        category.name: dict(
            keypoints=[{name: category.description(i)} for i, name in enumerate(category.keypoints)],
            skeleton=_lists(category.skeleton),
            swap=_lists(category.swap),
        )
        for category in CATEGORIES
    }
    return {
        f'{name}.yml': yaml.safe_dump(content, sort_keys=False) for name, content in dict(layouts, mp100=index).items()
    }


def _lists(pairs: Sequence[Sequence[int]]) -> List[List[int]]:
    return [list(pair) for pair in pairs]
