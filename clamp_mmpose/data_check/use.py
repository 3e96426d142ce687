"""Check a data set against what the config does with it: its pipelines and its evaluation."""

from typing import Any, Dict, List, Optional, Tuple, Union

from mmengine.config import Config
from mmpose.registry import DATASETS

from clamp_mmpose.datasets.instructions.instruction_dataset import InstructionDataset

from .evaluators import Evaluator, evaluator_findings, is_coco_style, monitor_findings
from .findings import Finding, located, reason_of
from .pipelines import flip_findings, size_findings
from .report import DatasetReport
from .trial import SAMPLES, Trial
from .whole_images import WHOLE_IMAGE_DATASETS

TRAINING_SAMPLES = 4
JUDGED = ('EV004', 'EV005', 'EV007')  # faults that a trial would find again
ABSENT = ('CF005',)


def check_use(
    cfg: Config,
    report: DatasetReport,
    places: List[str],
    evaluators: Dict[str, Evaluator],
    images: bool,
) -> List[Finding]:
    """Faults of a data set's pipelines and evaluation.

    Args:
        report: what its own check found.
        places: its settings in the config, such as ``'val_dataloader.dataset'``.
        evaluators: by data loader.
        images: image files may be read.
    """
    findings: List[Finding] = []
    seen = set()
    for place in places:
        loader = place.split('.')[0]
        dataset, pipeline, metainfo = _wrapped(cfg, place)
        evaluator = evaluators.get(loader, Evaluator(loader))
        metrics = evaluator.metrics_of(dataset)
        key = repr((dict(dataset, pipeline=pipeline), metrics, loader == 'train_dataloader'))
        if key in seen:  # test_dataloader = val_dataloader
            continue
        seen.add(key)
        found = list(size_findings(pipeline, cfg))
        found += evaluator_findings(metrics, dataset, report.metainfo, report.content, report.ann_file)
        if evaluator.datasets is not None:
            metainfo = None  # MultiDatasetEvaluator gives each metric that of its own data set
        trial = _trial(dataset, pipeline, metainfo, report, images)
        if isinstance(trial, str):
            found += [Finding('EV014', loader, trial)] if trial and metrics else []
        elif pipeline or metrics:
            found += _tried(trial, metrics, loader, cfg, found, evaluator.datasets is None)
        findings += located(found, place)
    return findings


def _trial(
    dataset: dict, pipeline: List[Any], metainfo: Optional[dict], report: DatasetReport, images: bool
) -> Union[Trial, str]:
    """The trial of a data set, or why there is none; '' if its report says so already."""
    kind = dataset.get('type')
    dataset_class = DATASETS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(dataset_class, type) or any(finding.code in ABSENT for finding in report.findings):
        return ''
    errors = [finding for finding in report.findings if finding.level == 'error']
    if any(not finding.code.startswith('IM') or report.content is None for finding in errors):
        return 'correct the errors of the data set first'
    if report.content is None and not images:
        return 'it needs the images'
    in_part = report.content is not None and is_coco_style(dataset_class)
    whole = issubclass(dataset_class, (*WHOLE_IMAGE_DATASETS, InstructionDataset))
    return Trial(dataset, pipeline, report.content, in_part, None if whole else metainfo)


def _tried(
    trial: Trial, metrics: List[dict], loader: str, cfg: Config, known: List[Finding], monitored: bool
) -> List[Finding]:
    """What a trial adds to the ``known`` findings; ``monitored``: its values are all of the evaluation."""
    evaluated = loader != 'train_dataloader'
    try:
        found, values = trial.run(metrics, SAMPLES if evaluated else TRAINING_SAMPLES)
    except Exception as error:  # of the check itself: the data are odd in a way that it does not know
        return [Finding('EV014', loader, reason_of(error))]
    judged = {finding.item for finding in known if finding.code in JUDGED}
    found = [finding for finding in found if not (finding.code == 'EV008' and finding.item in judged)]
    if evaluated:
        found += flip_findings(trial.samples, cfg)
    failed = any(finding.level == 'error' for finding in found)  # then values of a metric may be absent
    if loader == 'val_dataloader' and monitored and values and not failed and not judged:
        found += monitor_findings(cfg, values)
    return found


def _wrapped(cfg: Config, place: str) -> Tuple[dict, List[Any], Optional[dict]]:
    """The data set at ``place``, its pipeline with those of its wrappers, and the outermost metainfo of these."""
    node: Any = cfg
    nodes = []
    left = place
    while left:
        keys = range(len(node)) if isinstance(node, (list, tuple)) else node
        key = max((key for key in keys if f'{left}.'.startswith(f'{key}.')), key=lambda key: len(str(key)))
        node, left = node[key], left[len(str(key)) + 1 :]  # the name of a zero-shot task may hold a dot
        if isinstance(node, dict):
            nodes.append(node)
    steps = [step for inner in reversed(nodes) for step in inner.get('pipeline') or ()]
    wrappers = [inner.get('metainfo') for inner in nodes[:-1] if inner.get('metainfo') is not None]
    return nodes[-1], steps, wrappers[0] if wrappers else None
