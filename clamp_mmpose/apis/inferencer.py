import importlib.util
import mimetypes
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import mmengine
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData, PixelData
from mmpose.apis import Pose2DInferencer
from mmpose.apis.inferencers.utils import default_det_models
from mmpose.evaluation.functional import nearby_joints_nms, nms
from mmpose.registry import DATASETS, INFERENCERS
from mmpose.structures import PoseDataSample, merge_data_samples

from clamp_mmpose.checkpoints.reader import check_fit
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.models.heads import TextQueryHead
from clamp_mmpose.visualization import draw_named_keypoints, score_map_grid
from clamp_mmpose.visualization.score_maps import revert_score_maps

from .boxes import check_boxes, check_overlap
from .keypoint_queries import KeypointQueries
from .model_zoo import find_model

InputType = Union[str, np.ndarray]


@INFERENCERS.register_module()
class TextPoseInferencer(Pose2DInferencer):
    """MMPose's :class:`Pose2DInferencer`, with its boxes, batches and names mended.

    It takes what the base class takes. Beyond that: boxes given by the caller are used, all crops of ``batch_size``
    images run as one batch, a bad image can be skipped, and predictions carry their ``keypoint_names``. A model with a
    :class:`TextQueryHead` finds any ``keypoints`` that are named, and remembers them from one call to the next.

    Args:
        model: a config file, a config, or the alias of a model in a ``metafile.yml`` of this package or of MMPose.
        weights: the checkpoint; needed unless the metafile names published weights.
        device, det_model, det_weights, det_cat_ids, show_progress: as in the base class. A detector is only built when
            boxes are missing; without mmdet, or with ``det_model='whole_image'``, the whole image is the box.
        keypoints, skeleton: what a :class:`TextQueryHead` looks for, as in :meth:`set_keypoints`. Default: the names
            of the model's head or data set.

    Attributes:
        failures: (input, error) of every image that the last call skipped.

    Raises:
        ValueError: no weights, or weights of another model.
    """

    preprocess_kwargs = Pose2DInferencer.preprocess_kwargs | {'on_error', 'keypoints', 'skeleton'}
    visualize_kwargs = Pose2DInferencer.visualize_kwargs | {'draw_score_maps'}

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
        keypoints: Union[str, Sequence[str], None] = None,
        skeleton: Union[str, Sequence[Sequence[int]]] = (),
    ):
        entry = find_model(model) if isinstance(model, str) and not Path(model).is_file() else None
        if entry is not None:
            model, weights = entry.config, weights or entry.weights
        if weights is None and (entry is not None or not isinstance(model, str) or Path(model).is_file()):
            raise ValueError(
                f'{entry.name if entry else "this config"} has no published weights: give '
                'weights=CHECKPOINT. A model with random weights is never run.'
            )
        self.failures: List[Tuple[InputType, Exception]] = []
        self._weights = weights
        super().__init__(model, weights, device, scope, det_model, det_weights, det_cat_ids, show_progress)
        if self.cfg.data_mode != 'topdown':
            raise ValueError(
                f'TextPoseInferencer crops each instance, but this model is {self.cfg.data_mode!r}; '
                "MMPose's Pose2DInferencer runs it."
            )
        head = self.model.head
        self._reads_text = isinstance(head, TextQueryHead)
        self._queries: Optional[KeypointQueries] = None
        self.keypoint_names: List[str] = []
        if getattr(head, 'names', None):
            self.keypoint_names = list(head.names)
        elif not self._reads_text or 'keypoint_id2name' in (self.model.dataset_meta or {}):
            self.keypoint_names = keypoint_names(self.model.dataset_meta)
        if keypoints is not None:
            self.set_keypoints(keypoints, skeleton)
        elif self._reads_text and self.keypoint_names:
            self.set_keypoints(self.keypoint_names, (self.model.dataset_meta or {}).get('skeleton_links', ()))

    def set_keypoints(
        self, keypoints: Union[str, Sequence[str]], skeleton: Union[str, Sequence[Sequence[int]]] = ()
    ) -> None:
        """Look for other keypoints from now on.

        Args:
            keypoints: names or descriptions, in a list or with commas between them.
            skeleton: pairs of their indices that are joined, in a list or as ``'0-2,1-2'``.

        Raises:
            ValueError: they are unusable, or the model's keypoints are fixed.
        """
        if not self._reads_text:
            raise ValueError(
                f'{type(self.model.head).__name__} finds {len(self.keypoint_names)} fixed keypoints '
                f'({self.keypoint_names[0]!r} ...); a model with a TextQueryHead finds those you name.'
            )
        self._queries = KeypointQueries.parse(keypoints, skeleton)
        self.keypoint_names = self._queries.names

    def _load_weights_to_model(
        self, model: torch.nn.Module, checkpoint: Optional[dict], cfg: Optional[ConfigDict]
    ) -> None:
        if checkpoint is not None:
            check_fit(model, checkpoint.get('state_dict', checkpoint), source=str(self._weights))
        super()._load_weights_to_model(model, checkpoint, cfg)

    def _init_detector(
        self,
        det_model: Union[str, dict, None] = None,
        det_weights: Optional[str] = None,
        det_cat_ids: Union[int, Tuple, None] = None,
        device: Optional[str] = None,
    ) -> None:
        """Decide on a detector; it is built when the first image without boxes comes."""
        self.detector = None
        wanted = det_model is not None or _dataset_family(self.cfg.get('dataset_type', '')) in default_det_models
        self._build_detector = None
        if det_model in ('whole_image', 'whole-image') or not wanted:
            self._whole_image_because = 'no detector is known for this data set' if not wanted else 'as asked'
        elif importlib.util.find_spec('mmdet') is None and det_model is None:
            self._whole_image_because = 'mmdet, which would detect, is not installed'
        else:
            arguments = (det_model, det_weights, det_cat_ids, device)
            self._build_detector = lambda: super(TextPoseInferencer, self)._init_detector(*arguments)

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
        keypoints: Union[str, Sequence[str], None] = None,
        skeleton: Union[str, Sequence[Sequence[int]]] = (),
    ) -> Iterator[Tuple[Dict[str, Any], List[np.ndarray]]]:
        """Crop every instance of ``batch_size`` images at a time.

        Args:
            inputs: image files, or images ``[H, W, 3]`` BGR.
            batch_size: images whose instances run together.
            bboxes: for each image its boxes ``[N, 4]``, (x1, y1, x2, y2) in pixels of that image; an empty list means
                that nothing is there. For a single image its boxes alone will do.
            bbox_thr: least score of a detected box.
            nms_thr: greatest overlap of two detected boxes.
            on_error: ``'raise'``, or ``'skip'``: unreadable images go to ``failures``, the others on.
            keypoints, skeleton: as in :meth:`set_keypoints`; None: those of the last call.

        Yields:
            The crops with what they belong to, and the images they come from.
        """
        if on_error not in ('raise', 'skip'):
            raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}.")
        if keypoints is not None:
            self.set_keypoints(keypoints, skeleton)
        elif len(skeleton):
            raise ValueError('a skeleton joins the keypoints it is given with: give keypoints= too.')
        if self._reads_text and self._queries is None:
            raise ValueError(
                'this model finds the keypoints you name: give keypoints=["left ear", ...], or on the '
                'command line --keypoints "left ear, ...".'
            )
        fields = dict(self.model.dataset_meta or {}, **self._queries.fields() if self._queries else {})
        self.failures = []
        boxes = None if bboxes is None else check_boxes(bboxes, inputs)
        if boxes is None and self._build_detector is not None:
            self._build_detector()
            self._build_detector = None
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
                self.failures.append((item, error))
                continue
            chunk.append((path, image, crops))
            if len(chunk) == batch_size:
                yield self._pack(chunk)
                chunk = []
        if chunk:
            yield self._pack(chunk)

    def _pack(self, chunk: List[Tuple[str, np.ndarray, List[dict]]]) -> Tuple[Dict[str, Any], List[np.ndarray]]:
        crops = [crop for _, _, crops in chunk for crop in crops]
        images = [(path, image.shape[:2], len(crops)) for path, image, crops in chunk]
        return dict(batch=self.collate_fn(crops) if crops else None, images=images), [image for _, image, _ in chunk]

    def _find_boxes(self, image: np.ndarray, bbox_thr: float, nms_thr: float) -> np.ndarray:
        """Detected boxes with scores, or the whole image: ``[N, 5]``."""
        if self.detector is None:
            if self._whole_image_because:
                MMLogger.get_current_instance().info(
                    f'Where no boxes are given, each whole image is taken as one instance '
                    f'({self._whole_image_because}).'
                )
                self._whole_image_because = ''
            return np.array([[0, 0, image.shape[1], image.shape[0], 1]], np.float32)
        detected = self.detector(image, return_datasamples=True)['predictions'][0].pred_instances.cpu().numpy()
        boxes = np.hstack([detected.bboxes, detected.scores[:, None]]).astype(np.float32)
        boxes = boxes[np.isin(detected.labels, self.det_cat_ids) & (detected.scores > bbox_thr)]
        return boxes[nms(boxes, nms_thr)]

    @torch.no_grad()
    def forward(
        self, inputs: Dict[str, Any], merge_results: bool = True, pose_based_nms: bool = False
    ) -> List[PoseDataSample]:
        """Run one batch and give each image its own instances back."""
        samples = self.model.test_step(inputs['batch']) if inputs['batch'] is not None else []
        if not merge_results:
            return samples
        merged, start = [], 0
        for path, shape, count in inputs['images']:
            merged.append(self._merge(samples[start : start + count], path, shape))
            start += count
        if pose_based_nms:
            for sample in merged:
                poses = [
                    dict(keypoints=keypoints, score=score)
                    for keypoints, score in zip(sample.pred_instances.keypoints, sample.pred_instances.bbox_scores)
                ]
                if poses:
                    kept = nearby_joints_nms(poses, num_nearby_joints_thr=len(self.keypoint_names) // 3)
                    sample.pred_instances = sample.pred_instances[kept]
        return merged

    def _merge(self, samples: List[PoseDataSample], path: str, shape: Tuple[int, int]) -> PoseDataSample:
        num_keypoints = len(self.keypoint_names)
        if samples:
            merged = merge_data_samples(samples)
            if 'score_maps' in samples[0].get('pred_fields', {}):
                fields = merged.get('pred_fields', PixelData())
                fields.set_data(
                    dict(score_maps=np.max([revert_score_maps(sample, shape) for sample in samples], axis=0))
                )
                merged.pred_fields = fields
        else:
            merged = PoseDataSample(metainfo=dict(img_path=path, ori_shape=shape))
            merged.pred_instances = InstanceData(
                keypoints=np.zeros((0, num_keypoints, 2)),
                keypoint_scores=np.zeros((0, num_keypoints)),
                keypoints_visible=np.zeros((0, num_keypoints)),
                bboxes=np.zeros((0, 4)),
                bbox_scores=np.zeros(0),
            )
        merged.set_metainfo(dict(keypoint_names=self.keypoint_names))
        return merged

    def update_model_visualizer_settings(self, draw_score_maps: bool = False, **kwargs) -> None:
        if draw_score_maps and not hasattr(self.model.head, 'score_map'):
            raise ValueError(
                f'{type(self.model.head).__name__} has no score maps to draw; CLAMPHead and TextQueryHead have.'
            )
        super().update_model_visualizer_settings(**kwargs)
        self.model.test_cfg['output_score_maps'] = draw_score_maps

    def visualize(
        self, inputs: List[np.ndarray], preds: List[PoseDataSample], draw_score_maps: bool = False, **kwargs
    ) -> Optional[List[np.ndarray]]:
        """As the base class; ``draw_score_maps`` draws those instead of the keypoints.

        Keypoints found by their texts are drawn with their names, hollow below ``kpt_thr``.
        """
        wanted = kwargs.get('return_vis') or kwargs.get('show') or kwargs.get('vis_out_dir')
        if not wanted or not (draw_score_maps or self._reads_text):
            return super().visualize(inputs, preds, **kwargs)
        drawn = []
        for image, pred in zip(inputs, preds):
            image = np.ascontiguousarray(image[..., ::-1])
            if draw_score_maps:
                maps = (
                    pred.pred_fields.score_maps
                    if 'pred_fields' in pred
                    else np.zeros((len(self.keypoint_names), *image.shape[:2]))
                )
                drawn.append(score_map_grid(image, maps, self.keypoint_names))
            else:
                for found, scores in zip(pred.pred_instances.keypoints, pred.pred_instances.keypoint_scores):
                    image = draw_named_keypoints(
                        image,
                        found,
                        self.keypoint_names,
                        scores,
                        kwargs.get('kpt_thr', 0.3),
                        self._queries.links,
                        hollow=True,
                    )
                drawn.append(image)
            if kwargs.get('show'):
                self.visualizer.show(drawn[-1], wait_time=kwargs.get('wait_time', 0))
            if kwargs.get('vis_out_dir'):
                self.save_visualization(drawn[-1], kwargs['vis_out_dir'], img_name=Path(pred.img_path).name)
        return drawn if kwargs.get('return_vis') else []

    def postprocess(self, preds: List[PoseDataSample], *args, pred_out_dir: str = '', **kwargs) -> dict:
        """As the base class; every instance names its keypoints."""
        # the frames of a video are collected by the base class and written at its end
        result = super().postprocess(preds, *args, pred_out_dir=pred_out_dir if self._video_input else '', **kwargs)
        for pred, instances in zip(preds, result['predictions']):
            if not isinstance(instances, list):
                continue
            for instance in instances:
                instance['keypoint_names'] = self.keypoint_names
            if pred_out_dir and not self._video_input:
                mmengine.dump(instances, str(Path(pred_out_dir) / f'{Path(pred.img_path).stem}.json'), indent='  ')
        return result


def _dataset_family(dataset_type: str) -> str:
    """MMPose's folder of a data set ('animal', 'body' ...), by which it chooses detectors."""
    dataset = DATASETS.get(dataset_type)
    return dataset.__module__.split('datasets.')[-1].split('.')[0] if dataset else ''
