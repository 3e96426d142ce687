"""Readers of the repositories that real_small is made of, each in its own format; docs/data.md names them."""

import csv
import re
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

import numpy as np

from clamp_mmpose.datasets.files.images import image_files, read_image
from clamp_mmpose.utils.files import read_json

REMEDY = 'clone the repository at the commit that --list shows'
DARK = 8  # gray value; on the fly's black background is nothing
HAND_SETS = dict(freihand='freihand/test_freihand.json', onehand10k='onehand10k/test_onehand10k.json')
HAND_SETS['panoptic'] = 'panoptic/test_panoptic.json'


class Subject(NamedTuple):
    """``keypoints`` are ``[K, 3]``: (x, y, v) in pixels of the photograph; ``box`` is (x, y, w, h), None: not given."""

    keypoints: np.ndarray
    box: Optional[List[float]] = None


class Photo(NamedTuple):
    """A photograph of a source: its name in real_small, its pixels, and its split if the source has one."""

    name: str
    load: Callable[[], np.ndarray]
    subjects: List[Subject]
    split: str = ''


def person(root: Path) -> Iterator[Photo]:
    """Leeds Sports Pose Extended: ``joints.mat`` ``[14, 3, N]`` with visibility."""
    from scipy.io import loadmat

    joints = loadmat(str(_existing(root / 'joints.mat')))['joints']
    for i, points in enumerate(np.moveaxis(joints, 2, 0), 1):
        keypoints = np.column_stack([points[:, :2], 2 * (points[:, 2] > 0)])
        yield Photo(f'person_{i:05d}', _reader(root / f'images/im{i:05d}.jpg'), [Subject(keypoints)])


def face(root: Path) -> Iterator[Photo]:
    """P1 Facial Keypoints: a table of 68 points, here one frame of each person (the name without its number)."""
    seen = set()
    with _existing(root / 'data/training_frames_keypoints.csv').open(newline='') as file:
        for row in sorted(list(csv.reader(file))[1:]):
            someone = re.sub(r'_\d+\.\w+$', '', row[0])
            if someone not in seen:
                seen.add(someone)
                points = np.array(row[1:], np.float64).reshape(-1, 2)
                keypoints = np.column_stack([points, np.full(len(points), 2)])
                yield Photo(f'face_{someone}', _reader(root / 'data/training' / row[0]), [Subject(keypoints)])


