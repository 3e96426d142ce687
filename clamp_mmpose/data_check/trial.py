"""Run a data set's pipeline, and the evaluation of perfect predictions, on a few samples."""

import copy
import io
import json
import logging
import tempfile
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from os import path as osp
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine.logging import MessageHub, MMLogger
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.datasets.transforms import KeypointConverter
from mmpose.evaluation.metrics import AUC, EPE, NME, CocoMetric, JhmdbPCKAccuracy, MpiiPCKAccuracy, PCKAccuracy
from mmpose.registry import DATASETS, METRICS, TRANSFORMS

from clamp_mmpose.utils.files import parse_json

from .evaluators import metric_class
from .fields import image_size, is_id, labeled_keypoints
from .findings import Finding, reason_of

SAMPLES = 24
PER_KIND = 2
OUTPUTS = ('outfile_prefix', 'outfile', 'out_file_path')
# the values of perfect predictions: AUC counts thresholds from 0 and MPII's PCKh moves predictions by a pixel
BEST = (
    (CocoMetric, ('AP', 'PCK'), 0.99, 1.01),
    (MpiiPCKAccuracy, (), 0, 0),
    (JhmdbPCKAccuracy, ('PCK', 'tPCK'), 0.99, 1.01),
    (PCKAccuracy, ('PCK', 'PCKh', 'tPCK'), 0.99, 1.01),
    (AUC, ('AUC',), 0.9, 1.01),
    (EPE, ('EPE',), -0.01, 0.01),
    (NME, ('NME',), -0.01, 0.01),
)


