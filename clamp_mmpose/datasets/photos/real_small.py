"""Assemble real_small, a small set of photographs of several categories in MP-100's format."""

from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

import cv2
import numpy as np

from clamp_mmpose.utils.files import atomic_write, read_json, to_json

from .sources import READERS, Photo, Subject

LONGEST = dict(face=256)  # pixels of the longer side; others 320
QUALITY = 90  # of JPEG
SMALL = 90  # pixels; several subjects that would be smaller get a crop each


class Assembled(NamedTuple):
    """What was written for a category, and how many of the names in the plan were not found."""

    category: str
    images: Dict[str, int]
    missing: int


def assemble(plan_file: Path, sources: Path, out_dir: Path, seed: int = 0) -> List[Assembled]:
    """Write ``images``, ``annotations/{train,val}.json`` and ``categories.json``.

    Args:
        plan_file: JSON: for each category its texts, the folder of its repository, and the names or numbers of the
            images of each split. By number, images are drawn at random, within the source's own split if it has one.
        sources: folder with the cloned repositories; categories whose repository is absent are left out.
        seed: of the draw.

    Raises:
        FileNotFoundError: no repository is there, or a file of one.
    """
    plan = read_json(plan_file, 'plan', 'give the file that comes with the script', expected=list)
    present = [entry for entry in plan if (sources / entry['folder']).is_dir()]
    if not present:
        names = ', '.join(sorted({entry['folder'] for entry in plan}))
        raise FileNotFoundError(f'{sources} has none of the repositories {names}; --list shows how to get them.')
    parts: Dict[str, dict] = {part: dict(images=[], annotations=[], categories=[]) for part in ('train', 'val')}
    found, texts = [], []
    for entry in present:
        texts.append(entry['texts'])
        photos = [
            cut
            for photo in READERS[entry['texts']['name']](sources / entry['folder'])
            for cut in crops(photo, entry['texts']['name'])
        ]
        chosen, missing = choose(photos, entry['images'], seed)
        for part, own in chosen.items():
            for photo in own:
                _write(photo, entry['texts'], parts[part], out_dir)
        found.append(Assembled(entry['texts']['name'], {part: len(own) for part, own in chosen.items()}, missing))
    for part, content in parts.items():
        content['categories'] = [
            {key: text[key] for key in ('id', 'name', 'supercategory', 'keypoints', 'skeleton')} for text in texts
        ]
        atomic_write(out_dir / f'annotations/{part}.json', to_json(content, 'annotations').encode())
    atomic_write(out_dir / 'categories.json', to_json(texts, 'categories', 1).encode())
    return found


def choose(
    photos: Sequence[Photo], wanted: Dict[str, Union[int, List[str]]], seed: int
) -> Tuple[Dict[str, List[Photo]], int]:
    """The photographs of each split, by name or by number, and how many names there are none of."""
    by_name = {photo.name: photo for photo in photos}
    chosen: Dict[str, List[Photo]] = {}
    missing, rng = 0, np.random.RandomState(seed)
    left = [photos[i] for i in rng.permutation(len(photos))]
    for part, want in wanted.items():
        if isinstance(want, int):
            chosen[part] = [photo for photo in left if photo.split in ('', part)][:want]
            taken = {photo.name for photo in chosen[part]}
            left = [photo for photo in left if photo.name not in taken]
        else:
            chosen[part] = [by_name[name] for name in want if name in by_name]
            missing += len(want) - len(chosen[part])
    return chosen, missing


def crops(photo: Photo, category: str) -> List[Photo]:
    """The parts of a frame with its subjects, where they fill little of it; ``_a``, ``_b``: one for each subject."""
    if not photo.subjects:
        return []
    image = photo.load()
    boxes = [np.array(padded_box(subject, image.shape[:2])) for subject in photo.subjects]
    union = _union(boxes)
    if _stays_whole(category, image.shape[:2], union):
        return [photo]
    scale = min(1.0, LONGEST.get(category, 320) / max(union[2:]))
    if len(boxes) > 1 and min(max(box[2:]) for box in boxes) * scale < SMALL:
        return [
            _cut(photo, f'{photo.name}_{chr(ord("a") + i)}', box, [subject])
            for i, (box, subject) in enumerate(zip(boxes, photo.subjects))
        ]
    return [_cut(photo, photo.name, union, photo.subjects)]


