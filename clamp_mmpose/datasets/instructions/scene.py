"""What other files say about the images: captions, objects without keypoints, activities."""

from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Dict, List, Optional, Sequence, TypeVar, Union

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.language.image_facts import ImageFacts, SceneObject
from clamp_mmpose.utils.files import read_json

from .boxes import clipped_box

REMEDY = 'check the path'
Value = TypeVar('Value')


def add_scene(
    images: Sequence[ImageFacts],
    source: str,
    captions: Optional[str],
    objects: Optional[str],
    activities: Optional[str],
    dropped: Dict[str, int],
) -> List[ImageFacts]:
    """The images with captions, objects and activities from the files of :func:`read_facts`.

    Args:
        source: name of the annotations in errors.
        dropped: gets the number of 'crowds of objects'.

    Raises:
        FileNotFoundError, ValueError: a file is missing, malformed, or about other images.
    """
    added = list(images)
    if captions:
        texts = _for_images(read_captions(captions), images, captions, source)
        added = [replace(facts, captions=tuple(own or ())) for facts, own in zip(added, texts)]
    if objects:
        taken = {instance.category for facts in images for instance in facts.instances}
        boxes = _for_images(_objects(objects), images, objects, source)
        added = [
            replace(facts, objects=_scene_objects(own or [], taken, facts, objects, dropped))
            for facts, own in zip(added, boxes)
        ]
    if activities:
        labels = _for_images(_activities(activities), images, activities, source)
        added = [replace(facts, activity=own or facts.activity) for facts, own in zip(added, labels)]
    return added


def read_captions(path: str) -> Dict[str, List[str]]:
    """The captions of each image by file name, from COCO captions or JSON ``{image: text or list of texts}``.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is neither; an entry is not a text.
    """
    content = read_json(path, 'captions', REMEDY, expected=dict)
    if not {'images', 'annotations'} <= set(content):
        table = {image: [texts] if isinstance(texts, str) else texts for image, texts in content.items()}
    else:
        table = _by_image(content, path, 'caption')
    for image, texts in table.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f'captions {path}: {image} must have a text or a list of texts, got {texts!r:.80}.')
    return {image: [' '.join(text.split()) for text in texts if text.strip()] for image, texts in table.items()}


def _by_image(content: dict, path: str, key: Optional[str] = None) -> Dict[str, List[Any]]:
    """Annotations, or one value of each, by the file name of their image."""
    try:
        names = {image['id']: image['file_name'] for image in content['images']}
        table: Dict[str, List[Any]] = {name: [] for name in names.values()}
        for ann in content['annotations']:
            table[names[ann['image_id']]].append(ann[key] if key else ann)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f'{path} is not a COCO file of {key or "object"}s: {type(error).__name__} {error}; expected images with id '
            f'and file_name, annotations with image_id and {key or "bbox"}.'
        ) from error
    return table


def _objects(path: str) -> Dict[str, List[dict]]:
    content = read_annotations(path, REMEDY)
    categories = {category['id']: category['name'] for category in content['categories']}
    table = _by_image(content, path)
    for ann in content['annotations']:
        number, box = ann.get('category_id'), ann.get('bbox')
        numbers = isinstance(box, list) and [value for value in box if isinstance(value, (int, float))]
        if not isinstance(number, (int, str)) or number not in categories or numbers != box or len(box) != 4:
            raise ValueError(
                f'{path}: annotation {ann.get("id")} needs a category of the file and a box of 4 numbers, got '
                f'{number!r:.40} and {box!r:.60}.'
            )
        ann['category'] = categories[number]
    return table


def _scene_objects(
    annotations: List[dict], taken: set, facts: ImageFacts, path: str, dropped: Dict[str, int]
) -> Sequence[SceneObject]:
    found = []
    for ann in annotations:
        if ann['category'] in taken:
            continue
        if ann.get('iscrowd'):
            dropped['crowds of objects'] += 1
            continue
        x, y, width, height = ann['bbox']
        box = clipped_box((x, y, x + width, y + height), facts.size)
        if box is not None:
            found.append(SceneObject(ann['category'], box))
    return tuple(found)


def _activities(path: str) -> Dict[str, str]:
    if path.endswith('.mat'):
        return _mpii_activities(path)
    table = read_json(path, 'activities', REMEDY, expected=dict)
    for image, text in table.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f'activities {path}: {image} must have a text, got {text!r:.80}.')
    return {image: ' '.join(text.split()) for image, text in table.items()}


def _mpii_activities(path: str) -> Dict[str, str]:
    """'sports, basketball' of the images that have one in MPII's own file, mpii_human_pose_v1_u12_1.mat."""
    if not Path(path).is_file():
        raise FileNotFoundError(f'activities {path} not found (looked in {Path.cwd()}): {REMEDY}.')
    try:
        release = loadmat(path, variable_names=['RELEASE'], struct_as_record=False, squeeze_me=True)['RELEASE']
        images = [str(entry.image.name) for entry in np.atleast_1d(release.annolist)]
        labels = [[entry.cat_name, entry.act_name] for entry in np.atleast_1d(release.act)]
    except (MatReadError, AttributeError, KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"activities {path} is not MPII's annotation file mpii_human_pose_v1_u12_1.mat: "
            f'{type(error).__name__} {error!s:.80}.'
        ) from error
    table = {}
    for image, parts in zip(images, labels):
        text = ', '.join(' '.join(part.split()) for part in parts if isinstance(part, str) and part.strip())
        if text:  # images for tests have none
            table[image] = text
    return table


def _for_images(
    table: Dict[str, Value], images: Sequence[ImageFacts], path: Union[str, PurePath], source: str
) -> List[Optional[Value]]:
    """The entry of each image, by its file name or else by its last part."""
    found = [table.get(facts.image, table.get(PurePath(facts.image).name)) for facts in images]
    if all(entry is None for entry in found):
        raise ValueError(
            f'{path} says nothing about the {len(images):,} images of {source}, such as {images[0].image}; it has '
            f'{len(table):,} others, such as {next(iter(table), None)}: the file names must be the same.'
        )
    return found
