"""Ultralytics YOLO-pose data sets: ``data.yaml``, and for each image a text file with boxes and points."""

from pathlib import Path, PureWindowsPath
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from clamp_mmpose.datasets.files.images import image_files, image_size
from clamp_mmpose.utils.files import read_text, read_yaml

from .image_files import search_images
from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions

MAX_KEYPOINTS = 10_000
SPLITS = {'train': ('train',), 'val': ('val', 'valid', 'validation'), 'test': ('test',)}


def is_yolo(source: Path) -> bool:
    return _data_file(source) is not None


def read_yolo(source: Path, options: ReadOptions) -> LabeledProject:
    """Read the images of all parts of the split; positions are fractions of the image.

    Raises:
        ValueError: ``data.yaml`` or a text file has not the form of YOLO-pose.
    """
    file = _data_file(source)
    if file is None:
        raise ValueError(f'{source} has no data.yaml with kpt_shape: give the folder of a YOLO-pose data set.')
    config = read_yaml(file, 'data set', 'give its data.yaml')
    shape = config['kpt_shape']
    if not (
        isinstance(shape, list)
        and len(shape) == 2
        and isinstance(shape[0], int)
        and 0 < shape[0] <= MAX_KEYPOINTS
        and shape[1] in (2, 3)
    ):
        raise ValueError(f'{file}: kpt_shape must be [number of keypoints, 2 or 3], got {shape!r:.60}.')
    notes: List[str] = []
    number = shape[0]
    names = _names(config, number)
    classes = _classes(config.get('names'))
    chosen = _chosen(classes, options.category, notes)
    images: List[LabeledImage] = []
    texts: List[Path] = []
    for part, (folders, listed) in _parts(config, _folders(config, file)).items():
        files = {_label_file(path): path for path in listed}
        for folder in folders:
            files.update(_folder(folder))
        for text, path in sorted(files.items()):
            images.append(LabeledImage(_place(path, file.parent, part), path, split=part, aliases=[path.name]))
            texts.append(text)
    search_images(images, options.image_folders)
    for image, text in zip(images, texts):
        image.instances = _instances(image, text, shape, chosen, notes)
    used = {classes[i] for i in classes if chosen is None or i in chosen}
    return LabeledProject(
        'yolo',
        names,
        images,
        _links(config.get('skeleton'), number),
        _swaps(config.get('flip_idx'), number, file),
        used.pop() if len(used) == 1 else None,
        notes,
        [file.parent],
    )


def _data_file(source: Path) -> Optional[Path]:
    files = [source] if source.is_file() else sorted(source.glob('*.y*ml'), key=lambda path: path.name != 'data.yaml')
    for file in files:
        if file.suffix.lower() in ('.yaml', '.yml'):
            try:
                config = read_yaml(file, 'data set', 'give its data.yaml')
            except ValueError:
                continue
            if isinstance(config, dict) and 'kpt_shape' in config:
                return file
    return None


def _names(config: dict, number: int) -> List[str]:
    """Of the keypoints, from the keys that Ultralytics (per class) and sleap-io write; else numbers."""
    names = config.get('kpt_names', config.get('node_names', config.get('keypoint_names')))
    if isinstance(names, dict):
        names = next(iter(names.values()), None)
    if isinstance(names, list) and len(names) == number:
        return [str(name) for name in names]
    return [str(i + 1) for i in range(number)]


def _classes(names: Any) -> Dict[int, str]:
    if isinstance(names, dict):
        return {int(key): str(name) for key, name in names.items() if str(key).isdigit()}
    return {i: str(name) for i, name in enumerate(names)} if isinstance(names, list) else {}


def _chosen(classes: Dict[int, str], wanted: Optional[str], notes: List[str]) -> Optional[set]:
    """The numbers of the classes to read; None: all."""
    found = {i for i, name in classes.items() if name == wanted}
    if not found and len(classes) > 1:
        notes.append(f'the classes {", ".join(classes.values())} have the same keypoints: imported as one')
    return found or None


def _folders(config: dict, file: Path) -> List[Path]:
    """Where paths of the config may start: it often names a folder of another computer."""
    path = config.get('path')
    own = [Path(path), file.parent / path] if isinstance(path, str) and path else []
    return [*[folder for folder in own if folder.is_dir()], file.parent]


def _parts(config: dict, bases: List[Path]) -> Dict[str, Tuple[List[Path], List[Path]]]:
    """By part of the split, folders of images and images listed in text files."""
    parts: Dict[str, Tuple[List[Path], List[Path]]] = {}
    for part, keys in SPLITS.items():
        value = next((config[key] for key in keys if config.get(key)), None)
        folders: List[Path] = []
        listed: List[Path] = []
        for written in value if isinstance(value, list) else [value] if value else []:
            found = _existing(str(written), bases)
            if found is not None and found.is_file():
                lines = read_text(found).split('\n')
                listed += [
                    _existing(line.strip(), [found.parent, *bases]) or found.parent / line.strip()
                    for line in lines
                    if line.strip()
                ]
            elif found is not None:
                folders.append(found)
        if not value:
            folders += [folder for key in keys for folder in _standard(bases[-1], key) if folder.is_dir()][:1]
        parts[part] = folders, listed
    if not any(folders or listed for folders, listed in parts.values()) and (bases[-1] / 'images').is_dir():
        parts['train'] = [bases[-1] / 'images'], []
    return parts


