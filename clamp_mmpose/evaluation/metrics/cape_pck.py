from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.datasets.mp100.annotations import Instance, MP100Annotations, read_instances
from clamp_mmpose.evaluation.mp100.predictions import write_predictions
from clamp_mmpose.evaluation.mp100.protocols import EMPTY, PROTOCOLS, draw_episodes, score
from clamp_mmpose.evaluation.mp100.tables import score_table, scoring_notes
from clamp_mmpose.utils.choices import check_choice


@METRICS.register_module()
class CapePCK(BaseMetric):
    """PCK of category-agnostic pose estimation on MP-100 (Xu et al., ECCV 2022).

    Logs the table of all categories and returns the overall scores, named by their protocol, such as
    ``query_only/PCK@0.2``: ``PCK@0.05`` ... ``PCK@0.25``, ``mPCK``, ``NME``, ``AUC`` and the number of ``instances`` or
    ``pairs``. See :mod:`clamp_mmpose.evaluation.mp100.protocols`.

    Instances without a prediction, such as those whose images are missing, are left out and counted in the log.

    Args:
        protocols: one or both of ``'query_only'``: each instance once; ``'pairs'``: the published episodes.
        num_episodes: per category, for ``'pairs'``; published: 200 on test, 100 on val.
        empty: how a pair without a common visible point counts: ``'zero'`` or ``'skip'``.
        ann_file: None: the annotation file of the data set.
        outfile_prefix: the predictions are written to ``PREFIX.predictions.json``, before they are scored, for
            ``tools/score_mp100.py``.
        prefix: put before the names of the metrics.
        collect_device, collect_dir: as for MMEngine's ``BaseMetric``.

    Raises:
        ValueError: unknown protocols or ``empty``; later, predictions that do not fit the annotations.
    """

    default_prefix = ''

    def __init__(
        self,
        protocols: Union[str, Sequence[str]] = 'query_only',
        num_episodes: int = 200,
        empty: str = 'zero',
        ann_file: Optional[str] = None,
        outfile_prefix: Optional[str] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        self.protocols = (protocols,) if isinstance(protocols, str) else tuple(protocols)
        if not self.protocols:
            raise ValueError(f'protocols is empty, expected one or both of {", ".join(PROTOCOLS)}.')
        for protocol in self.protocols:
            check_choice('protocols', protocol, PROTOCOLS)
        check_choice('empty', empty, EMPTY)
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.num_episodes = num_episodes
        self.empty = empty
        self.ann_file = ann_file
        self.outfile_prefix = outfile_prefix
        self._annotations: Optional[MP100Annotations] = None
        self._instances: Dict[int, Instance] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store the predictions of a batch.

        Args:
            data_samples: each with the annotation's ``id`` and ``pred_instances['keypoints']`` ``[1, K, 2]``, (x, y) in
                pixels of the original image.

        Raises:
            ValueError: the annotation is not among the kept ones, or there are not K keypoints.
        """
        annotations = self._read_annotations()
        for sample in data_samples:
            number = int(sample['id'])
            keypoints = sample['pred_instances']['keypoints']
            keypoints = keypoints.cpu().numpy() if isinstance(keypoints, torch.Tensor) else np.asarray(keypoints)
            if number not in self._instances:
                raise ValueError(
                    f'annotation {number} is not among the {len(self._instances):,} kept instances of '
                    f'{annotations.path}; give CapePCK the ann_file of the data set.'
                )
            expected = (1, *self._instances[number].keypoints.shape)
            if keypoints.shape != expected:
                raise ValueError(
                    f'annotation {number}: predicted keypoints have the shape {keypoints.shape}, expected '
                    f'{expected}; padding must be removed in predict.'
                )
            self.results.append(dict(id=number, keypoints=keypoints[0].astype(np.float64)))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Score the predictions of all processes; samples that a sampler repeated count once."""
        annotations = self._read_annotations()
        predictions: Dict[int, np.ndarray] = {}
        for result in results:
            predictions.setdefault(result['id'], result['keypoints'])
        if self.outfile_prefix is not None:
            write_predictions(f'{self.outfile_prefix}.predictions.json', predictions)
        broken = [number for number, keypoints in predictions.items() if not np.isfinite(keypoints).all()]
        if broken:
            raise ValueError(
                f'{len(broken):,} of {len(predictions):,} predictions are not finite, such as that of '
                f'annotation {broken[0]}.'
            )
        metrics: Dict[str, float] = {}
        for protocol in self.protocols:
            scores = score(annotations, predictions, protocol, self.num_episodes, self.empty)
            print_log(f'{scoring_notes(scores, annotations)}\n{score_table(scores)}', logger='current')
            metrics.update({f'{protocol}/{name}': value for name, value in scores.overall.items()})
        return metrics

    def _read_annotations(self) -> MP100Annotations:
        if self._annotations is None:
            ann_file = self.ann_file or (self.dataset_meta or {}).get('ann_file')
            if not ann_file:
                raise ValueError(
                    'CapePCK needs the annotation file: give ann_file=..., or evaluate an MP100Dataset, '
                    'whose metainfo names it.'
                )
            self._annotations = read_instances(ann_file)
            self._instances = {instance.id: instance for instance in self._annotations.instances}
            if 'pairs' in self.protocols:  # report a category with too few instances before hours of prediction
                draw_episodes(self._annotations, self.num_episodes)
        return self._annotations
