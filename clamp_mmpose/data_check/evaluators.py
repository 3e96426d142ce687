"""Check that the config's evaluators can judge its data sets."""

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.evaluation.metrics import AUC, EPE, NME, CocoMetric, PCKAccuracy
from mmpose.registry import METRICS

from clamp_mmpose.datasets.nested import leaf_configs

from .findings import Finding
from .metainfo import Head

READ_LABELS = (PCKAccuracy, AUC, EPE, NME)  # CocoMetric and CapePCK read the annotation file
# with the defaults of monitor and rule
MONITORING = {
    'EarlyStoppingHook': (None, None),
    **{f'ReduceOnPlateau{what}': ('loss', 'less') for what in ('LR', 'Momentum', 'ParamScheduler')},
}
SMALLER_IS_BETTER = ('EPE', 'NME', 'MPJPE', 'loss')
CONVERTERS = ('pred_converter', 'gt_converter')


@dataclass(frozen=True)
class Evaluator:
    """The metrics of a data loader.

    Args:
        loader: ``'val_dataloader'`` or ``'test_dataloader'``.
        metrics: their configs.
        datasets: for ``MultiDatasetEvaluator``, the config of the data set of each metric.
    """

    loader: str
    metrics: List[dict] = field(default_factory=list)
    datasets: Optional[List[dict]] = None

    def metrics_of(self, dataset: dict) -> List[dict]:
        """Those that judge one of the loader's data sets."""
        if self.datasets is None:
            return self.metrics
        return [m for m, own in zip(self.metrics, self.datasets) if _source(own) == _source(dataset)]


def read_evaluator(cfg: Config, split: str) -> Tuple[Evaluator, List[Finding]]:
    """The evaluator of ``'val'`` or ``'test'``, and faults of the setting itself."""
    loader, setting = f'{split}_dataloader', f'{split}_evaluator'
    config = cfg.get(setting)
    has_data = any(True for _ in leaf_configs(cfg.get(loader), loader))
    if not config:
        required = has_data and cfg.get(f'{split}_cfg') is not None  # as MMEngine's Runner
        return Evaluator(loader), [Finding('EV001', setting, f'{loader} has a data set')] if required else []
    if not has_data:
        return Evaluator(loader), [Finding('EV002', loader, f'{setting} is given')]
    datasets = None
    if isinstance(config, dict) and 'metrics' in config:  # MultiDatasetEvaluator, or MMEngine's Evaluator
        datasets, config = config.get('datasets'), config['metrics']
    metrics = list(config) if isinstance(config, (list, tuple)) else [config]
    faults = [Finding('EV003', setting, repr(metric)[:60]) for metric in metrics if metric_class(metric) is None]
    if datasets is not None and (not isinstance(datasets, (list, tuple)) or len(datasets) != len(metrics)):
        faults.append(Finding('EV003', setting, 'metrics and datasets have different lengths'))
        datasets = None
    known = [metric for metric in metrics if metric_class(metric) is not None]
    return Evaluator(loader, known, datasets if len(known) == len(metrics) else None), faults


def metric_class(metric: Any) -> Optional[type]:
    """The class of a metric's config; None if it is not registered."""
    kind = metric.get('type') if isinstance(metric, dict) else None
    found = METRICS.get(kind) if isinstance(kind, str) else kind
    return found if isinstance(found, type) else None


def expected_head(head: Head, evaluator: Evaluator, cfg: Config) -> Head:
    """The head; without a number of keypoints if those of the predictions are converted for the evaluation."""
    model = cfg.get('model')
    test_cfg = model.get('test_cfg') if isinstance(model, dict) else None
    converted = any(metric.get(key) for metric in evaluator.metrics for key in CONVERTERS)
    if converted or (isinstance(test_cfg, dict) and test_cfg.get('output_keypoint_indices')):
        return Head(None, head.own_names)
    return head


