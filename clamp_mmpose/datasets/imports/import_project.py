"""Turn the labels of another tool into a data set that MMPose trains on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from .boxes import usual_extent
from .consensus import Repeats, estimate_sigmas, merge_labelers
from .data_folder import DataFolder, read_folder
from .image_files import Outside, check_images, search_images
from .metainfo_file import metainfo_text
from .names import Swap, find_swaps, normal_names, order_of
from .project import LabeledImage, LabeledProject
from .splits import split_images

MANY_FRAMES = 500
LISTED = 20  # cases of one reason in the record's messages


@dataclass
class ImportReport:
    """What an import did.

    Args:
        folder: what was written.
        spelled: the names as they were.
        swaps: pairs that mirroring exchanges.
        added, replaced: numbers of images that are new, and of those whose instances were replaced.
        split: how images were chosen for validation.
        sigmas: how they were found.
        notes: what was left out or changed, and why; a line each.
    """

    folder: DataFolder
    spelled: List[str]
    swaps: List[Swap]
    added: int
    replaced: int
    split: str
    sigmas: str
    notes: List[str] = field(default_factory=list)


def import_project(
    project: LabeledProject,
    source: Union[str, Path],
    out: Union[str, Path],
    category: Optional[str] = None,
    split: str = 'auto',
    val_fraction: float = 0.2,
    seed: int = 0,
    labeler: Optional[str] = None,
    every: int = 1,
    image_folders: Sequence[Union[str, Path]] = (),
    copy: bool = False,
    progress: Callable[..., Iterable] = lambda iterator, **options: iterator,
) -> ImportReport:
    """Write a project as a data set, or add it to one with the same keypoints.

    Args:
        project: of :func:`read_project`.
        source: where it is, for the record.
        out: the folder to write, or one that an import wrote: then images that it has get the new labels and keep
            their part of the split; others are added.
        category: name of what is labeled; None: that of the project, else 'animal'.
        split: 'video', 'image' or 'auto', see :func:`split_images`.
        val_fraction: of the images, for validation.
        seed: of the split.
        labeler: use only the labels of this person; None: of all.
        every: take each so many labeled images of a video: consecutive frames are alike.
        image_folders: where to look for images that are not where the project says.
        copy: copy images rather than link them.
        progress: wraps the iterator over images, such as ``rich.progress.track``.

    Raises:
        ValueError: nothing is labeled, no image can be read, or ``out`` has other keypoints.
    """
    out = Path(out)
    folder = read_folder(out)
    notes = list(project.notes)
    if not project.names:
        raise ValueError(f'{source} has no keypoints: label some, then export again.')
    if folder is not None:
        _reorder(project, folder)
    images = _labeled(project, labeler, notes, source)
    kept = [out / 'images'] if folder is not None else []
    frames = sum(image.pixels is not None for image in images)
    if every == 1 and frames > MANY_FRAMES:
        notes.append(
            f'{frames:,} frames of videos are written: consecutive ones are alike, --every 10 takes each tenth'
        )
    if every > 1:
        images = _thinned(images, every, notes)
    search_images(images, [*map(Path, image_folders), *kept, *project.folders])
    images, missing, changed, outside = check_images(images, progress)
    if not images:
        raise ValueError(
            f'{source}: none of the {len(missing):,} labeled images can be used, for example: '
            f'{missing[0].rstrip("."):.300}; give the folder of the images with --images.'
        )
    repeats = merge_labelers(images)
    names = normal_names(project.names) if folder is None else folder.names
    notes += changed + _left_out(missing, outside, repeats, names, len(project.images))
    unlabeled = [image for image in images if not any(instance.labeled.any() for instance in image.instances)]
    if len(unlabeled) == len(images):
        raise ValueError(f'{source}: no label is left ({notes[-1]:.300}): correct the labels.')
    images = [image for image in images if image not in unlabeled]
    extent = usual_extent([instance for image in images for instance in image.instances if instance.labeled.any()])
    sigmas, found = estimate_sigmas(repeats, len(names))
    parts, how = split_images(images, split, val_fraction, seed)
    if len(images) == 1 and folder is None:
        notes.append('the only image is used for training and for validation: the scores say nothing')

    metainfo = None
    swaps = find_swaps(names, project.swaps)
    if folder is None:
        folder = DataFolder(out, names, category or project.category or 'animal', _unique_links(project.links))
        metainfo = metainfo_text(
            out.resolve().name, names, folder.links, [(swap.first, swap.second) for swap in swaps], sigmas
        )
    else:
        notes.append(f'names, pairs and sigmas of {out / "metainfo.py"} are kept')
    before = len(folder.entries)
    lost: List[str] = []
    for i, image in enumerate(images):
        instances = [instance for instance in image.instances if instance.labeled.any()]
        try:
            folder.add(image, instances, parts[i], extent, copy)
        except ValueError as error:  # a frame of a damaged video
            lost.append(str(error))
    if lost:
        notes.append(f'{len(lost):,} frames left out: {_some(lost)}')
    if not folder.entries:
        raise ValueError(f'{source}: no frame can be decoded, for example: {lost[0]:.300}.')
    added = len(folder.entries) - before
    report = ImportReport(folder, project.names, swaps, added, len(images) - len(lost) - added, how, found, notes)
    _record(report, project, source, sigmas)
    folder.write(metainfo)
    return report


def _reorder(project: LabeledProject, folder: DataFolder) -> None:
    """Put the keypoints of a project in the order of a folder.

    Raises:
        ValueError: it has other keypoints.
    """
    places = order_of(project.names, folder.names)
    spelled = folder.record.get('names', {}).get('as_they_were')
    if places is None and isinstance(spelled, list):
        places = order_of(project.names, spelled)
    if places is None:
        raise ValueError(
            f'{folder.path} has the keypoints {folder.names!s:.300}, the project has {project.names!s:.300}: import it '
            'into a folder of its own.'
        )
    number = len(folder.names)
    for image in project.images:
        for instance in image.instances:
            keypoints, visible = np.full((number, 2), np.nan), np.ones(number, bool)
            for i, place in places.items():
                keypoints[place], visible[place] = instance.keypoints[i], instance.visible[i]
            instance.keypoints, instance.visible = keypoints, visible


def _labeled(
    project: LabeledProject, labeler: Optional[str], notes: List[str], source: Union[str, Path]
) -> List[LabeledImage]:
    """The images with labels.

    Raises:
        ValueError: there are none.
    """
    if labeler is not None:
        known = sorted({str(instance.labeler) for image in project.images for instance in image.instances})
        if labeler not in known:
            raise ValueError(f'--labeler {labeler}: the labels are of {", ".join(known) or "nobody"}.')
        for image in project.images:
            image.instances = [instance for instance in image.instances if str(instance.labeler) == labeler]
    images = []
    empty = 0
    for image in project.images:
        instances = [instance for instance in image.instances if instance.labeled.any()]
        empty += len(image.instances) - len(instances)
        image.instances = instances
        if instances:
            images.append(image)
    if not images:
        raise ValueError(
            f'{source} has {len(project.images):,} images and no labeled keypoint: label some, then export again.'
        )
    if empty:
        notes.append(f'{empty:,} instances without keypoints left out')
    if len(images) < len(project.images):
        notes.append(f'{len(project.images) - len(images):,} images without labels left out')
    return images


def _thinned(images: List[LabeledImage], every: int, notes: List[str]) -> List[LabeledImage]:
    order = sorted(images, key=lambda image: (image.video or '', image.frame if image.frame is not None else -1))
    videos: Dict[Optional[str], int] = {}
    kept = []
    for image in order:
        number = videos.setdefault(image.video, 0)
        videos[image.video] += 1
        if number % every == 0:
            kept.append(image)
    notes.append(f'{len(images) - len(kept):,} labeled images left out: each {every} of a video is taken')
    return kept


def _left_out(missing: List[str], outside: List[Outside], repeats: Repeats, names: List[str], total: int) -> List[str]:
    notes = []
    if missing:
        notes.append(f'{len(missing):,} of {total:,} images left out: {_some(missing)}')
    if outside:
        cases = [f'{names[each.keypoint]} of {each.image} at ({each.x:g}, {each.y:g})' for each in outside]
        notes.append(f'{len(outside):,} labels outside of their image left out: {_some(cases)}')
    if repeats.images:
        notes.append(f'{repeats.images:,} images were labeled by several people: the mean of their labels is used')
    if repeats.disagreements:
        cases = [f'{names[k]} of {name}, {apart:.0f} pixels apart' for name, k, apart in repeats.disagreements]
        notes.append(f'{len(cases):,} labels left out on which the people disagree: {_some(cases)}')
    return notes


def _some(cases: List[str]) -> str:
    return '; '.join(cases[:LISTED]) + (f'; and {len(cases) - LISTED:,} more' if len(cases) > LISTED else '')


def _unique_links(links: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    return list({frozenset(link): (link[0], link[1]) for link in links if link[0] != link[1]}.values())


def _record(report: ImportReport, project: LabeledProject, source: Union[str, Path], sigmas: List[float]) -> None:
    """Complete the content of ``import.json``."""
    folder = report.folder
    counts: Dict[str, Any] = {}
    for entry in folder.entries.values():
        count = counts.setdefault(entry.part, dict(images=0, instances=0))
        count['images'] += 1
        count['instances'] += len(entry.annotations)
    imports = folder.record.get('imports', [])
    if not imports:
        folder.record.update(
            names=dict(as_they_were=report.spelled, as_they_are=folder.names),
            pairs=[
                dict(pair=[folder.names[swap.first], folder.names[swap.second]], origin=swap.origin)
                for swap in report.swaps
            ],
            sigmas=dict(values=sigmas, origin=report.sigmas),
        )
    imports.append(
        dict(
            source=str(Path(source).expanduser().resolve()),
            format=project.kind,
            split=report.split,
            added=report.added,
            replaced=report.replaced,
            notes=report.notes,
        )
    )
    folder.record.update(imports=imports, counts=counts)
