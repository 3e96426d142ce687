"""Looks for faults in the data sets of a config before hours of training find them."""

import json
import warnings
from os import path as osp
from types import SimpleNamespace
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.fileio import get
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.mp100.mp100_dataset import MP100Dataset
from clamp_mmpose.datasets.nested import leaf_configs
from clamp_mmpose.language.keypoint_names import keypoint_names, mirrored_name, readable_name

from .annotations import Case, Finding, annotation_cases, findings_of
from .descriptions import PICTURE_SETS, picture_set_cases
from .images import Progress, image_cases, reason_of
from .mp100 import mp100_cases, with_categories

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# two data sets that agree in these read the same
SOURCE_KEYS = (
    'type',
    'data_root',
    'ann_file',
    'bbox_file',
    'data_prefix',
    'metainfo',
    'texts',
    'description_files',
    'missing_descriptions',
    'task',
    'crop',
    'split',
    'split_file',
    'classes',
)


class CheckReport(NamedTuple):
    """Findings, and how many different data sets, images and instances were looked at."""

    findings: List[Finding]
    datasets: int
    images: int
    instances: int


class _Head(NamedTuple):
    """What the head expects of the data; names given in full need not be those of the metainfo."""

    num_keypoints: Optional[int] = None
    own_names: bool = False


class _Checked(NamedTuple):
    cases: List[Case]
    paths: List[str] = []
    instances: int = 0


def _silent(iterable: Iterable, **_: Any) -> Iterable:
    return iterable


def check_config(cfg: Config, images: bool = True) -> List[Finding]:
    """Faults of the data sets of a config's three dataloaders; nothing is built, nothing is changed.

    Args:
        images: also decode every image.
    """
    return examine_config(cfg, images).findings


def examine_config(
    cfg: Config, images: bool = True, workers: Optional[int] = None, progress: Progress = _silent
) -> CheckReport:
    """:func:`check_config`, with the size of what was checked.

    Args:
        workers: threads that decode images; None: Python's choice for this machine.
        progress: wraps the decoded images of a data set, such as ``rich.progress.track``.
    """
    head, cases = _head(cfg)
    findings = findings_of(cases, 'model.head')
    places: Dict[str, List[str]] = {}
    datasets = {}
    for loader in LOADERS:
        for where, dataset in leaf_configs(cfg.get(loader), loader):
            source = repr([dataset.get(key) for key in SOURCE_KEYS])
            places.setdefault(source, []).append(where)
            datasets[source] = dataset
    if not datasets:
        findings += findings_of([('config has no data set', str(cfg.filename), '')], 'config')
    checked = {}
    for source, dataset in datasets.items():
        where = ', '.join(places[source])
        checked[source] = _check(dataset, where, head, images, workers, progress)
        findings += findings_of(checked[source].cases, where)

    training: Set[str] = set()
    for source, result in checked.items():
        if places[source][0].startswith('train'):
            training.update(result.paths)
    for source, result in checked.items():
        evaluation = [where for where in places[source] if not where.startswith('train')]
        if evaluation:
            shared = dict.fromkeys(path for path in result.paths if path in training)
            findings += findings_of(
                (('image is used for training and for evaluation', osp.basename(path), path) for path in shared),
                ', '.join(['train_dataloader', *evaluation]),
            )
    return CheckReport(
        findings,
        len(checked),
        sum(len(result.paths) for result in checked.values()),
        sum(result.instances for result in checked.values()),
    )


def check_dataset(dataset: dict, where: str = 'dataset', images: bool = True) -> List[Finding]:
    """Faults of one data set, given by its config; no head is compared with it."""
    return findings_of(_check(dataset, where, _Head(), images, None, _silent).cases, where)


def _head(cfg: Config) -> Tuple[_Head, List[Case]]:
    model = cfg.get('model')
    head = model.get('head') if isinstance(model, dict) else None
    if not isinstance(head, dict):
        return _Head(), []
    if head.get('names') is not None:
        try:
            return _Head(len(keypoint_names(head['names'])), isinstance(head['names'], (list, tuple))), []
        except Exception as error:  # a broken metainfo fails in many ways
            return _Head(), [('keypoint names cannot be prompts', 'names', reason_of(error))]
    channels, decoder = head.get('out_channels'), head.get('decoder')
    if not isinstance(channels, int):
        return _Head(), []
    if isinstance(decoder, dict) and decoder.get('heatmap_type') == 'combined':
        channels //= 3  # UDP: a heatmap and two offsets for each keypoint
    return _Head(channels), []