def evaluator_findings(
    metrics: List[dict], dataset: dict, metainfo: Optional[dict], content: Any, ann_file: str
) -> Iterator[Finding]:
    """Faults that the settings and the annotations show.

    Args:
        metrics: configs of the metrics that judge the data set.
        dataset: its config.
        metainfo: as MMPose parses it; None if the data set has none.
        content: the parsed annotation file; None if it has another format.
        ann_file: its path.
    """
    for metric in metrics:
        kind = metric_class(metric)
        name = kind.__name__
        reads_labels = issubclass(kind, READ_LABELS) or getattr(kind, 'reads_labels', False)
        if reads_labels and dataset.get('bbox_file'):
            yield Finding('EV007', name, str(dataset['bbox_file']))
        if not issubclass(kind, CocoMetric):
            continue
        completes = not getattr(kind, 'needs_all_fields', True)
        own = metric.get('ann_file')
        if own and str(own) != ann_file:
            yield Finding('EV006', name, f'{own}, the data set reads {ann_file}')
        no_sigmas = metainfo is not None and len(metainfo['sigmas']) == 0
        if no_sigmas:
            yield Finding('EV010' if completes else 'EV004', name, metainfo['dataset_name'])
        if isinstance(content, dict) and not (no_sigmas and completes):
            yield from _missing_fields(metric, name, completes, dataset, content)


def _missing_fields(metric: dict, name: str, completes: bool, dataset: dict, content: dict) -> Iterator[Finding]:
    annotations = [ann for ann in content.get('annotations') or () if isinstance(ann, dict)]
    whole_file = bool(dataset.get('test_mode') or metric.get('ann_file'))  # else only the labels of the samples
    missing: Dict[str, List[Any]] = {}
    for ann in annotations:
        left_out = 'bbox' not in ann or 'keypoints' not in ann
        if left_out and (completes or not whole_file):
            continue
        needed = ['bbox', 'keypoints']
        if metric.get('use_area', True):
            needed.append('area')
        if metric.get('iou_type') == 'keypoints_crowd':
            needed.append('num_keypoints')
        for key in needed:
            if key not in ann:
                missing.setdefault(key, []).append(ann.get('id'))
    for key, ids in missing.items():
        detail = f'{key}: {len(ids):,} of {len(annotations):,} annotations, the first has id {ids[0]!r:.20}'
        mended = completes and key == 'area'
        yield Finding('EV011' if mended else 'EV005', name, detail)


def monitor_findings(cfg: Config, found: Dict[str, float]) -> Iterator[Finding]:
    """Settings that watch a value which the evaluation does not give.

    Args:
        found: the values of a tried evaluation.
    """
    for setting, key, rule in _monitors(cfg):
        if key not in found and key != 'auto':
            yield Finding('EV009', f'{setting}={key!r}', f'evaluation gives {", ".join(found)}')
            continue
        key = next(iter(found)) if key == 'auto' else key  # as MMEngine chooses
        expected = 'less' if key.endswith(SMALLER_IS_BETTER) else 'greater'
        if (rule or _inferred_rule(key)) != expected:
            yield Finding('EV015', f'{setting}={key!r}', f'rule is {rule!r}, expected {expected!r}')


def _inferred_rule(key: str) -> Optional[str]:
    """The rule of MMEngine's hooks for a value; None: they would raise an error."""
    try:
        return EarlyStoppingHook(key).rule
    except ValueError:
        return None


def _monitors(cfg: Config) -> Iterator[Tuple[str, str, Optional[str]]]:
    """Setting, key and rule of each."""
    hooks = cfg.get('default_hooks')
    checkpoint = hooks.get('checkpoint') if isinstance(hooks, dict) else None
    if isinstance(checkpoint, dict) and checkpoint.get('save_best'):
        best, rule = (_listed(checkpoint.get(key)) for key in ('save_best', 'rule'))
        yield from (('save_best', key, one) for key, one in zip(best, rule * len(best) if len(rule) == 1 else rule))
    for setting in ('custom_hooks', 'param_scheduler'):
        for config in _listed(cfg.get(setting)):
            kind = config.get('type') if isinstance(config, dict) else None
            if kind in MONITORING:
                key, rule = (config.get(name, value) for name, value in zip(('monitor', 'rule'), MONITORING[kind]))
                yield f'monitor of {kind}', str(key), rule


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _source(dataset: Any) -> tuple:
    return (
        tuple(repr(dataset.get(key)) for key in ('type', 'data_root', 'ann_file')) if isinstance(dataset, dict) else ()
    )


def is_coco_style(dataset_class: type) -> bool:
    """Whether the data set reads a COCO-style file as MMPose does, so that a part of the file is a data set as well."""
    return issubclass(dataset_class, BaseCocoStyleDataset) and all(
        getattr(dataset_class, method) is getattr(BaseCocoStyleDataset, method)
        for method in ('_load_annotations', 'load_data_list', '_get_topdown_data_infos', '_get_bottomup_data_infos')
    )
