"""COCO keypoint files (Lin et al., ECCV 2014), also of Roboflow and CVAT: one, or one for each part of the split."""

import re
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.utils.files import read_text

from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions

REMEDY = 'give the file or the folder of the export'
PARTS = {'train': 'train', 'training': 'train', 'val': 'val', 'valid': 'val', 'validation': 'val', 'test': 'test'}
LOOK = 4096  # characters


def is_coco(source: Path) -> bool:
    return bool(_files(source))


def read_coco(source: Path, options: ReadOptions) -> LabeledProject:
    """Read the keypoints of one category.

    Raises:
        ValueError: not such a file; several categories have keypoints that differ.
    """
    notes: List[str] = []
    contents = {file: read_annotations(file, REMEDY, finite=False) for file in _files(source)}
    chosen: List[dict] = _categories([content['categories'] for content in contents.values()], options.category, notes)
    if not chosen:
        lengths = [
            len(annotation['keypoints']) // 3
            for content in contents.values()
            for annotation in content['annotations']
            if isinstance(annotation, dict) and annotation.get('keypoints')
        ]
        chosen = [dict(id=None, name='', keypoints=[str(i + 1) for i in range(max(lengths, default=0))])]
        notes.append('no category has names of keypoints: they are numbered')
    names = [str(name) for name in chosen[0]['keypoints']]
    labels = {str(category['name']) for category in chosen}
    ids = {category.get('id') for category in chosen}
    folder = source if source.is_dir() else source.parent
    folder = folder.parent if folder.name == 'annotations' else folder
    images: List[LabeledImage] = []
    for file, content in contents.items():
        images += _images(file, folder, content, names, ids, len(contents) > 1, notes)
    return LabeledProject(
        'coco',
        names,
        images,
        _links(chosen[0].get('skeleton'), len(names), notes),
        category=labels.pop() or None if len(labels) == 1 else None,
        notes=notes,
        folders=[folder],
    )


def _files(source: Path) -> List[Path]:
    """The annotation files with keypoints of a file or folder."""
    if source.is_file():
        return [source] if source.suffix.lower() == '.json' and _has_keypoints(source) else []
    patterns = ('*.json', 'annotations/*.json', '*/*.json')
    found = [file for pattern in patterns for file in sorted(source.glob(pattern)) if file.name != 'import.json']
    return [file for file in dict.fromkeys(found) if _has_keypoints(file)]


def _has_keypoints(file: Path) -> bool:
    """Whether it has the form of a COCO file and the word keypoints; it is not parsed."""
    try:
        text = read_text(file)
    except (OSError, ValueError):
        return False
    return text.lstrip()[:1] == '{' and all(
        f'"{key}"' in text for key in ('images', 'annotations', 'categories', 'keypoints')
    )


def _categories(lists: Sequence[list], wanted: Optional[str], notes: List[str]) -> List[dict]:
    """The categories to read, with the same keypoints; those of one name in several files are one.

    Raises:
        ValueError: they have different keypoints.
    """
    with_points: Dict[Any, dict] = {}
    for categories in lists:
        for category in categories:
            if isinstance(category, dict) and isinstance(category.get('keypoints'), list) and category['keypoints']:
                with_points.setdefault((category.get('id'), str(category.get('name'))), category)
    found = [dict(category, name=name) for (_, name), category in with_points.items()]
    named = [category for category in found if category['name'] == wanted]
    if named:
        found = named
    keypoints = {tuple(map(str, category['keypoints'])) for category in found}
    listed = ', '.join(dict.fromkeys(category['name'] for category in found))
    if len(keypoints) > 1:
        raise ValueError(f'the categories {listed} have different keypoints: choose one with --category.')
    if len({category['name'] for category in found}) > 1:
        notes.append(f'the categories {listed} have the same keypoints: imported as one')
    return found


