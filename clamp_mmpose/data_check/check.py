"""Check the data sets of a config before training."""

from os import path as osp
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Set

from mmengine.config import Config

from clamp_mmpose.datasets.nested import leaf_configs

from .dataset import check_one
from .evaluators import Evaluator, expected_head, read_evaluator
from .findings import Finding, located
from .images import ImageCheck, same_content
from .metainfo import Head, read_head
from .report import CheckReport, DatasetReport
from .use import check_use

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# data sets that agree in these settings read the same files
SOURCE_KEYS = (
    'type',
    'data_root',
    'ann_file',
    'ann_files',
    'missing_images',
    'bbox_file',
    'data_prefix',
    'metainfo',
    'texts',
    'description_files',
    'missing_descriptions',
    'task',
    'reader',
    'crop',
    'split',
    'split_file',
    'classes',
)


def check_config(
    cfg: Config,
    images: bool = True,
    workers: Optional[int] = None,
    progress: Optional[Callable[..., Iterable]] = None,
) -> CheckReport:
    """Check the data sets of a config's three dataloaders; no model is built, no file is changed.

    Args:
        images: also decode every image.
        workers: threads that decode images; None: Python's choice for this machine.
        progress: wraps the iterator over the images of a data set, such as ``rich.progress.track``.
    """
    how = ImageCheck(images, workers, progress) if progress else ImageCheck(images, workers)
    head, faults = read_head(cfg)
    findings = located(faults, 'model.head')
    places: Dict[str, List[str]] = {}
    datasets = {}
    for loader in LOADERS:
        for where, dataset in leaf_configs(cfg.get(loader), loader):
            source = repr([dataset.get(key) for key in SOURCE_KEYS])
            places.setdefault(source, []).append(where)
            datasets[source] = dataset
    if not datasets:
        findings += located([Finding('CF001', str(cfg.filename))], 'config')
    evaluators = {}
    for split in ('val', 'test'):
        evaluators[f'{split}_dataloader'], faults = read_evaluator(cfg, split)
        findings += located(faults, f'{split}_evaluator')
    reports = {}
    for source, dataset in datasets.items():
        where = ', '.join(places[source])
        its_head = head
        for place in places[source]:
            its_head = expected_head(its_head, evaluators.get(place.split('.')[0], Evaluator('')), cfg)
        reports[source] = check_one(dataset, where, its_head, how)
        findings += located(reports[source].findings, where)
    findings += _shared_images(reports, places)
    for source in datasets:
        findings += check_use(cfg, reports[source], places[source], evaluators, how.decode)
    return CheckReport(
        findings,
        len(reports),
        sum(len(report.paths) for report in reports.values()),
        sum(report.instances for report in reports.values()),
    )


def check_dataset(dataset: dict, where: str = 'dataset', images: bool = True) -> List[Finding]:
    """Faults of one data set, given by its config, without a head to compare with."""
    return located(check_one(dataset, where, Head(), ImageCheck(images)).findings, where)


def _shared_images(reports: Dict[str, DatasetReport], places: Dict[str, List[str]]) -> Iterator[Finding]:
    """Images that are used for both training and evaluation."""
    training: Set[str] = set()
    digests: Dict[str, bytes] = {}
    for source, report in reports.items():
        if places[source][0].startswith('train'):
            training.update(map(osp.realpath, report.paths))
            digests.update(report.digests)
    for source, report in reports.items():
        evaluation = [where for where in places[source] if not where.startswith('train')]
        if evaluation:
            shared = {path: None for path in report.paths if osp.realpath(path) in training}
            where = ', '.join(['train_dataloader', *evaluation])
            yield from located([Finding('RE001', osp.basename(path), path) for path in shared], where)
            copies = same_content({path: own for path, own in report.digests.items() if path not in shared}, digests)
            yield from located(
                [Finding('RE004', osp.basename(path), f'{path}, {other}') for path, other in copies], where
            )