def fly(root: Path) -> Iterator[Photo]:
    """DeepPoseKit: frames and points in one HDF5 file; points on nothing but black are not labeled."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError('the fly needs h5py: pip install "clamp_mmpose[io]"') from error

    with h5py.File(str(_existing(root / 'datasets/fly/example_annotation_set.h5')), 'r') as file:
        images, annotations = (np.asarray(file[name]) for name in ('images', 'annotations'))
        annotated = np.asarray(file['annotated']) if 'annotated' in file else np.ones(annotations.shape[:2], bool)
    for i, (image, points) in enumerate(zip(images, annotations)):
        image = np.repeat(image.reshape(*image.shape[:2], -1)[..., :1], 3, axis=2)
        labeled = annotated[i].reshape(-1) & np.array([_on_something(image, x, y) for x, y in points])
        yield Photo(f'fly_{i:03d}', lambda image=image: image, [Subject(np.column_stack([points, 2 * labeled]))])


def glue_tube(root: Path) -> Iterator[Photo]:
    """Keypoint R-CNN tutorial: a JSON file for each frame, with boxes as two corners."""
    for split, folder in (('train', 'train'), ('val', 'test')):
        base = root / 'glue_tubes_keypoints_dataset_134imgs' / folder
        for path in image_files(_existing(base / 'images')):
            content = read_json(base / f'annotations/{path.stem}.json', 'annotations', REMEDY, expected=dict)
            subjects = [
                Subject(np.array([[x, y, 2 * (v > 0)] for x, y, v in points]), [x1, y1, x2 - x1, y2 - y1])
                for (x1, y1, x2, y2), points in zip(content['bboxes'], content['keypoints'])
            ]
            yield Photo(f'gluetube_{path.stem}', _reader(path), subjects, split)


def fly_wing(root: Path) -> Iterator[Photo]:
    """ml-morph: landmarks as TPS, with y from the lower edge upwards."""
    text = _existing(root / 'landmark-examples/tps-example.tps').read_text()
    for block in text.split('LM=')[1:]:
        lines = block.split()
        name = next(line[6:] for line in lines if line.startswith('IMAGE='))
        number = int(lines[0])
        points = np.array(lines[1 : 1 + 2 * number], np.float64).reshape(number, 2)
        path = _existing(root / 'image-examples' / name)
        points[:, 1] = len(read_image(str(path))) - points[:, 1]
        keypoints = np.column_stack([points, np.full(number, 2)])
        yield Photo(f'wing_{path.stem}', _reader(path), [Subject(keypoints)])


def salmon(root: Path) -> Iterator[Photo]:
    """YOLOv8 pose: shares of the image; the fish with most labeled points, at least 9. Box: that of the source."""
    base = root / 'YoloV8_Pose_Fine_Tuning/data'
    for split in ('train', 'val'):
        for path in image_files(_existing(base / 'images' / split)):
            label = base / f'labels/{split}/{path.stem}.txt'
            rows = [np.array(line.split(), np.float64) for line in label.read_text().splitlines() if line.strip()]
            rows = [row for row in rows if (row[7::3] > 0).sum() >= 9]
            if rows:
                height, width = read_image(str(path)).shape[:2]
                best = max(rows, key=lambda row: (row[7::3] > 0).sum())
                cx, cy, w, h = best[1:5] * [width, height, width, height]
                keypoints = best[5:].reshape(-1, 3) * [width, height, 1]
                margin = 0.075 * max(w, h)
                box = [cx - w / 2 - margin, cy - h / 2 - margin, w + 2 * margin, h + 2 * margin]
                yield Photo(f'salmon_{path.stem}', _reader(path), [Subject(keypoints, box)], split)


def hand(root: Path) -> Iterator[Photo]:
    """MMPose's test data, as COCO, and the samples of handpose_x, which lie next to it."""
    for kind, file in HAND_SETS.items():
        path = root / 'tests/data' / file
        content = read_json(path, 'annotations', REMEDY, expected=dict)
        images = {image['id']: image for image in content['images']}
        for ann in content['annotations']:
            image = path.parent / images[ann['image_id']]['file_name']
            keypoints = np.array(ann['keypoints'], np.float64).reshape(-1, 3)
            keypoints[:, 2] = 2 * (keypoints[:, 2] > 0)
            yield Photo(f'hand_{kind}_{image.stem}', _reader(image), [Subject(keypoints)])
    for path in sorted((root.parent / 'handpose_x/handpose_datasets').glob('*.json')):
        (entry, *_) = read_json(path, 'annotations', REMEDY, expected=dict)['info']
        keypoints = np.array([[point['x'], point['y'], 2] for _, point in sorted(entry['pts'].items(), key=_number)])
        yield Photo(f'hand_x_{path.stem}', _reader(path.with_suffix('.jpg')), [Subject(keypoints.astype(float))])


# the folder of each repository and its reader
READERS: Dict[str, Callable[[Path], Iterator[Photo]]] = dict(
    person=person, face=face, fly=fly, glue_tube=glue_tube, fly_wing=fly_wing, salmon=salmon, hand=hand
)


def _number(item: tuple) -> int:
    return int(item[0])


def _reader(path: Path) -> Callable[[], np.ndarray]:
    return lambda: read_image(str(path))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist: {REMEDY}.')
    return path


def _on_something(image: np.ndarray, x: float, y: float) -> bool:
    """Whether anything within 3 pixels is not black."""
    if not (np.isfinite([x, y]).all() and 0 <= x < image.shape[1] and 0 <= y < image.shape[0]):
        return False
    top, left = max(0, round(y) - 3), max(0, round(x) - 3)
    return bool((image[top : round(y) + 4, left : round(x) + 4] > DARK).any())
