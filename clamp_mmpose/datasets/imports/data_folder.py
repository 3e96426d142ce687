"""The folder that an import writes: images, COCO annotations, metainfo, and where everything came from."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import cv2
import numpy as np

from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.utils.files import atomic_write, read_json, to_json

from .boxes import ALONE, box_of
from .project import LabeledImage, LabeledInstance

PARTS = ('train', 'val', 'test')
RECORD = 'import.json'
AGAIN = 'import it again into a new folder'


@dataclass
class Entry:
    """An image of the folder: its entry of a COCO file, those of its instances, and its part of the split."""

    image: dict
    annotations: List[dict]
    part: str


@dataclass
class DataFolder:
    """What an import wrote.

    Args:
        path: the folder.
        names: of the keypoints.
        category: the name of what is labeled.
        links: pairs of indices.
        entries: its images by their path below ``images``.
        record: the content of ``import.json``.
    """

    path: Path
    names: List[str]
    category: str
    links: List[Tuple[int, int]] = field(default_factory=list)
    entries: Dict[str, Entry] = field(default_factory=dict)
    record: Dict[str, Any] = field(default_factory=dict)
    _known: Dict[Any, str] = field(default_factory=dict, repr=False)

    def find(self, image: LabeledImage) -> Optional[str]:
        """The path of an image that the folder has already, None if it has not."""
        if len(self._known) < len(self.entries):
            for name, entry in self.entries.items():
                self._learn(name, entry.image.get('source', {}))
        source = _source(image)
        if image.path is not None:
            return self._known.get(source['file'])
        return self._known.get((source.get('video'), source.get('frame')))

    def _learn(self, name: str, source: dict) -> None:
        """Remember where an image of the folder is from."""
        self._known[os.path.realpath(self.path / 'images' / name)] = name
        if 'file' in source:
            self._known[source['file']] = name
        elif 'video' in source:
            self._known[source['video'], source.get('frame')] = name

    def add(self, image: LabeledImage, instances: List[LabeledInstance], part: str, extent: float, copy: bool) -> str:
        """Add an image with its instances, or replace the instances of an image that is there; its path."""
        name = self.find(image)
        if name is None:
            name = self._place(image, copy)
            entry = dict(file_name=name, width=image.width, height=image.height, source=_source(image))
            self.entries[name] = Entry(entry, [], part)
            self._learn(name, _source(image))
        entry = self.entries[name]
        size = entry.image['width'], entry.image['height']
        entry.annotations = [_annotation(instance, size, extent) for instance in instances]
        return name

    def _place(self, image: LabeledImage, copy: bool) -> str:
        """Link, copy or write an image into the folder; its path there."""
        images = self.path / 'images'
        if image.path is not None and images.resolve() in image.path.absolute().parents:
            return image.path.absolute().relative_to(images.resolve()).as_posix()
        name, number = _safe_name(image.name), 1
        while name in self.entries or os.path.lexists(images / name):
            if name not in self.entries and not (images / name).is_dir():
                (images / name).unlink()  # of an import that was interrupted
                break
            number += 1
            stem, dot, suffix = _safe_name(image.name).rpartition('.')
            name = f'{stem}_{number}{dot}{suffix}'
        target = images / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if image.path is None:
            assert image.pixels is not None
            encoded, content = cv2.imencode('.png', image.pixels())
            if not encoded:
                raise ValueError(f'{target} cannot be written as PNG.')
            atomic_write(target, content.tobytes())
        elif copy or not _link(image.path, target):
            shutil.copyfile(image.path, target)
        return name

    def write(self, metainfo: Optional[str]) -> None:
        """Write the annotation files and the record, and the text of ``metainfo.py`` if it is given."""
        category = dict(
            id=1,
            name=self.category,
            supercategory=self.category,
            keypoints=self.names,
            skeleton=[[start + 1, end + 1] for start, end in self.links],
        )
        contents = {part: dict(images=[], annotations=[], categories=[category]) for part in PARTS}
        number = 0
        for i, (_, entry) in enumerate(sorted(self.entries.items()), 1):
            content = contents[entry.part]
            content['images'].append({'id': i, **{key: value for key, value in entry.image.items() if key != 'id'}})
            for annotation in entry.annotations:
                number += 1
                content['annotations'].append({**annotation, 'id': number, 'image_id': i, 'category_id': 1})
        if len(self.entries) == 1:  # there is nothing else to look at
            only = next(iter(self.entries.values())).part
            contents['val' if only == 'train' else 'train'] = contents[only]
        for part, content in contents.items():
            if content['images'] or part != 'test':
                text = to_json(content, f'the annotations of {part}')
                atomic_write(self.path / 'annotations' / f'{part}.json', text.encode())
        if metainfo is not None:
            atomic_write(self.path / 'metainfo.py', metainfo.encode())
        atomic_write(self.path / RECORD, to_json(self.record, RECORD, 2).encode())


def read_folder(path: Path) -> Optional[DataFolder]:
    """The folder of an earlier import, None if there is none yet.

    Raises:
        ValueError: there are other files, or the folder is damaged.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    if not (path / RECORD).is_file():
        left = path.is_dir() and {entry.name for entry in path.iterdir()} <= {'images'}
        if left:  # an import that was interrupted
            return None
        raise ValueError(f'{path} exists and has no {RECORD}: give --out a new folder, or one of an earlier import.')
    record = read_json(path / RECORD, 'the record of the import', AGAIN, expected=dict)
    folder = None
    for part in PARTS:
        file = path / 'annotations' / f'{part}.json'
        if part == 'test' and not file.is_file():
            continue
        content = read_annotations(file, AGAIN)
        if folder is None:
            category = content['categories'][0]
            links = [(start - 1, end - 1) for start, end in category['skeleton']]
            folder = DataFolder(path, category['keypoints'], category['name'], links, record=record)
        by_image: Dict[Any, List[dict]] = {}
        for annotation in content['annotations']:
            by_image.setdefault(annotation['image_id'], []).append(annotation)
        for image in content['images']:
            folder.entries.setdefault(image['file_name'], Entry(image, by_image.get(image['id'], []), part))
    return folder