def _check(
    dataset: dict, where: str, head: _Head, images: bool, workers: Optional[int], progress: Progress
) -> _Checked:
    kind = dataset.get('type')
    dataset_class = DATASETS.get(kind) if isinstance(kind, str) else kind  # new-style configs give the class itself
    if not isinstance(dataset_class, type):
        return _Checked([('data set type is unknown', str(kind), '')])
    if issubclass(dataset_class, PICTURE_SETS):
        return _Checked(*picture_set_cases(dataset, where, images, workers, progress))
    by_category = issubclass(dataset_class, MP100Dataset)  # its keypoints are the categories', not the metainfo's
    metainfo, cases = (None, []) if by_category else _metainfo(dataset, dataset_class)
    if metainfo:
        cases += _metainfo_cases(metainfo, dataset, head)
    try:
        paths = SimpleNamespace(
            ann_file=dataset.get('ann_file', ''),
            data_root=dataset.get('data_root'),
            data_prefix=dict(dataset.get('data_prefix', dict(img=''))),
        )
        BaseDataset._join_prefix(paths)
        folder = paths.data_prefix['img']
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return _Checked([*cases, ('paths cannot be joined', str(dataset.get('ann_file')), reason_of(error))])
    if dataset.get('bbox_file'):
        _, fault = _read_json(dataset['bbox_file'])
        cases += [('detection file cannot be read', item, detail) for _, item, detail in fault]
    content, fault = _read_json(paths.ann_file)
    if not by_category and (
        _overridden(dataset_class, '_load_annotations') or _overridden(dataset_class, 'load_data_list')
    ):
        missing = [case for case in fault if case[0] == 'annotation file does not exist']  # it need not be JSON
        return _Checked([*cases, *missing, ('format is not checked', str(kind), '')])
    if fault:
        return _Checked(cases + fault)
    names = [metainfo['keypoint_id2name'][i] for i in range(metainfo['num_keypoints'])] if metainfo else None
    if _overridden(dataset_class, 'parse_data_info'):
        names = None
        cases.append(('keypoints are not counted', str(kind), ''))
    if by_category:
        cases += mp100_cases(content, paths.ann_file, dataset.get('texts'))
    else:
        cases += annotation_cases(content, paths.ann_file, names)
    entries = content.get('images') if isinstance(content, dict) else None
    entries = [entry for entry in entries if _has_file(entry)] if isinstance(entries, list) else []
    instances = content.get('annotations') if entries else None
    if images:
        cases += image_cases(entries, folder, workers, progress, where)
    if by_category:
        cases = with_categories(cases, content)
    return _Checked(
        cases,
        [osp.join(folder, entry['file_name']) for entry in entries],
        len(instances) if isinstance(instances, list) else 0,
    )


def _overridden(dataset_class: type, method: str) -> bool:
    return getattr(dataset_class, method, None) is not getattr(BaseCocoStyleDataset, method)


def _has_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get('file_name'), str) and bool(entry['file_name'])


def _read_json(path: Any) -> Tuple[Any, List[Case]]:
    try:
        content = get(path) if path else None
    except FileNotFoundError:
        content = None
    except (OSError, TypeError, ValueError) as error:
        return None, [('annotation file cannot be read', str(path), reason_of(error))]
    if content is None:
        return None, [('annotation file does not exist', str(path), '')]
    try:
        return json.loads(content), []
    except (RecursionError, ValueError) as error:
        return None, [('annotation file cannot be read', str(path), f'{len(content):,} bytes, {reason_of(error)}')]


def _metainfo(dataset: dict, dataset_class: type) -> Tuple[Optional[dict], List[Case]]:
    """As MMPose parses it, None where it cannot."""
    raw = dataset.get('metainfo')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # MMPose warns when it finds a metainfo file among its own
            metainfo = parse_pose_metainfo(dict(dataset_class.METAINFO if raw is None else raw))
        if sorted(metainfo['keypoint_id2name']) != list(range(metainfo['num_keypoints'])):
            raise ValueError(f'keypoint_info has the keys {list(metainfo["keypoint_id2name"])}, not 0, 1, ...')
        if not all(isinstance(name, str) for name in metainfo['keypoint_name2id']):
            raise ValueError(f'names must be strings, not {list(metainfo["keypoint_name2id"])}')
    except Exception as error:  # it checks little and fails wherever it stumbles
        return None, [('metainfo cannot be used', dataset_class.__name__, reason_of(error))]
    return metainfo, []


def _metainfo_cases(metainfo: dict, dataset: dict, head: _Head) -> Iterator[Case]:
    label, number = metainfo['dataset_name'], metainfo['num_keypoints']
    if not head.own_names:
        try:
            keypoint_names(metainfo)
        except ValueError as error:
            yield 'keypoint names cannot be prompts', label, reason_of(error)
    for key in ('dataset_keypoint_weights', 'sigmas'):
        if metainfo[key].size not in (0, number):  # without sigmas: judged by PCK, as many of MMPose's
            yield (
                'metainfo has another number of joint_weights or sigmas',
                label,
                f'{metainfo[key].size} {key} for {number} keypoints',
            )
    converted = [
        step.get('num_keypoints', number)
        for step in dataset.get('pipeline') or ()
        if isinstance(step, dict) and step.get('type') == 'KeypointConverter'
    ]
    given = converted[-1] if converted else number
    if head.num_keypoints not in (None, given):
        yield 'number of keypoints differs from the head', label, f'{given}, the head has {head.num_keypoints}'
    yield from _flip_cases(metainfo, label)


def _flip_cases(metainfo: dict, label: str) -> Iterator[Case]:
    names, swap = metainfo['keypoint_id2name'], dict(zip(metainfo['keypoint_id2name'], metainfo['flip_indices']))
    asymmetric = [i for i in swap if swap[swap[i]] != i]
    for i in asymmetric:
        yield (
            'flip pair is not symmetric',
            names[i],
            f'it swaps with {names[swap[i]]!r}, which swaps with {names[swap[swap[i]]]!r} ({label})',
        )
    excused = {*asymmetric, *(swap[i] for i in asymmetric)}
    readable = {i: readable_name(name) for i, name in names.items()}
    for i in readable.keys() - excused:
        mirrored = mirrored_name(readable[i])
        if mirrored != readable[i] and readable[swap[i]] != mirrored:
            partner = 'nothing' if swap[i] == i else repr(names[swap[i]])
            yield 'flip pair does not swap left and right', names[i], f'it swaps with {partner} ({label})'