def _images(
    file: Path, folder: Path, content: dict, names: List[str], ids: set, several: bool, notes: List[str]
) -> List[LabeledImage]:
    part = _part(file, folder) if several else None
    images: Dict[Any, LabeledImage] = {}
    for entry in content['images']:
        name = entry.get('file_name') if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            notes.append(f'{file.name}: an image without a file name left out')
            continue
        name = name.replace('\\', '/')
        if PureWindowsPath(name).is_absolute() or name.startswith('/'):
            path, name = Path(name), PureWindowsPath(name).name
        else:
            path = _path(file, folder, name)
        # parts of a split may have images of the same name
        place = f'{file.parent.relative_to(folder).as_posix()}/{name}' if several and file.parent != folder else name
        source = entry.get('source') if isinstance(entry.get('source'), dict) else {}
        images[entry.get('id')] = LabeledImage(
            place.replace('annotations/', '', 1) if place.startswith('annotations/') else place,
            path,
            width=_size(entry.get('width')),
            height=_size(entry.get('height')),
            video=str(source['video']) if source.get('video') else None,
            frame=source['frame'] if isinstance(source.get('frame'), int) else None,
            split=part,
            aliases=[name],
        )
    faults = dict.fromkeys(('of another image', 'with another number of keypoints', 'of crowds'), 0)
    for annotation in content['annotations']:
        if not isinstance(annotation, dict) or (ids != {None} and annotation.get('category_id') not in ids):
            continue
        image = images.get(annotation.get('image_id'))
        points = _keypoints(annotation.get('keypoints'), len(names))
        if image is None:
            faults['of another image'] += 1
        elif annotation.get('iscrowd'):
            faults['of crowds'] += 1
        elif points is None:
            faults['with another number of keypoints'] += bool(annotation.get('keypoints'))
        else:
            track = annotation.get('track', (annotation.get('attributes') or {}).get('track_id'))
            image.instances.append(
                LabeledInstance(points[:, :2], points[:, 2] > 1, _box(annotation.get('bbox')), _name(track))
            )
    notes += [f'{file.name}: {count:,} instances {what} left out' for what, count in faults.items() if count]
    return list(images.values())


def _part(file: Path, folder: Path) -> Optional[str]:
    """Of the split, by the name of the file or its folder: ``train/_annotations.coco.json``, ``val2017.json``."""
    for text in (file.stem, *reversed(file.relative_to(folder).parts[:-1])):
        words = re.findall('[a-z]+', text.lower())
        found = [PARTS[word] for word in words if word in PARTS]
        if found:
            return found[-1]
    return None


def _path(file: Path, folder: Path, name: str) -> Path:
    written = file.stem.rpartition('_')[2]  # 'train2017' of COCO's own files
    splits = dict.fromkeys([written, re.sub('[^a-z]', '', written.lower())])
    of_split = [place / split for split in splits for place in (folder / 'images', folder)]
    options = [base / name for base in (file.parent, folder / 'images', folder, *of_split)]
    return next((path for path in options if path.is_file()), options[0])


def _keypoints(value: Any, number: int) -> Optional[np.ndarray]:
    """``[K, 3]``; a keypoint that is not labeled is NaN. None: not K of them."""
    try:
        points = np.array(value, float).ravel()
    except (TypeError, ValueError):
        return None
    if points.size != 3 * number or not number:
        return None
    points = points.reshape(-1, 3)
    points[~(points[:, 2] > 0), :2] = np.nan
    return points


def _box(value: Any) -> Optional[Tuple[float, float, float, float]]:
    try:
        x, y, width, height = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return (
        (x, y, x + width, y + height) if min(width, height) > 0 and np.isfinite([x, y, width, height]).all() else None
    )


def _size(value: Any) -> Optional[int]:
    return int(value) if isinstance(value, (int, float)) and value > 0 else None


def _name(track: Any) -> Optional[str]:
    return None if track is None else str(track)


def _links(skeleton: Any, number: int, notes: List[str]) -> List[Tuple[int, int]]:
    """COCO counts from 1; some tools from 0."""
    pairs = [
        tuple(pair)
        for pair in skeleton or []
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(end, int) for end in pair)
    ]
    start = 0 if any(0 in pair for pair in pairs) else 1
    links = [(first - start, second - start) for first, second in pairs]
    good = [(first, second) for first, second in links if first != second and {first, second} <= set(range(number))]
    if len(good) < len(skeleton or []):
        notes.append(f'{len(skeleton) - len(good)} links of the skeleton are not between two keypoints: left out')
    return good