def _source(image: LabeledImage) -> dict:
    source: Dict[str, Any] = {}
    if image.path is not None:
        source['file'] = os.path.realpath(image.path)
    if image.video:
        source['video'] = image.video
    if image.frame is not None:
        source['frame'] = int(image.frame)
    return source


def _safe_name(name: str) -> str:
    """A relative path that stays below the folder of images."""
    parts = [part for part in name.replace('\\', '/').split('/') if part not in ('', '.', '..')]
    return '/'.join(part.replace('\0', '').replace(':', '_') for part in parts) or 'image'


def _link(source: Path, target: Path) -> bool:
    try:
        target.symlink_to(os.path.realpath(source))
    except OSError:  # Windows without the right, some network drives
        return False
    return True


def _annotation(instance: LabeledInstance, size: Tuple[int, int], extent: float) -> dict:
    extent = extent or ALONE * max(size)
    corners = box_of(instance, extent).reshape(2, 2).clip(0, size)
    if (corners[1] <= corners[0]).any():  # a box that lies outside
        corners = box_of(LabeledInstance(instance.keypoints), extent).reshape(2, 2).clip(0, size)
    box = np.concatenate([corners[0], corners[1] - corners[0]]).round(2)
    labeled = instance.labeled
    keypoints = np.zeros((len(labeled), 3))
    keypoints[labeled, :2] = instance.keypoints[labeled].round(3)
    keypoints[labeled, 2] = np.where(instance.visible[labeled], 2, 1)
    annotation: Dict[str, Any] = dict(
        bbox=box.tolist(),
        area=round(float(box[2] * box[3]), 2),
        keypoints=keypoints.ravel().tolist(),
        num_keypoints=int(labeled.sum()),
        iscrowd=0,
    )
    if instance.track is not None:
        annotation['track'] = instance.track
    return annotation
