import base64
import math
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import jinja2
import numpy as np

from clamp_mmpose import __version__
from clamp_mmpose.evaluation.bootstrap import Interval
from clamp_mmpose.evaluation.keypoints.files import write_scored_instances
from clamp_mmpose.evaluation.keypoints.pck import THRESHOLDS, keypoint_rows, pck_intervals, side_rows
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance, by_category
from clamp_mmpose.utils.files import atomic_write, check_writable
from clamp_mmpose.visualization.keypoint_errors import PALETTE

from .confidence import confidence
from .evaluate import Evaluation, evaluate_run
from .figures import curve_names, pck_curve, reliability_diagram, training_curves
from .findings import findings
from .trained_run import TrainedRun, read_scalars
from .worst import worst_instances

CORRECT = 0.1  # threshold of what is counted as right or wrong
PAIRS = 12  # of left and right that are shown at once
CALIBRATED = ('CLAMPHead', 'TextQueryHead', 'CapeLLMHead')  # heads with test_cfg.temperature


def write_report(run: TrainedRun, path: Union[str, Path], split: str = 'val') -> Evaluation:
    """Test the model of a run and write one HTML file that loads nothing, and the instances to a JSON file beside it.

    Args:
        run: from :func:`find_run`.
        path: the HTML file. The other one has the suffix ``.json``; see :func:`write_scored_instances`.
        split: ``'val'`` or ``'test'``.

    Raises:
        OSError: a file cannot be written, which is checked first.
        ValueError: see :func:`evaluate_run`, or nothing is labeled.
    """
    path = Path(path)
    if path.suffix.lower() not in ('.html', '.htm'):
        raise ValueError(f'the report is an HTML file: expected a name that ends in .html, got {path}.')
    for file in (path, path.with_suffix('.json')):
        check_writable(file)
    evaluation = evaluate_run(run, split)
    write_scored_instances(path.with_suffix('.json'), evaluation.instances)
    atomic_write(path, render(run, evaluation, split).encode('utf-8', 'replace'))
    return evaluation


def render(run: TrainedRun, evaluation: Evaluation, split: str) -> str:
    """The page; every text in it is escaped."""
    instances = [one for one in evaluation.instances if not np.isnan(one.labels).all()]
    groups = by_category(instances)
    overall = pck_intervals(instances, THRESHOLDS)
    keypoints = {name: keypoint_rows(own, (CORRECT, 0.05, 0.2)) for name, own in groups.items()}
    sides = {name: [row for row in side_rows(own, CORRECT) if row.instances] for name, own in groups.items()}
    trust = confidence(instances, CORRECT)
    scalars = read_scalars(run.folder)
    metrics = evaluation.metrics
    alone = [one for one in evaluation.without_boxes if not np.isnan(one.labels).all()]
    unboxed = pck_intervals(alone, (CORRECT,))[0] if alone else None
    ap = next((name for name in metrics if name.split('/')[-1] == 'AP' and f'{name}_low' in metrics), None)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        uri=_data_uri, number=_number, interval=_interval, percent=lambda value: _number(100 * value, 1)
    )
    return environment.get_template('report.html.j2').render(
        name=run.folder.resolve().name,
        run=run,
        evaluation=evaluation,
        split=split,
        version=__version__,
        instances=instances,
        images=len({one.image for one in instances}),
        labeled=sum(int((~np.isnan(one.errors)).sum()) for one in instances),
        left_out=len(evaluation.instances) - len(instances),
        thresholds=THRESHOLDS,
        overall=overall,
        without_boxes=unboxed,
        ap=Interval(metrics[ap], metrics[f'{ap}_low'], metrics[f'{ap}_high']) if ap else None,
        # -1 is COCO's AP of a size that no instance has
        others={name: value for name, value in metrics.items() if not name.startswith('pck/') and value != -1},
        categories={name: (len(own), pck_intervals(own, THRESHOLDS)) for name, own in groups.items()},
        keypoints=keypoints,
        sides=sorted(
            ((name, row) for name, rows in sides.items() for row in rows), key=lambda pair: -pair[1].misplaced
        ),
        shown_sides=PAIRS,
        trust=trust,
        temperature=_temperature(run, trust.temperature),
        findings=list(findings(instances, overall[THRESHOLDS.index(CORRECT)], keypoints, sides, trust, unboxed)),
        pck_curve=pck_curve(_curve_groups(groups)),
        reliability=reliability_diagram(trust.table),
        curves=training_curves(scalars) if curve_names(scalars) else None,
        worst=worst_instances(instances, CORRECT),
        legend=_legend(groups),
        correct=CORRECT,
    )


def _temperature(run: TrainedRun, fitted: float) -> Optional[float]:
    """The setting that calibrates the scores; None for a head without it, or if nothing was fitted."""
    model = run.config.model
    if fitted == 1 or model.head.type not in CALIBRATED:
        return None
    return fitted * (model.get('test_cfg') or {}).get('temperature', 1.0)


def _curve_groups(groups: Dict[str, List[ScoredInstance]]) -> Dict[str, List[ScoredInstance]]:
    """A line for each category, and one for all."""
    if len(groups) == 1:
        return dict(groups)
    return {'all': [one for own in groups.values() for one in own], **groups}


def _legend(groups: Dict[str, List[ScoredInstance]]) -> List[Tuple[str, str]]:
    """Names and colors of the keypoints, if each has its own."""
    names = next(iter(groups.values()))[0].category.keypoint_names
    if len(groups) > 1 or len(names) > len(PALETTE):
        return []
    return [(name, f'rgb({red}, {green}, {blue})') for name, (red, green, blue) in zip(names, PALETTE)]


def _data_uri(content: bytes, kind: str) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(content).decode()}'


def _number(value: Any, digits: int = 3) -> str:
    return f'{value:.{digits}f}' if math.isfinite(value) else '–'


def _interval(value: Interval) -> str:
    if not math.isfinite(value.value):
        return '–'
    return f'{value.value:.3f} ({value.low:.3f}–{value.high:.3f})'
