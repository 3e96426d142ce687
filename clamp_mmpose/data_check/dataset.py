"""Check one data set: its settings, its annotation file, its images."""

from os import path as osp
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple

from mmengine.dataset import BaseDataset
from mmengine.fileio import get
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.instructions.instruction_dataset import InstructionDataset
from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.utils.files import parse_json

from .annotations import annotation_findings
from .detections import detection_findings
from .findings import Finding, reason_of
from .images import ImageCheck, image_findings, same_content
from .instructions import check_instructions
from .metainfo import Head, metainfo_findings, read_metainfo
from .mp100 import mp100_findings, with_categories
from .report import DatasetReport
from .whole_images import WHOLE_IMAGE_DATASETS, check_whole_images


def check_one(dataset: dict, where: str, head: Head, how: ImageCheck) -> DatasetReport:
    """Check a data set, given by its config at ``where``."""
    kind = dataset.get('type')
    dataset_class = DATASETS.get(kind) if isinstance(kind, str) else kind  # new-style configs give the class itself
    if not isinstance(dataset_class, type):
        return DatasetReport([Finding('CF002', str(kind))])
    if issubclass(dataset_class, WHOLE_IMAGE_DATASETS):
        return check_whole_images(dataset, where, how)
    if issubclass(dataset_class, InstructionDataset):
        return check_instructions(dataset, where, how)
    by_category = issubclass(dataset_class, MP100Dataset)  # each category has its own keypoints, the metainfo has none
    metainfo, findings = (None, []) if by_category else read_metainfo(dataset, dataset_class)
    if metainfo:
        findings += metainfo_findings(metainfo, dataset, head)
    try:
        ann_file, folder = _paths(dataset)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return DatasetReport([*findings, Finding('CF003', str(dataset.get('ann_file')), reason_of(error))])
    content, faults = _read(ann_file)
    if dataset.get('bbox_file'):
        detections, unread = _read(dataset['bbox_file'])
        findings += [Finding('AF005', fault.item, fault.detail) for fault in unread]
        if not unread:
            findings += detection_findings(detections, str(dataset['bbox_file']), content, dataset)
    if not by_category and (
        _overridden(dataset_class, '_load_annotations') or _overridden(dataset_class, 'load_data_list')
    ):
        missing = [fault for fault in faults if fault.code == 'AF001']  # the file may have another format than JSON
        findings += [*missing, Finding('AF006', str(kind))]
        return DatasetReport(findings, ann_file=str(ann_file), metainfo=metainfo)
    if faults:
        return DatasetReport(findings + faults)
    names = [metainfo['keypoint_id2name'][i] for i in range(metainfo['num_keypoints'])] if metainfo else None
    if _overridden(dataset_class, 'parse_data_info'):
        names = None
        findings.append(Finding('KP010', str(kind)))
    if by_category:
        findings += mp100_findings(content, ann_file, dataset.get('texts'))
    else:
        findings += annotation_findings(content, ann_file, names)

    entries = content.get('images') if isinstance(content, dict) else None
    entries = [entry for entry in entries if _has_file(entry)] if isinstance(entries, list) else []
    instances = content.get('annotations') if entries else None
    digests: Dict[str, bytes] = {}
    findings += image_findings(entries, folder, how, where, digests)
    files = {osp.join(folder, entry['file_name']): entry['file_name'] for entry in entries}
    findings += [Finding('RE005', files[path], files[other]) for path, other in same_content(digests, digests)]
    return DatasetReport(
        with_categories(findings, content) if by_category else findings,
        [osp.join(folder, entry['file_name']) for entry in entries],
        len(instances) if isinstance(instances, list) else 0,
        content if isinstance(instances, list) else None,
        str(ann_file),
        metainfo,
        digests,
    )


def _paths(dataset: dict) -> Tuple[Any, str]:
    """The annotation file and the folder of the images, joined as MMEngine does."""
    paths = SimpleNamespace(
        ann_file=dataset.get('ann_file', ''),
        data_root=dataset.get('data_root'),
        data_prefix=dict(dataset.get('data_prefix', dict(img=''))),
    )
    BaseDataset._join_prefix(paths)
    return paths.ann_file, paths.data_prefix['img']


def _overridden(dataset_class: type, method: str) -> bool:
    return getattr(dataset_class, method, None) is not getattr(BaseCocoStyleDataset, method)


def _has_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get('file_name'), str) and bool(entry['file_name'])


def _read(path: Any) -> Tuple[Any, List[Finding]]:
    """The content of a JSON file, from any storage that MMEngine reads, or why it cannot be read."""
    if path and osp.exists(path) and not osp.isfile(path):  # reading a pipe would wait forever
        return None, [Finding('AF002', str(path), 'it is not a regular file')]
    try:
        content = get(path) if path else None
    except FileNotFoundError:
        content = None
    except (OSError, TypeError, ValueError) as error:
        return None, [Finding('AF002', str(path), reason_of(error))]
    if content is None:
        return None, [Finding('AF001', str(path))]
    try:
        return parse_json(content), []
    except ValueError as error:
        return None, [Finding('AF002', str(path), f'{len(content):,} bytes, {reason_of(error)}')]
