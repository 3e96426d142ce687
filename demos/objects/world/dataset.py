from pathlib import Path
from typing import Dict, Sequence, Tuple, Union

import yaml

from demos.canvas.folder import DrawnFolder

from .categories import CATEGORIES, SPLITS, ToyCategory
from .image import draw_object

MAX_IMAGES = 1_000_000  # ids leave room for this many
DRAWING = 2  # to be raised when the drawings change, so that folders drawn before are drawn again
INFO = dict(description='Toy objects in the format of MP-100', version='1.0', year='2026', date_created='2026/01/01')


def write_toy_objects(
    root: Union[str, Path], images_per_category: Sequence[int] = (300, 50, 100), size: int = 128, seed: int = 0
) -> Path:
    """Draw 14 kinds of objects with named keypoints, in the format of MP-100: 9 to train on, 2 for val, 3 for test.

    ``root`` gets ``annotations/mp100_split1_{train,val,test}.json``, ``images/<category>/<n>.jpg`` and ``texts/``, in
    the format of ``clamp_mmpose/language/texts``. The unseen categories use only words that the names of the others
    hold, in other compositions, and every word means the same everywhere:

    - left and right are those of the image, of objects that are never turned by more than 25 degrees: the left one
      of two partners lies further left, so it can be told without knowing which way an object faces;
    - front is the side that an object faces, whichever way that is in the image; back is the other one;
    - near and far are nearer to the viewer and further away (of furniture, seen from above, lower and higher in the
      image); top and bottom are the upright object's;
    - a tip is the outermost point of a part, an end that of a limb or a mouth, a base where the body holds a part, a
      middle that of an edge; a part alone ('eye', 'front wheel') is its middle.

    Points that are covered, or whose part this object lacks, have v = 0, about one in eight. The same arguments write
    the same files (with one version of OpenCV), and another number of images does not change those there are. A
    finished folder of the same settings is left alone; an interrupted one is drawn again, to the same bytes.

    Args:
        root: made if missing; files of the same names are replaced.
        images_per_category: of train, val and test.
        size: pixels of each image's longer side.
        seed: 0 or more.

    Returns:
        Path: ``root``.

    Raises:
        ValueError: a number of images below 1, too small a size, a negative seed.
    """
    counts = tuple(images_per_category)
    if len(counts) != len(SPLITS) or not all(1 <= count < MAX_IMAGES for count in counts):
        raise ValueError(
            f'images_per_category={counts} must be three numbers from 1 to {MAX_IMAGES - 1}: of train, val and test.'
        )
    folder = DrawnFolder(root, drawing=DRAWING, images_per_category=counts, size=size, seed=seed)
    if folder.is_finished():
        return folder.root
    for split, count in zip(SPLITS, counts):
        categories = [category for category in CATEGORIES if category.split == split]
        drawn = [
            _draw(folder, category, number, size, seed) for category in categories for number in range(1, count + 1)
        ]
        images, instances = zip(*drawn)
        content = dict(info=INFO, images=images, annotations=instances, categories=list(map(_entry, categories)))
        folder.write(f'annotations/mp100_split1_{split}.json', content)
    for name, text in _texts().items():
        folder.write(f'texts/{name}', text)
    return folder.finish()


def _draw(folder: DrawnFolder, category: ToyCategory, number: int, size: int, seed: int) -> Tuple[dict, dict]:
    """Write an image; its entries among the images and the annotations."""
    drawn = draw_object(category, size, (seed, category.id, number))
    file_name = f'{category.name}/{number}.jpg'
    folder.write_image(f'images/{file_name}', drawn.image)
    height, width = drawn.image.shape[:2]
    # as in MP-100, ids of images and of annotations differ
    image_id = 10 * MAX_IMAGES * category.id + number
    x, y, w, h = map(float, drawn.bbox)
    annotation = dict(id=image_id + MAX_IMAGES, image_id=image_id, category_id=category.id)
    annotation.update(bbox=[x, y, w, h], area=w * h, iscrowd=0, keypoints=drawn.keypoints.ravel().tolist())
    annotation.update(num_keypoints=int((drawn.keypoints[:, 2] > 0).sum()))
    return dict(id=image_id, file_name=file_name, height=height, width=width), annotation


def _entry(category: ToyCategory) -> dict:
    fields = ('supercategory', 'id', 'name', 'keypoints', 'skeleton')
    return {field: getattr(category, field) for field in fields}


def _texts() -> Dict[str, str]:
    """The files of ``texts/`` by name; split 1 tests the categories marked 1."""
    index, layouts = [], {}
    for category in CATEGORIES:
        own = dict(id=category.id, slug=category.name, name=category.name, supercategory=category.supercategory)
        own.update(num_keypoints=len(category.keypoints), split=int(category.split == 'test'), layout=category.name)
        index.append(own)
        layouts[category.name] = dict(
            keypoints=[{name: category.description(i)} for i, name in enumerate(category.keypoints)],
            skeleton=[list(link) for link in category.skeleton],
            swap=[list(pair) for pair in category.swap],
        )
    files = dict(layouts, mp100=index)
    return {f'{name}.yml': yaml.safe_dump(content, sort_keys=False) for name, content in files.items()}
