"""CVAT's own XML, version 1.1, "for images" and "for video": skeletons, or points with boxes around them.

sleap-io does not read it. A point that is marked as outside is not labeled; one that is occluded is labeled but hidden.
"""

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple
from xml.etree import ElementTree

import numpy as np

from clamp_mmpose.utils.files import read_text

from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions

Points = List[Tuple[str, float, float, bool]]  # name, x, y, visible
EDGE = re.compile(r'data-node-from="(\d+)"[^>]*data-node-to="(\d+)"')
NODE = re.compile(r'<circle[^>]*>')


def is_cvat(source: Path) -> bool:
    return _xml(source) is not None


def read_cvat(source: Path, options: ReadOptions) -> LabeledProject:
    """Read the skeletons of one label, or the points.

    Raises:
        ValueError: not such a file, or skeletons of several labels have other points.
    """
    file = _xml(source)
    if file is None:
        raise ValueError(f'{source} has no annotations.xml of CVAT: export it as "CVAT for images 1.1".')
    text = read_text(file)
    if '<!DOCTYPE' in text or '<!ENTITY' in text:
        raise ValueError(f'{file} declares entities, which CVAT does not: export it again.')
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f'{file} cannot be read as XML: {error}; export it again.') from error
    notes: List[str] = []
    skeletons = {element.get('label', '') for element in root.iter('skeleton')}
    skeletons |= {track.get('label', '') for track in root.iter('track') if track.find('skeleton') is not None}
    skeletons.discard('')  # those of a track have the label of the track
    chosen = {options.category} if options.category in skeletons else skeletons
    names, links = _keypoints(root, chosen, notes)
    if not names and root.find('.//points') is not None:
        raise ValueError(
            f'{file} has points without names, several in one shape: label a skeleton, or each point with a label of '
            'its own.'
        )
    images = [*_images(root, names, chosen), *_tracks(root, names, chosen, notes)]
    labels = chosen or {box.get('label', '') for box in root.iter('box')}
    return LabeledProject(
        'cvat',
        names,
        images,
        links,
        category=next(iter(labels)) if len(labels) == 1 else None,
        notes=notes,
        folders=[file.parent],
    )


def _xml(source: Path) -> Optional[Path]:
    for file in [source] if source.is_file() else sorted(source.glob('*.xml')):
        if file.suffix.lower() == '.xml':
            try:
                head = read_text(file)[:4096]
            except ValueError:
                continue
            if '<annotations>' in head:
                return file
    return None


def _keypoints(root: Any, chosen: set, notes: List[str]) -> Tuple[List[str], List[Tuple[int, int]]]:
    """The names in the order of the project, and the links that CVAT draws."""
    listed: Dict[str, List[str]] = {}
    drawings: Dict[str, str] = {}
    for label in root.iter('label'):
        name, parent = (label.findtext('name') or '').strip(), (label.findtext('parent') or '').strip()
        if parent:
            listed.setdefault(parent, []).append(name)
        drawings[name] = label.findtext('svg') or ''
    if not chosen:
        names = list(
            dict.fromkeys(
                points.get('label', '') for points in root.iter('points') if ';' not in (points.get('points') or '')
            )
        )
        order = [label.findtext('name') for label in root.iter('label')]
        return sorted(names, key=lambda name: order.index(name) if name in order else len(order)), []
    sets = {label: listed.get(label) or _used(root, label) for label in sorted(chosen)}
    if len({tuple(sorted(names)) for names in sets.values()}) > 1:
        raise ValueError(f'the skeletons {", ".join(sets)} have different points: choose one with --category.')
    if len(sets) > 1:
        notes.append(f'the skeletons {", ".join(sets)} have the same points: imported as one')
    label = next(iter(sets))
    names = list(dict.fromkeys([*sets[label], *_used(root, label)]))
    return names, _links(drawings.get(label, ''), names)


def _used(root: Any, label: str) -> List[str]:
    found: Dict[str, None] = {}
    for skeleton in root.iter('skeleton'):
        if skeleton.get('label', label) == label:
            found.update(dict.fromkeys(points.get('label', '') for points in skeleton.iter('points')))
    return list(found)


def _links(drawing: str, names: List[str]) -> List[Tuple[int, int]]:
    nodes = {}
    for circle in NODE.findall(drawing):
        number, name = re.search(r'data-node-id="(\d+)"', circle), re.search(r'data-label-name="([^"]*)"', circle)
        if number and name and name[1] in names:
            nodes[number[1]] = names.index(name[1])
    return [(nodes[start], nodes[end]) for start, end in EDGE.findall(drawing) if start in nodes and end in nodes]


