from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.evaluation.keypoints.files import write_scored_instances
from clamp_mmpose.evaluation.keypoints.pck import THRESHOLDS, misplaced_sides, pck_intervals
from clamp_mmpose.evaluation.keypoints.scored_instance import ScoredInstance, scored_instance
from clamp_mmpose.evaluation.keypoints.tables import pck_table
from clamp_mmpose.utils.files import check_writable


@METRICS.register_module()
class PCKTable(BaseMetric):
    """PCK by category and keypoint with bootstrap intervals, for any data set of a top-down test.

    A keypoint is correct if it is nearer to its label than a threshold times the longer side of the box; the PCK is
    the mean over instances, as in MP-100 (Xu et al., ECCV 2022). Logs a table of categories, or of keypoints if
    there is only one category, and returns ``PCK@0.1`` ..., with ``PCK@0.1_low`` and ``PCK@0.1_high``, the ends of its
    95 % interval (images are drawn), the number of ``instances`` with labels, and, where left and right keypoints are
    labeled, ``misplaced_sides``, the share of them at the other one's label; see :func:`misplaced_sides`.

    ``instances``, in the main process after evaluation, is the list of :class:`ScoredInstance`.

    Args:
        thresholds: as shares of the longer side of the box.
        outfile: the instances are written to this JSON file; see :func:`write_scored_instances`.
        resamples: draws of the bootstrap.
        collect_device, prefix, collect_dir: as for MMEngine's ``BaseMetric``.

    Raises:
        ValueError: a threshold is not positive; later, samples that are not of a top-down test.
    """

    default_prefix = 'pck'
    reads_labels = True  # tells the data check that detected boxes will not do

    def __init__(
        self,
        thresholds: Sequence[float] = THRESHOLDS,
        outfile: Optional[str] = None,
        resamples: int = 1000,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        if not thresholds or not all(threshold > 0 for threshold in thresholds) or resamples < 1:
            raise ValueError(f'thresholds={thresholds!r}, resamples={resamples}: expected positive numbers.')
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if outfile is not None:
            check_writable(outfile)
        self.thresholds = tuple(thresholds)
        self.outfile = outfile
        self.resamples = resamples
        self.instances: List[ScoredInstance] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store the instances of a batch; see :func:`scored_instance`."""
        self.results += [scored_instance(sample, self.dataset_meta or {}) for sample in data_samples]

    def compute_metrics(self, results: List[ScoredInstance]) -> Dict[str, float]:
        """The scores over all processes; instances that a sampler repeated count once."""
        unique = {(one.image, one.id): one for one in results}
        self.instances = list(unique.values())
        if self.outfile is not None:
            write_scored_instances(Path(self.outfile), self.instances)
        labeled = [one for one in self.instances if not np.isnan(one.labels).all()]
        if not labeled:
            raise ValueError(f'none of the {len(self.instances):,} instances has a labeled keypoint to compare with.')
        print_log(pck_table(labeled, self.thresholds, self.resamples), logger='current')
        metrics: Dict[str, float] = dict(instances=len(labeled))
        for threshold, found in zip(self.thresholds, pck_intervals(labeled, self.thresholds, 0, self.resamples)):
            name = f'PCK@{threshold:g}'
            metrics.update({name: found.value, f'{name}_low': found.low, f'{name}_high': found.high})
        sided = sum(int((~np.isnan(one.errors + one.mirrored_errors)).sum()) for one in labeled)
        if sided:
            metrics['misplaced_sides'] = sum(int(misplaced_sides(one).sum()) for one in labeled) / sided
        return metrics
