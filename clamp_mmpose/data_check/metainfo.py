"""Check a data set's metainfo, and that the head expects the same keypoints."""

import warnings
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from clamp_mmpose.language.keypoint_names import keypoint_names

from .findings import Finding, reason_of
from .names import name_findings, word_findings


@dataclass(frozen=True)
class Head:
    """What the head expects; with ``own_names`` the config lists the names, so the metainfo's are not checked."""

    num_keypoints: Optional[int] = None
    own_names: bool = False


def read_head(cfg: Config) -> Tuple[Head, List[Finding]]:
    """The head of a config, and faults of its names."""
    model = cfg.get('model')
    head = model.get('head') if isinstance(model, dict) else None
    if not isinstance(head, dict):
        return Head(), []
    if head.get('names') is not None:
        try:
            names, own = keypoint_names(head['names']), isinstance(head['names'], (list, tuple))
            return Head(len(names), own), [*word_findings(names, 'names')] if own else []
        except Exception as error:  # a broken metainfo fails in many ways
            return Head(), [Finding('MI005', 'names', reason_of(error))]
    channels, decoder = head.get('out_channels'), head.get('decoder')
    if not isinstance(channels, int):
        return Head(), []
    if isinstance(decoder, dict) and decoder.get('heatmap_type') == 'combined':
        channels //= 3  # UDP: a heatmap and two offsets for each keypoint
    return Head(channels), []


def read_metainfo(dataset: dict, dataset_class: type) -> Tuple[Optional[dict], List[Finding]]:
    """The metainfo as MMPose parses it, or None and the faults."""
    raw = dataset.get('metainfo')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # MMPose warns when it uses a metainfo file of its package
            metainfo = parse_pose_metainfo(dict(dataset_class.METAINFO if raw is None else raw))
        if sorted(metainfo['keypoint_id2name']) != list(range(metainfo['num_keypoints'])):
            raise ValueError(f'keypoint_info has the keys {list(metainfo["keypoint_id2name"])}, not 0, 1, ...')
        if not all(isinstance(name, str) for name in metainfo['keypoint_name2id']):
            raise ValueError(f'names must be strings, not {list(metainfo["keypoint_name2id"])}')
    except Exception as error:  # MMPose checks little, so a broken metainfo fails in many ways
        return None, [Finding('MI001', dataset_class.__name__, reason_of(error))]
    return metainfo, []


def metainfo_findings(metainfo: dict, dataset: dict, head: Head) -> Iterator[Finding]:
    """Faults of a metainfo that MMPose could parse.

    Args:
        dataset: the config of the data set.
    """
    label, number = metainfo['dataset_name'], metainfo['num_keypoints']
    if not head.own_names:
        try:
            keypoint_names(metainfo)
        except ValueError as error:
            yield Finding('MI005', label, reason_of(error))
    for key in ('dataset_keypoint_weights', 'sigmas'):
        if metainfo[key].size not in (0, number):  # data sets scored by PCK have no sigmas
            yield Finding('MI002', label, f'{metainfo[key].size} {key} for {number} keypoints')
    converted = [
        step.get('num_keypoints', number)
        for step in dataset.get('pipeline') or ()
        if isinstance(step, dict) and step.get('type') == 'KeypointConverter'
    ]
    given = converted[-1] if converted else number
    if head.num_keypoints not in (None, given):
        yield Finding('KP009', label, f'{given}, the head has {head.num_keypoints}')
    yield from name_findings(metainfo, dataset, head.own_names)