class Trial:
    """A few samples of a data set, from its annotations without its images.

    Args:
        dataset: config of the data set.
        pipeline: its pipeline followed by those of its wrappers.
        content: the parsed annotation file; None if it is not JSON with images and annotations: then images are read.
        in_part: a part of the file is a data set as well, so only that is loaded.
        metainfo: of the outermost wrapper; None: the data set's.
    """

    def __init__(
        self, dataset: dict, pipeline: List[Any], content: Optional[dict], in_part: bool, metainfo: Optional[dict]
    ) -> None:
        self.dataset, self.pipeline, self.content, self.metainfo = dataset, pipeline, content, metainfo
        self.in_part = in_part
        self.sizes = _sizes(content['images']) if content else {}
        self.samples: List[dict] = []

    def run(self, metrics: List[dict], limit: int = SAMPLES) -> Tuple[List[Finding], Dict[str, float]]:
        """Faults of the pipeline and of the evaluation, and the values that the evaluation gives.

        Args:
            metrics: configs of the metrics; empty: only the pipeline runs.
        """
        with _quiet(), tempfile.TemporaryDirectory() as folder:
            try:
                built = self._build(folder, limit)
                infos = [built.get_data_info(i) for i in range(min(limit, len(built)))]
            except Exception as error:  # any error here ends the training
                return [Finding('CF004', str(self.dataset.get('type')), reason_of(error))], {}
            if not infos:
                return [], {}
            try:
                steps = [self._step(config) for config in self.pipeline]
                self.samples = [self._sample(steps, info, built) for info in infos]
            except _Step as fault:
                return [Finding('PL001', fault.name, fault.reason)], {}
            meta = built.metainfo if self.metainfo is None else parse_pose_metainfo(dict(self.metainfo))
            findings, values = [], {}
            for i, metric in enumerate(metrics):
                faults, found = self._evaluate(metric, meta, osp.join(folder, str(i)))
                findings += faults
                values.update(found)
        return findings, values

    def _build(self, folder: str, limit: int) -> Any:
        config = copy.deepcopy(dict(self.dataset))
        config.update(pipeline=[])
        if self.in_part:
            part = some_annotations(self.content, limit)
            self.sizes = _sizes(part['images'])
            config['ann_file'] = osp.join(folder, 'annotations.json')
            _write(config['ann_file'], part)
            if config.get('bbox_file'):
                detections = _read(config['bbox_file'])
                config['bbox_file'] = osp.join(folder, 'detections.json')
                kept = [found for found in detections if found.get('image_id') in self.sizes]
                _write(config['bbox_file'], kept)
        return DATASETS.build(config)

    def _step(self, config: Any) -> Any:
        try:
            step = TRANSFORMS.build(dict(config)) if isinstance(config, dict) else config
        except Exception as error:
            raise _Step(config, error) from error
        return step

    def _sample(self, steps: List[Any], info: dict, built: Any) -> dict:
        data = dict(info, dataset=built)
        for step in steps:
            try:
                if isinstance(step, LoadImageFromFile) and self.sizes.get(info.get('img_id')):
                    width, height = map(int, self.sizes[info['img_id']])
                    data['img'] = np.zeros((height, width, 3), np.uint8)
                    data['img_shape'] = data['ori_shape'] = (height, width)
                else:
                    data = step(data)
                if data is None:
                    raise ValueError('it leaves out the sample')
            except Exception as error:
                raise _Step(step, error) from error
        if not isinstance(data, dict) or 'data_samples' not in data:
            raise _Step('the end of the pipeline', ValueError('no data_samples, add PackPoseInputs'))
        sample = data['data_samples']
        return sample if isinstance(sample, dict) else sample.to_dict()

    def _evaluate(self, config: dict, meta: dict, place: str) -> Tuple[List[Finding], Dict[str, float]]:
        kind = metric_class(config)
        name = kind.__name__
        about_poses = 'poses' in self.samples[0] and 'gt_instances' not in self.samples[0]
        labeled = about_poses and any(len(sample['poses']) for sample in self.samples)
        if about_poses and not (labeled and issubclass(kind, METRICS.get('BodyPoseError'))):
            return [], {}  # of answers in words, or of embeddings: there is no perfect prediction to try
        config = copy.deepcopy(dict(config))
        config.update({key: place for key in OUTPUTS if config.get(key)})
        try:
            if self.in_part and config.get('ann_file'):
                config['ann_file'] = self._own_annotations(config['ann_file'], place)
            metric = METRICS.build(config)
            metric.dataset_meta = meta  # metrics share it, as in MMEngine
            samples = [self._predicted(sample, config) for sample in self.samples]
            metric.process(None, samples)
            values = metric.evaluate(len(samples))
        except Exception as error:  # any error here ends the training
            return [Finding('EV008', name, reason_of(error))], {}
        return list(_imperfect(kind, name, values, bool(self.dataset.get('bbox_file')))), values

    def _own_annotations(self, path: str, place: str) -> str:
        content = _read(path)
        keep = set(self.sizes)
        part = dict(content)
        part['images'] = [image for image in content['images'] if image['id'] in keep]
        part['annotations'] = [ann for ann in content['annotations'] if ann['image_id'] in keep]
        _write(f'{place}.annotations.json', part)
        return f'{place}.annotations.json'

    def _predicted(self, sample: dict, metric: dict) -> dict:
        """The sample with the ground truth as prediction."""
        if 'class_names' in sample:  # zero-shot classification
            scores = np.zeros(len(sample['class_names']))
            scores[list(sample['labels'])] = 1
            return dict(sample, class_scores=scores)
        if 'gt_instances' not in sample and 'poses' in sample:  # a question about 3D poses
            return dict(sample, pred_poses=sample['poses'])
        truth = dict(sample['gt_instances'])
        points = np.array(truth['keypoints'], np.float32)
        visible = np.asarray(truth.get('keypoints_visible', np.ones(points.shape[:2])))
        visible = visible[..., 0] if visible.ndim == 3 else visible
        if self.dataset.get('bbox_file') and self.content is not None:
            points = self._labels_in_box(sample, points)
        points, visible = _converted(points, visible, metric)
        predicted = dict(keypoints=points, keypoint_scores=(visible > 0).astype(np.float32), keypoints_visible=visible)
        predicted.update({key: truth[key] for key in ('bboxes', 'bbox_scores') if key in truth})
        return dict(sample, pred_instances=predicted, gt_instances=truth)

    def _labels_in_box(self, sample: dict, points: np.ndarray) -> np.ndarray:
        """The keypoints of the annotation that overlaps a detection most."""
        x1, y1, x2, y2 = np.asarray(sample['gt_instances']['bboxes'])[0]

        def overlap(ann: dict) -> float:
            x, y, width, height = ann['bbox']
            return max(0, min(x2, x + width) - max(x1, x)) * max(0, min(y2, y + height) - max(y1, y))

        on_image = [
            ann
            for ann in self.content['annotations']
            if ann.get('image_id') == sample['img_id'] and len(ann.get('keypoints', ())) == 3 * points.shape[1]
        ]
        best = max(on_image, key=overlap, default=None)
        return points if best is None else np.float32(best['keypoints']).reshape(1, -1, 3)[..., :2]


