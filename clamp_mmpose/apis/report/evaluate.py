import copy
from tempfile import TemporaryDirectory
from typing import Any, Dict, List, NamedTuple, Tuple

from mmpose.evaluation.metrics import CocoMetric
from mmpose.registry import METRICS

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.datasets.nested import leaf_configs
from clamp_mmpose.engine.launch import build_runner, limit_threads
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance
from clamp_mmpose.evaluation.metrics import CocoOrPCK, PCKTable

from .trained_run import TrainedRun
from .without_boxes import predict_without_boxes

RESAMPLES = 1000


class Evaluation(NamedTuple):
    """The predictions of a model for the labels of a data set.

    Args:
        metrics: those of the config by name, and those of :class:`PCKTable`.
        instances: all, with their predictions.
        files: annotation files.
        detections: whether the config tests on detected boxes; here the labels' are used.
        without_boxes: those of :func:`predict_without_boxes`.
        iteration: of the checkpoint; 0 if it does not say.
    """

    metrics: Dict[str, float]
    instances: List[ScoredInstance]
    files: List[str]
    detections: bool
    without_boxes: List[ScoredInstance]
    iteration: int


def evaluate_run(run: TrainedRun, split: str = 'val') -> Evaluation:
    """Test the model of a run on the ``'val'`` or ``'test'`` data of its config; AP has an interval.

    Raises:
        ValueError: the config has no such data, or its model predicts no keypoints.
    """
    cfg = copy.deepcopy(run.config)
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise ValueError(f'{run.config_file} has no {split}_dataloader: choose the other one of --split val and test.')
    files, detections = _use_labeled_boxes(loader, f'{split}_dataloader')
    cfg.merge_from_dict(dict(launcher='none', load_from=str(run.checkpoint), resume=False))
    cfg.test_evaluator = _metrics(cfg.get(f'{split}_evaluator'))
    cfg.test_dataloader = loader
    cfg.test_cfg = cfg.get('test_cfg') or dict()
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_dataloader = cfg.train_cfg = cfg.optim_wrapper = cfg.param_scheduler = None
    if cfg.get('visualizer'):
        cfg.visualizer.vis_backends = None  # a tracker would get a run of its own
    limit_threads(cfg)
    with TemporaryDirectory() as folder:  # for a log that nobody needs
        cfg.work_dir = folder
        runner = build_runner(cfg)
        metrics = runner.test()
        table = next(one for one in runner.test_loop.evaluator.metrics if isinstance(one, PCKTable))
    iteration = int((read_checkpoint(run.checkpoint).get('meta') or {}).get('iter', 0))
    numbers = {name: float(value) for name, value in metrics.items()}
    alone = predict_without_boxes(run, table.instances)
    return Evaluation(numbers, table.instances, files, detections, alone, iteration)


def _use_labeled_boxes(loader: dict, where: str) -> Tuple[List[str], bool]:
    files, detections = [], False
    for _, dataset in leaf_configs(loader, where):
        files.append(str(dataset.get('ann_file') or ''))
        if dataset.get('bbox_file'):
            detections = True
            dataset['bbox_file'] = ''
    return files, detections


def _metrics(config: Any) -> List[dict]:
    """Those of the config, AP with its interval, and :class:`PCKTable`."""
    if isinstance(config, dict) and 'metrics' in config:  # each judges another data set
        config = None
    metrics = [config] if isinstance(config, dict) else list(config or ())
    found: List[dict] = [dict(type='PCKTable', resamples=RESAMPLES)]
    for metric in metrics:
        kind = METRICS.get(metric['type']) if isinstance(metric['type'], str) else metric['type']
        if kind in (CocoMetric, CocoOrPCK):
            metric = dict(metric, type='CocoOrPCK', resamples=RESAMPLES)
        if kind is not PCKTable:
            found.append(metric)
    return found
