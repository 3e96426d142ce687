import mimetypes
from pathlib import Path
from threading import Lock
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import mmengine
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmpose.apis import Pose2DInferencer
from mmpose.evaluation.functional import nearby_joints_nms
from mmpose.registry import INFERENCERS
from mmpose.structures import PoseDataSample

from clamp_mmpose.checkpoints.fit import check_fit, weights_of
from clamp_mmpose.checkpoints.reader import check_exists
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.heads import TextQueryHead
from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.visualization.predictions import draw_prediction

from .boxes import check_boxes, check_overlap
from .lazy_detector import LazyDetectorInferencer
from .merging import merge_crops
from .model_zoo import find_model

InputType = Union[str, np.ndarray]
Keypoints = Union[str, Sequence[str], TextQueries, None]
Skeleton = Union[str, Sequence[Sequence[int]]]


@INFERENCERS.register_module()
class TextPoseInferencer(LazyDetectorInferencer):
    """MMPose's :class:`Pose2DInferencer` for top-down models, including those that find keypoints named in text.

    Beyond the base class, the caller can give boxes, all crops of ``batch_size`` images run as one batch, unreadable
    images can be skipped, and predictions have ``keypoint_names``. A model with a :class:`TextQueryHead` finds any
    ``keypoints`` named in a call. Several threads can share one inferencer.

    Args:
        model: a config file, a config, or the alias of a model in a ``metafile.yml`` of this package or of MMPose.
        weights: the checkpoint; needed unless the metafile names published weights.
        device, det_model, det_weights, det_cat_ids, show_progress: as in the base class. A detector is only built when
            boxes are missing; without mmdet, or with ``det_model='whole_image'``, the whole image is the box.
        keypoints, skeleton: what a :class:`TextQueryHead` finds in calls without ``keypoints``, as in
            :meth:`preprocess`. Default: the names of the model's head or data set.

    Attributes:
        keypoint_names: of calls without ``keypoints``; empty if every call must name them.
        failures: (input, error) of every image that the latest call skipped.

    Raises:
        ValueError: no weights, weights of another model, or a model that is not top-down.
    """

    model: Any  # the parts of an nn.Module have no static type
    preprocess_kwargs = Pose2DInferencer.preprocess_kwargs | {'on_error', 'keypoints', 'skeleton', 'draw_score_maps'}

    def __init__(
        self,
        model: Union[str, dict, Config],
        weights: Optional[str] = None,
        device: Optional[str] = None,
        scope: Optional[str] = 'mmpose',
        det_model: Union[str, dict, None] = None,
        det_weights: Optional[str] = None,
        det_cat_ids: Union[int, Tuple, None] = None,
        show_progress: bool = False,
        keypoints: Keypoints = None,
        skeleton: Skeleton = (),
    ):
        entry = find_model(model) if isinstance(model, str) and not Path(model).is_file() else None
        if entry is not None:
            model, weights = entry.config, weights or entry.weights
        if weights is None and (entry is not None or not isinstance(model, str) or Path(model).is_file()):
            raise ValueError(
                f'{entry.name if entry else "this config"} has no published weights: give '
                'weights=CHECKPOINT. A model with random weights is never run.'
            )
        check_exists(weights)
        self.failures: List[Tuple[InputType, Exception]] = []
        self._visualizer_lock = Lock()
        self._weights = weights
        super().__init__(model, weights, device, scope, det_model, det_weights, det_cat_ids, show_progress)
        if self.cfg.data_mode != 'topdown':
            raise ValueError(
                f'TextPoseInferencer crops each instance, but this model is {self.cfg.data_mode!r}; '
                "MMPose's Pose2DInferencer runs it."
            )
        head = self.model.head
        self.reads_text = isinstance(head, TextQueryHead)
        self._has_score_maps = hasattr(head, 'score_map')
        if self._has_score_maps:
            self.model.test_cfg['output_score_maps'] = True  # they cost little until they are merged
        self._default_queries: Optional[TextQueries] = None
        self.keypoint_names: List[str] = []
        if getattr(head, 'names', None):
            self.keypoint_names = list(head.names)
        elif not self.reads_text or 'keypoint_id2name' in (self.model.dataset_meta or {}):
            self.keypoint_names = keypoint_names(self.model.dataset_meta)
        if keypoints is not None:
            self._default_queries = self.queries(keypoints, skeleton)
            self.keypoint_names = list(self._default_queries.keypoint_names)
        elif self.reads_text and self.keypoint_names:
            links = (self.model.dataset_meta or {}).get('skeleton_links', ())
            self._default_queries = TextQueries.create(self.keypoint_names, skeleton=links)

    def queries(self, keypoints: Keypoints = None, skeleton: Skeleton = ()) -> Optional[TextQueries]:
        """The queries of a call with these arguments; None: the model's fixed keypoints.

        Raises:
            ValueError: invalid arguments, a model with fixed keypoints, or no names for a model without default names.
        """
        if keypoints is None or isinstance(keypoints, TextQueries):
            if len(skeleton):
                raise ValueError('a skeleton refers to the names of its call: give keypoints= too, as names.')
            if keypoints is None and self.reads_text and self._default_queries is None:
                raise ValueError(
                    'this model finds the keypoints you name: give keypoints=["left ear", ...], or on the '
                    'command line --keypoints "left ear, ...".'
                )
        if keypoints is None:
            return self._default_queries
        if not self.reads_text:
            raise ValueError(
                f'{type(self.model.head).__name__} finds {len(self.keypoint_names)} fixed keypoints '
                f'({self.keypoint_names[0]!r} ...); a model with a TextQueryHead finds those you name.'
            )
        return keypoints if isinstance(keypoints, TextQueries) else TextQueries.parse(keypoints, skeleton)

    def _load_weights_to_model(
        self, model: torch.nn.Module, checkpoint: Optional[dict], cfg: Optional[ConfigDict]
    ) -> None:
        if checkpoint is not None:
            check_fit(model, weights_of(checkpoint), source=str(self._weights))
        super()._load_weights_to_model(model, checkpoint, cfg)

    def _inputs_to_list(self, inputs: Union[InputType, Sequence[InputType]]) -> Any:
        self._video_input = False
        if isinstance(inputs, (str, Path)):
            path = Path(inputs)
            if path.is_dir():
                return sorted(
                    str(file)
                    for file in path.iterdir()
                    if (mimetypes.guess_type(file.name)[0] or '').startswith('image/')
                )
            if '://' not in str(inputs) and not path.is_file():
                raise FileNotFoundError(f'{inputs} does not exist (looked in {Path.cwd()}).')
            return super()._inputs_to_list(str(inputs))
        return super()._inputs_to_list(inputs)

    def preprocess(
        self,
        inputs: Sequence[InputType],
        batch_size: int = 1,
        bboxes: Optional[Sequence] = None,
        bbox_thr: float = 0.3,
        nms_thr: float = 0.3,
        on_error: str = 'raise',
        keypoints: Keypoints = None,
        skeleton: Skeleton = (),
        draw_score_maps: bool = False,
    ) -> Iterator[Tuple[Dict[str, Any], List[np.ndarray]]]:
        """Crop every instance of ``batch_size`` images at a time.

        Args:
            inputs: image files, or images ``[H, W, 3]`` BGR.
            batch_size: images whose instances run together.
            bboxes: for each image its boxes ``[N, 4]``, (x1, y1, x2, y2) in pixels of that image; an empty list: no
                instance. For a single image, its boxes alone are enough.
            bbox_thr: minimum score of a detected box.
            nms_thr: maximum overlap of two detected boxes.
            on_error: ``'raise'``, or ``'skip'``: images that fail are added to ``failures``, the others continue.
            keypoints: names or 'name: description', as a list or one comma-separated string, or
                :class:`TextQueries`; None: those of the constructor.
            skeleton: pairs of keypoint indices to join, as a list or as ``'0-2,1-2'``.
            draw_score_maps: merge the score maps of the crops, and draw them instead of the keypoints.

        Yields:
            The crops with the paths and sizes of their images, and the images.
        """
        check_choice('on_error', on_error, ('raise', 'skip'))
        queries = self.queries(keypoints, skeleton)
        names = self.keypoint_names if queries is None else list(queries.keypoint_names)
        fields = dict(self.model.dataset_meta or {}, **({} if queries is None else dict(text_queries=queries)))
        failures: List[Tuple[InputType, Exception]] = []
        self.failures = failures  # one list for each call, since other threads may run too
        boxes = None if bboxes is None else check_boxes(bboxes, inputs)
        if boxes is None:
            self._ensure_detector()
        chunk: List[Tuple[str, np.ndarray, List[dict]]] = []
        for i, item in enumerate(inputs):
            try:
                image = item if isinstance(item, np.ndarray) else read_image(str(item))
                path = f'{i:08d}.jpg' if isinstance(item, np.ndarray) else str(item)
                found = self._find_boxes(image, bbox_thr, nms_thr) if boxes is None else boxes[i]
                check_overlap(found, image, path)
                crops = [
                    self.pipeline(dict(fields, img=image, img_path=path, bbox=box[None, :4], bbox_score=box[4:5]))
                    for box in found
                ]
            except Exception as error:
                if on_error == 'raise':
                    raise
                MMLogger.get_current_instance().error(f'skipped: {error}')
                failures.append((item, error))
                continue
            chunk.append((path, image, crops))
            if len(chunk) == batch_size:
                yield self._pack(chunk, names, draw_score_maps)
                chunk = []
        if chunk:
            yield self._pack(chunk, names, draw_score_maps)

    def _pack(
        self, chunk: List[Tuple[str, np.ndarray, List[dict]]], names: List[str], score_maps: bool
    ) -> Tuple[Dict[str, Any], List[np.ndarray]]:
        crops = [crop for _, _, crops in chunk for crop in crops]
        images = [(path, image.shape[:2], len(crops)) for path, image, crops in chunk]
        batch = self.collate_fn(crops) if crops else None
        return dict(batch=batch, images=images, names=names, score_maps=score_maps), [image for _, image, _ in chunk]

    @torch.no_grad()
    def forward(
        self, inputs: Dict[str, Any], merge_results: bool = True, pose_based_nms: bool = False
    ) -> List[PoseDataSample]:
        """Run one batch and merge the crops of each image."""
        samples = self.model.test_step(inputs['batch']) if inputs['batch'] is not None else []
        names = inputs['names']
        if not merge_results:
            for sample in samples:
                sample.set_metainfo(dict(keypoint_names=names))
                if self._has_score_maps and not inputs['score_maps']:
                    sample.pred_fields.pop('score_maps')
            return samples
        merged, start = [], 0
        for path, shape, count in inputs['images']:
            merged.append(merge_crops(samples[start : start + count], path, shape, names, inputs['score_maps']))
            start += count
        if pose_based_nms:
            for sample in merged:
                poses = [
                    dict(keypoints=keypoints, score=score)
                    for keypoints, score in zip(sample.pred_instances.keypoints, sample.pred_instances.bbox_scores)
                ]
                if poses:
                    kept = nearby_joints_nms(poses, num_nearby_joints_thr=len(names) // 3)
                    sample.pred_instances = sample.pred_instances[kept]
        return merged

    def update_model_visualizer_settings(self, draw_score_maps: bool = False, **kwargs: Any) -> None:
        if draw_score_maps and not self._has_score_maps:
            raise ValueError(
                f'{type(self.model.head).__name__} has no score maps to draw; CLAMPHead and TextQueryHead have.'
            )
        super().update_model_visualizer_settings(**kwargs)

    def visualize(
        self, inputs: List[np.ndarray], preds: List[PoseDataSample], **kwargs: Any
    ) -> Optional[List[np.ndarray]]:
        """As the base class; requested score maps are drawn instead of the keypoints.

        Keypoints found by their texts are drawn with their names, hollow below ``kpt_thr``.
        """
        wanted = kwargs.get('return_vis') or kwargs.get('show') or kwargs.get('vis_out_dir')
        if not wanted or not (self.reads_text or any('score_maps' in pred.get('pred_fields', {}) for pred in preds)):
            with self._visualizer_lock:
                return super().visualize(inputs, preds, **kwargs)
        drawn = []
        for image, pred in zip(inputs, preds):
            drawn.append(draw_prediction(np.ascontiguousarray(image[..., ::-1]), pred, kwargs.get('kpt_thr', 0.3)))
            if kwargs.get('show'):
                self.visualizer.show(drawn[-1], wait_time=kwargs.get('wait_time', 0))
            if kwargs.get('vis_out_dir'):
                self.save_visualization(drawn[-1], kwargs['vis_out_dir'], img_name=Path(pred.img_path).name)
        return drawn if kwargs.get('return_vis') else []

    def postprocess(self, preds: List[PoseDataSample], *args: Any, pred_out_dir: str = '', **kwargs: Any) -> dict:
        """As the base class; every instance has ``keypoint_names``."""
        # the base class collects the frames of a video and writes them at its end
        result = super().postprocess(preds, *args, pred_out_dir=pred_out_dir if self._video_input else '', **kwargs)
        for pred, instances in zip(preds, result['predictions']):
            if not isinstance(instances, list):
                continue
            for instance in instances:
                instance['keypoint_names'] = list(pred.keypoint_names)
            if pred_out_dir and not self._video_input:
                mmengine.dump(instances, str(Path(pred_out_dir) / f'{Path(pred.img_path).stem}.json'), indent='  ')
        return result
