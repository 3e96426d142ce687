import logging
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Dict, Optional, Sequence

from mmengine.logging import print_log
from mmpose.evaluation.metrics import CocoMetric, PCKAccuracy
from mmpose.registry import METRICS
from xtcocotools.cocoeval import COCOeval

from clamp_mmpose.evaluation.keypoints.average_precision import average_precision


@METRICS.register_module()
class CocoOrPCK(CocoMetric):
    """AP by OKS as ``CocoMetric``, for data that may lack what OKS needs.

    A data set without sigmas, such as Zebra or Horse10, is scored by ``coco/PCK`` at ``pck_thr`` of the longer side of
    the box. An annotation without ``area`` makes OKS use 0.53 x the box for all, as ``use_area=False``; an
    annotation without box or keypoints is left out, as the data set does. Each is logged.

    Args:
        pck_thr: threshold of PCK, as a share of the box.
        resamples: with more than 0, ``AP_low`` and ``AP_high`` are the ends of the 95 % interval of AP, from so many
            draws of the images.
        coco_metric: as for ``CocoMetric``.
    """

    needs_all_fields = False  # tells the data check that missing sigmas and areas are not faults

    def __init__(self, pck_thr: float = 0.1, resamples: int = 0, **coco_metric: Any) -> None:
        super().__init__(**coco_metric)
        self.pck_thr = pck_thr
        self.resamples = resamples

    # a property of the base class; both halves are needed to override the setter
    @property
    def dataset_meta(self) -> Optional[dict]:
        """Metainfo of the data set; without sigmas the metric is PCK."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        name, sigmas = dataset_meta.get('dataset_name'), dataset_meta.get('sigmas')
        self.by_pck = sigmas is None or len(sigmas) == 0
        if self.by_pck:
            self._dataset_meta = dataset_meta
            _log(f'{name} has no sigmas, so it is scored by PCK@{self.pck_thr:g} of the box in place of AP')
            return
        CocoMetric.dataset_meta.fset(self, dataset_meta)
        if self.coco is not None:
            self._complete(str(name))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store a batch; see ``CocoMetric`` and ``PCKAccuracy``."""
        if self.by_pck:
            pck = PCKAccuracy(self.pck_thr, prefix='')
            pck.process(data_batch, data_samples)
            self.results += pck.results
            return
        for sample in data_samples:  # read if there is no annotation file
            raw = sample.get('raw_ann_info') or []
            for ann in raw if isinstance(raw, list) else [raw]:
                if 'area' not in ann:
                    self.use_area = False
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """``AP`` ... of ``CocoMetric``, or ``PCK``."""
        if self.by_pck:
            return PCKAccuracy(self.pck_thr, prefix='').compute_metrics(results)
        return super().compute_metrics(results)

    def _do_python_keypoint_eval(self, outfile_prefix: str) -> list:
        found = super()._do_python_keypoint_eval(outfile_prefix)
        if self.resamples and self.iou_type == 'keypoints':
            with redirect_stdout(StringIO()):  # the base class has printed the same
                predicted = self.coco.loadRes(f'{outfile_prefix}.keypoints.json')
                evaluation = COCOeval(self.coco, predicted, 'keypoints', self.dataset_meta['sigmas'], self.use_area)
                evaluation.params.useSegm = None
                evaluation.evaluate()
            ends = average_precision(evaluation, resamples=self.resamples)
            found += [('AP_low', ends.low), ('AP_high', ends.high)]
        return found

    def _complete(self, name: str) -> None:
        """Give the loaded annotations the fields that COCOeval reads."""
        annotations = self.coco.dataset['annotations']
        kept = [ann for ann in annotations if 'bbox' in ann and 'keypoints' in ann]
        if len(kept) < len(annotations):
            left_out = len(annotations) - len(kept)
            _log(f'{name}: {left_out:,} of {len(annotations):,} annotations have no box or keypoints and are left out')
            self.coco.dataset['annotations'] = kept
            self.coco.anns.clear()
            self.coco.createIndex()
        missing = sum('area' not in ann for ann in kept)
        if self.use_area and missing:
            self.use_area = False
            _log(f'{name}: {missing:,} of {len(kept):,} annotations have no area, so OKS uses 0.53 x the box for all')


def _log(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