def _standard(base: Path, key: str) -> List[Path]:
    return [base / key / 'images', base / 'images' / key]


def _existing(written: str, bases: List[Path]) -> Optional[Path]:
    """A path of the config, which Roboflow writes as ``../train/images`` though it is ``train/images``."""
    parts = PureWindowsPath(written).parts
    while True:
        for base in bases:
            if parts and (base / Path(*parts)).exists():
                return base / Path(*parts)
        if not parts or parts[0] not in ('..', '.'):
            # the end of a path of another computer
            ends = [Path(*parts[start:]) for start in range(1, len(parts))]
            return next((base / end for end in ends for base in bases if (base / end).exists()), None)
        parts = parts[1:]


def _label_file(image: Path) -> Path:
    """``.../images/train/a.png`` -> ``.../labels/train/a.txt``, as Ultralytics does."""
    parts = list(image.parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == 'images']
    if places:
        parts[places[-1]] = 'labels'
    return Path(*parts).with_suffix('.txt')


def _folder(folder: Path) -> Dict[Path, Path]:
    """The images of a folder by their text files."""
    files = {_label_file(path): path for path in image_files(folder, '**/*')}
    labels = _label_file(folder / 'x.png').parent
    for text in sorted(labels.glob('**/*.txt')) if labels.is_dir() and labels != folder else ():
        if text not in files and text.name != 'classes.txt':  # its image is missing
            files[text] = folder / text.relative_to(labels).with_suffix('.png')
    return files


def _place(path: Path, root: Path, part: str) -> str:
    name = path.relative_to(root).as_posix() if root in path.parents else f'{part}/{path.name}'
    return '/'.join(piece for piece in name.split('/') if piece != 'images')


def _instances(
    image: LabeledImage, text: Path, shape: List[int], chosen: Optional[set], notes: List[str]
) -> List[LabeledInstance]:
    if not text.is_file() or image.path is None:
        return []
    try:
        size = image_size(image.path)
    except (OSError, ValueError):  # it is reported with the other images that cannot be read
        size = (1, 1)
    instances = []
    for number, line in enumerate(read_text(text).splitlines(), 1):
        if line.strip():
            instance = _instance(line.split(), f'{text}, line {number}', shape, chosen, size, notes)
            if instance is not None:
                instances.append(instance)
    return instances


def _instance(
    words: List[str], place: str, shape: List[int], chosen: Optional[set], size: Tuple[int, int], notes: List[str]
) -> Optional[LabeledInstance]:
    number, width = shape
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise ValueError(f'{place}: expected numbers, got {" ".join(words)!r:.80}; correct the file.') from None
    if chosen is not None and int(values[0]) not in chosen:
        return None
    if len(values) not in (5 + number * width, 6 + number * width):  # a last number is that of a track
        notes.append(
            f'{place}: {len(values)} numbers, not the {5 + number * width} of a class, a box and {number} points: left '
            'out'
        )
        return None
    points = values[5 : 5 + number * width].reshape(number, width)
    labeled = points[:, 2] > 0 if width == 3 else (points[:, :2] != 0).any(axis=1)
    keypoints = np.where(labeled[:, None], points[:, :2] * size, np.nan)
    visible = points[:, 2] > 1 if width == 3 and (points[:, 2] > 1).any() else np.ones(number, bool)
    center, half = values[1:3] * size, values[3:5] * size / 2
    box = (*(center - half).tolist(), *(center + half).tolist()) if (half > 0).all() else None
    track = str(int(values[-1])) if len(values) == 6 + number * width else None
    return LabeledInstance(keypoints, visible, box, track)


def _swaps(flip: Any, number: int, file: Path) -> Optional[List[Tuple[int, int]]]:
    if not flip:
        return None
    if not isinstance(flip, list) or sorted(map(str, flip)) != sorted(map(str, range(number))):
        raise ValueError(f'{file}: flip_idx must have each of 0 to {number - 1} once, got {flip!r:.80}.')
    return [(i, j) for i, j in enumerate(flip) if i < j and flip[j] == i]


def _links(skeleton: Any, number: int) -> List[Tuple[int, int]]:
    pairs = (
        [pair for pair in skeleton if isinstance(pair, list) and len(pair) == 2] if isinstance(skeleton, list) else []
    )
    return [(first, second) for first, second in pairs if {first, second} <= set(range(number)) and first != second]