def _stays_whole(category: str, size: Tuple[int, int], box: np.ndarray) -> bool:
    """Whether a frame of (h, w) is not cropped."""
    if category == 'face':
        return max(size) <= LONGEST['face']
    if category == 'glue_tube':
        return box[2] * box[3] >= 0.6 * size[0] * size[1]
    if category == 'hand':
        return max(box[2:]) >= 0.5 * max(size)
    return category != 'salmon'


def padded_box(subject: Subject, size: Tuple[int, int]) -> List[float]:
    """The source's box, or the extent of the labeled points and 15 % of it on each side, inside an (h, w) image.

    The margin is at least 7.5 % of the longer extent and one pixel.
    """
    if subject.box is not None:
        (x, y), (w, h) = subject.box[:2], subject.box[2:]
        low, high = np.array([x, y]), np.array([x + w, y + h])
    else:
        points = subject.keypoints[subject.keypoints[:, 2] > 0, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.maximum(0.15 * (high - low), 0.075 * (high - low).max() + 1)
        low, high = low - margin, high + margin
    low, high = np.maximum(low, 0), np.minimum(high, [size[1], size[0]])
    return [*low, *(high - low)]


def _union(boxes: Sequence[np.ndarray]) -> np.ndarray:
    low = np.min([box[:2] for box in boxes], axis=0)
    high = np.max([box[:2] + box[2:] for box in boxes], axis=0)
    return np.concatenate([low, high - low])


def _cut(photo: Photo, name: str, box: np.ndarray, subjects: Sequence[Subject]) -> Photo:
    """A part of a photograph around a box, with a tenth of its longer side more on each side."""
    image = photo.load()
    margin = 0.1 * max(box[2:])
    left, top = (int(max(0, value)) for value in box[:2] - margin)
    right, bottom = (int(np.ceil(value)) for value in box[:2] + box[2:] + margin)
    part = np.ascontiguousarray(image[top:bottom, left:right])
    moved = [
        Subject(
            subject.keypoints - [left, top, 0],
            subject.box and [subject.box[0] - left, subject.box[1] - top, *subject.box[2:]],
        )
        for subject in subjects
    ]
    return photo._replace(name=name, load=lambda: part, subjects=moved)


def _write(photo: Photo, text: dict, content: dict, out_dir: Path) -> None:
    """Write the image, at most 320 pixels long, and add its entries; points move with the pixel centers."""
    image = photo.load()
    scale = min(1.0, LONGEST.get(text['name'], 320) / max(image.shape[:2]))
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    factors = np.array([width / image.shape[1], height / image.shape[0]])
    if scale < 1:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    name = f'{text["name"]}/{photo.name}.jpg'
    _, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    atomic_write(out_dir / 'images' / name, encoded.tobytes())
    image_id = len(content['images']) + 1
    content['images'].append(dict(id=image_id, file_name=name, width=width, height=height))
    for subject in photo.subjects:
        points = subject.keypoints.astype(np.float64)
        points[:, :2] = (points[:, :2] + 0.5) * factors - 0.5
        inside = ((points[:, :2] >= 0) & (points[:, :2] < [width, height])).all(axis=1)
        points[~inside | (points[:, 2] <= 0)] = 0
        if points.any():
            box = subject.box and [*(np.reshape(subject.box, (2, 2)) * factors).reshape(-1)]
            x, y, w, h = padded_box(Subject(points, box), (height, width))
            content['annotations'].append(
                dict(
                    id=len(content['annotations']) + 1,
                    image_id=image_id,
                    category_id=text['id'],
                    bbox=[round(float(value), 2) for value in (x, y, w, h)],
                    area=round(float(w * h), 2),
                    iscrowd=0,
                    num_keypoints=int((points[:, 2] > 0).sum()),
                    keypoints=[round(float(value), 2) for value in points.reshape(-1)],
                )
            )
