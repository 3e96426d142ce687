from pathlib import Path
from typing import Dict, Sequence, Tuple, Union

import yaml

from demos.canvas.folder import DrawnFolder, coco_annotation

from .categories import CATEGORIES, SPLITS, ToyCategory
from .image import draw_object

MAX_IMAGES = 1_000_000  # of a category; ids leave room for this many
DRAWING = 2  # raise it when the drawings change, so that old folders are drawn again
INFO = dict(description='Toy objects in the format of MP-100', version='1.0', year='2026', date_created='2026/01/01')


def write_toy_objects(
    root: Union[str, Path], images_per_category: Sequence[int] = (300, 50, 100), size: int = 128, seed: int = 0
) -> Path:
    """Draw 14 kinds of objects with named keypoints, in the format of MP-100: 9 to train on, 2 for val, 3 for test.

    ``root`` gets ``annotations/mp100_split1_{train,val,test}.json``, ``images/<category>/<n>.jpg`` and ``texts/``, in
    the format of ``clamp_mmpose/language/texts``. The names of the unseen categories combine words of the others in
    new ways, and every word means the same everywhere:

    - left and right are those of the image; objects are turned by at most 25 degrees, so that the left one of two
      partners is always further left;
    - front is the side that an object faces, in either direction in the image; back is the opposite side;
    - near and far are nearer to the viewer and further away (of furniture, lower and higher in the image); top and
      bottom are those of the upright object;
    - a tip is the outermost point of a part, an end that of a limb or a mouth, a base the point where a part joins the
      body, a middle that of an edge; a part alone ('eye', 'front wheel') is its middle.

    Points that are covered, or whose part is missing, have v = 0, about one in eight. Another number of images does not
    change the other images.

    Args:
        root: a :class:`~demos.canvas.folder.DrawnFolder`; a finished one of the same settings is not drawn again.
        images_per_category: of train, val and test.
        size: pixels of each image's longer side.
        seed: 0 or more.

    Raises:
        ValueError: a number of images below 1, a size too small, a negative seed.
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
    """Write an image; returns its entries in the images and in the annotations."""
    drawn = draw_object(category, size, (seed, category.id, number))
    file_name = f'{category.name}/{number}.jpg'
    folder.write_image(f'images/{file_name}', drawn.image)
    height, width = drawn.image.shape[:2]
    # as in MP-100, ids of images and of annotations differ
    image_id = 10 * MAX_IMAGES * category.id + number
    ids = dict(id=image_id + MAX_IMAGES, image_id=image_id, category_id=category.id)
    annotation = coco_annotation(ids, list(map(float, drawn.bbox)), drawn.keypoints)
    return dict(id=image_id, file_name=file_name, height=height, width=width), annotation


def _entry(category: ToyCategory) -> dict:
    fields = ('supercategory', 'id', 'name', 'keypoints', 'skeleton')
    return {field: getattr(category, field) for field in fields}


def _texts() -> Dict[str, str]:
    """The files of ``texts/`` by name; split 1 tests the categories with ``split=1``."""
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