def _images(root: Any, names: List[str], chosen: set) -> Iterator[LabeledImage]:
    for element in root.iter('image'):
        name = (element.get('name') or '').replace('\\', '/')
        part = (element.get('subset') or '').lower()
        image = LabeledImage(
            name,
            width=_size(element.get('width')),
            height=_size(element.get('height')),
            split={'train': 'train', 'val': 'val', 'validation': 'val', 'valid': 'val', 'test': 'test'}.get(part),
        )
        boxes = {box: _box(box) for box in element.findall('box')}
        for skeleton in element.findall('skeleton'):
            if skeleton.get('label') in chosen:
                group = skeleton.get('group_id') or '0'
                box = next(
                    (corners for box, corners in boxes.items() if group != '0' and box.get('group_id') == group), None
                )
                image.instances.append(_instance(_points(skeleton), names, box))
        if not chosen:
            image.instances += _grouped(element.findall('points'), boxes, names)
        yield image


def _grouped(elements: List[Any], boxes: Dict[Any, tuple], names: List[str]) -> List[LabeledInstance]:
    """Points of one group, else in one box, are an animal; without, one that occurs again starts another."""
    groups: Dict[Any, Points] = {}
    corners: Dict[Any, tuple] = {}
    loose = 0
    for element in elements:
        for point in _points([element]):
            key: Any = element.get('group_id') or '0'
            if key != '0':
                grouped = [box for other, box in boxes.items() if other.get('group_id') == key]
                if grouped:
                    corners[key] = grouped[0]
            else:
                inside = [
                    (box[2] - box[0], other)
                    for other, box in boxes.items()
                    if box[0] <= point[1] <= box[2] and box[1] <= point[2] <= box[3]
                    if all(point[0] != known[0] for known in groups.get(other, []))
                ]
                if inside:
                    key = min(inside, key=lambda each: each[0])[1]
                    corners[key] = boxes[key]
                else:
                    loose += any(point[0] == other[0] for other in groups.get(('loose', loose), []))
                    key = 'loose', loose
            groups.setdefault(key, []).append(point)
    return [_instance(points, names, corners.get(key)) for key, points in groups.items()]


def _tracks(root: Any, names: List[str], chosen: set, notes: List[str]) -> List[LabeledImage]:
    """Of "CVAT for video": the keyframes, since it fills in those between."""
    images: Dict[int, LabeledImage] = {}
    source = (root.findtext('.//meta/task/source') or root.findtext('.//meta/source') or '').strip()
    width, height = (_size(root.findtext(f'.//original_size/{side}')) for side in ('width', 'height'))
    between = 0
    for track in root.iter('track'):
        if track.get('label') not in chosen:
            continue
        for skeleton in track.findall('skeleton'):
            if skeleton.get('outside') == '1':
                continue
            if '1' not in {skeleton.get('keyframe'), *(points.get('keyframe') for points in skeleton.iter('points'))}:
                between += 1
                continue
            frame = int(skeleton.get('frame') or 0)
            image = images.setdefault(
                frame,
                LabeledImage(
                    f'frame_{frame:06}.png',
                    width=width,
                    height=height,
                    video=source or None,
                    frame=frame,
                    aliases=[f'frame_{frame:06}.jpg'],
                ),
            )
            image.instances.append(_instance(_points(skeleton), names, None, track.get('id')))
    if between:
        notes.append(f'{between:,} skeletons that CVAT filled in between keyframes left out')
    return [images[frame] for frame in sorted(images)]


def _points(elements: Any) -> Points:
    found = []
    for points in elements:
        if points.tag == 'points' and points.get('outside') != '1':
            numbers = (points.get('points') or '').split(';')[0].split(',')
            try:
                x, y = (float(number) for number in numbers)
            except ValueError:
                continue
            found.append((points.get('label', ''), x, y, points.get('occluded') != '1'))
    return found


def _instance(points: Points, names: List[str], box: Optional[tuple], track: Optional[str] = None) -> LabeledInstance:
    keypoints, visible = np.full((len(names), 2), np.nan), np.ones(len(names), bool)
    for name, x, y, seen in points:
        if name in names:
            keypoints[names.index(name)] = x, y
            visible[names.index(name)] = seen
    return LabeledInstance(keypoints, visible, box, track)


def _box(box: Any) -> Tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(box.get(key) or 0) for key in ('xtl', 'ytl', 'xbr', 'ybr'))
    return x1, y1, x2, y2


def _size(value: Optional[str]) -> Optional[int]:
    return int(value) if value and value.strip().isdigit() and int(value) else None