class _Step(Exception):
    """A step of the pipeline failed."""

    def __init__(self, step: Any, error: Exception) -> None:
        kind = step.get('type') if isinstance(step, dict) else step
        self.name = kind if isinstance(kind, str) else getattr(kind, '__name__', type(kind).__name__)
        self.reason = reason_of(error)
        super().__init__(self.reason)


def some_annotations(content: dict, limit: int) -> dict:
    """The file with up to ``limit`` images: some for each set of fields and types that an annotation has."""
    images = {image['id']: image for image in content['images'] if is_id(image.get('id'))}
    kinds: Dict[Any, Dict[Any, None]] = {}
    for ann in content['annotations']:
        usable = labeled_keypoints(ann) and not ann.get('iscrowd') and ann.get('num_keypoints') != 0
        if usable and ann.get('image_id') in images:
            points = ann['keypoints']
            kind = (*sorted((key, _type(value)) for key, value in ann.items()), all(v > 0 for v in points[2::3]))
            chosen = kinds.setdefault(kind, {})
            if len(chosen) < limit:
                chosen[ann['image_id']] = None
    first = [number for chosen in kinds.values() for number in list(chosen)[:PER_KIND]]
    others = [number for chosen in kinds.values() for number in list(chosen)[PER_KIND:]]
    kept = set(list(dict.fromkeys(first + others))[:limit])
    return dict(
        content,
        images=[image for image in content['images'] if image.get('id') in kept],
        annotations=[ann for ann in content['annotations'] if ann.get('image_id') in kept],
    )


def _sizes(images: List[dict]) -> Dict[Any, Tuple[float, float]]:
    """(w, h) by the id of the image."""
    return {image['id']: size for image in images for size in [image_size(image)] if size}


def _type(value: Any) -> str:
    return 'number' if isinstance(value, (int, float)) else type(value).__name__


def _converted(points: np.ndarray, visible: np.ndarray, metric: dict) -> Tuple[np.ndarray, np.ndarray]:
    """What the model must predict so that the metric's converters give the ground truth."""
    if metric.get('gt_converter'):
        result = KeypointConverter(**metric['gt_converter'])(dict(keypoints=points, keypoints_visible=visible))
        points, visible = result['keypoints'].astype(np.float32), result['keypoints_visible'][..., 0]
    if metric.get('pred_converter'):
        mapping = metric['pred_converter']['mapping']
        number = max([points.shape[1], *(source + 1 for source, _ in mapping)])
        source, target = map(list, zip(*mapping))
        own, seen = np.zeros((len(points), number, 2), np.float32), np.zeros((len(points), number), np.float32)
        own[:, source], seen[:, source] = points[:, target], visible[:, target]
        return own, seen
    return points, visible


def _imperfect(kind: type, name: str, values: Dict[str, float], dummies: bool) -> Iterator[Finding]:
    keys, low, high = next(((keys, low, high) for base, keys, low, high in BEST if issubclass(kind, base)), ((), 0, 0))
    for key, value in values.items():
        if not np.isfinite(value):
            yield Finding('EV012', name, f'{key} is {value}')
        elif key.rsplit('/', 1)[-1] in keys and not low <= value <= high and not dummies:
            yield Finding('EV013', name, f'{key} is {value:.4g}')


def _read(path: str) -> Any:
    with open(path, 'rb') as file:
        return parse_json(file.read())


def _write(path: str, content: Any) -> None:
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(content, file)


@contextmanager
def _quiet() -> Iterator[None]:
    """No output of COCO's tools and of the metrics; what data sets store for the whole process is restored."""
    MMLogger.get_current_instance()  # a logger that is created below would write to the discarded streams forever
    stored = MessageHub.get_current_instance().runtime_info
    before, disabled = dict(stored), logging.root.manager.disable
    random = np.random.get_state()
    stored.clear()
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(disabled)
        np.random.set_state(random)
        stored.clear()
        stored.update(before)
