import logging
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union, cast

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmpose.apis import Pose2DInferencer
from mmpose.registry import INFERENCERS
from mmpose.structures import PoseDataSample
from PIL.Image import Image

from clamp_mmpose.checkpoints.fit import check_fit, weights_of
from clamp_mmpose.checkpoints.reader import check_exists
from clamp_mmpose.datasets.files.arrays import to_bgr
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.category_queries import category_queries, find_category
from clamp_mmpose.language.category_texts import CategoryTexts
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.utils.trained_parts import complete
from clamp_mmpose.utils.choices import check_choice, check_finite_number

from .boxes import check_boxes, check_inside
from .crops import CROPS, ImageBoxes, crop_batches
from .dataset_meta import checked_dataset_meta, config_dataset_meta
from .inputs import input_name
from .merging import CropMerger, check_finite, suppress_duplicates
from .model_zoo import find_model, read_config
from .outputs import ResultFiles, output_names
from .pose_result import named_skeleton
from .results import ResultsInferencer
from .two_pass import find_boxes

InputType = Union[str, Path, np.ndarray, Image]
Keypoints = Union[str, Sequence[str], TextQueries, None]
Skeleton = Union[str, Sequence[Sequence[int]]]
Category = Union[str, CategoryTexts, None]


@INFERENCERS.register_module()
class TextPoseInferencer(ResultsInferencer):
    """MMPose's :class:`Pose2DInferencer` for top-down models, including those that find keypoints named in text.

    Beyond the base class, the caller can give boxes, the crops of ``batch_size`` images run in common batches, images
    that fail can be skipped, and predictions are finite and have ``keypoint_names``. A head that reads text, such as
    :class:`TextQueryHead` or :class:`CapeLLMHead`, finds any ``keypoints`` named in a call; if it answers questions,
    predictions have the ``question`` and ``answer`` of each keypoint. Several threads can share one inferencer.

    Args:
        model: a config file, a config, or the alias of a model in a ``metafile.yml`` of this package or of MMPose.
        weights: the checkpoint; needed unless the metafile names published weights.
        device, det_model, det_weights, det_cat_ids, show_progress: as in the base class. A detector is only built when
            boxes are missing; without mmdet, or with ``det_model='whole_image'``, the whole image is the box. With
            ``'two_pass'``, the default of a config with ``find_instances = 'two_pass'``, the model finds the box of its
            only instance by itself, see :mod:`~clamp_mmpose.apis.two_pass`.
        keypoints, skeleton, category: what a head that reads text finds in calls without ``keypoints`` and
            ``category``, as in :meth:`preprocess`. Default: the names of the model's head or data set.

    Attributes:
        keypoint_names: of calls without ``keypoints``; empty if every call must name them.
        failures: (input, error) of every image that the latest call skipped; its results leave them out.

    Raises:
        ValueError: no weights, weights of another model, or a model that is not top-down.
    """

    preprocess_kwargs = Pose2DInferencer.preprocess_kwargs | {
        'on_error',
        'keypoints',
        'skeleton',
        'category',
        'draw_score_maps',
    }

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
        category: Category = None,
    ):
        entry = find_model(model) if isinstance(model, str) and not Path(model).is_file() else None
        if entry is not None:
            model, weights = entry.config, weights or entry.weights
        elif isinstance(model, str) and (model.endswith('.py') or Path(model).exists()):
            model = read_config(model)  # its errors name the file; MMPose answers with "Cannot find model"
        if weights is None and (entry is not None or not isinstance(model, str) or Path(model).is_file()):
            raise ValueError(
                f'{entry.name if entry else "this config"} has no published weights: give '
                'weights=CHECKPOINT. A model with random weights is never run.'
            )
        if not model:
            raise ValueError('give the config of the model: one inside a checkpoint is never executed.')
        if isinstance(model, Config) and 'data_mode' not in model:  # which the base class reads
            dataset = (model.get('test_dataloader') or {}).get('dataset') or {}
            model.data_mode = dataset.get('data_mode', 'topdown')
        check_exists(weights)
        category = find_category(category) if isinstance(category, str) else category  # before the model is loaded
        self.failures: List[Tuple[InputType, Exception]] = []
        self._weights = weights
        super().__init__(model, weights, device, scope, det_model, det_weights, det_cat_ids, show_progress)
        if self.cfg.data_mode != 'topdown':
            raise ValueError(
                f'TextPoseInferencer crops each instance, but this model is {self.cfg.data_mode!r}; '
                "MMPose's Pose2DInferencer runs it."
            )
        head = self.model.head
        if self.has_score_maps:
            self.model.test_cfg['output_score_maps'] = True  # they cost little until they are merged
        if self.reads_text:
            self.model.test_cfg['output_texts'] = True
        self._default_queries: Optional[TextQueries] = None
        self.keypoint_names: List[str] = []
        if getattr(head, 'names', None):
            self.keypoint_names = list(head.names)
        elif not self.reads_text or 'keypoint_id2name' in (self.model.dataset_meta or {}):
            self.keypoint_names = keypoint_names(self.model.dataset_meta)
        if keypoints is not None or category is not None:
            self._default_queries = self.queries(keypoints, skeleton, category)
            self.keypoint_names = list(self._default_queries.keypoint_names)
        elif self.reads_text and self.keypoint_names:
            links = (self.model.dataset_meta or {}).get('skeleton_links', ())
            self._default_queries = TextQueries.create(self.keypoint_names, skeleton=links)

    def queries(
        self, keypoints: Keypoints = None, skeleton: Skeleton = (), category: Category = None
    ) -> Optional[TextQueries]:
        """The queries of a call with these arguments; None: the model's fixed keypoints.

        Raises:
            ValueError: invalid arguments, a model with fixed keypoints, or no names for a model without default names.
        """
        if keypoints is None or isinstance(keypoints, TextQueries):
            if len(skeleton):
                raise ValueError('a skeleton refers to the names of its call: give keypoints= too, as names.')
            if keypoints is not None and category is not None:
                raise ValueError('TextQueries have a category of their own: leave out category=.')
        if keypoints is None and category is None:
            if self.reads_text and self._default_queries is None:
                raise ValueError(
                    'this model finds the keypoints you name: give keypoints=["left ear", ...] or '
                    'category="horse_body", on the command line --keypoints "left ear, ..." or --category horse_body.'
                )
            return self._default_queries
        if not self.reads_text:
            raise ValueError(
                f'{type(self.model.head).__name__} finds {len(self.keypoint_names)} fixed keypoints '
                f'({self.keypoint_names[0]!r} ...); a model whose head reads text, such as TextQueryHead or '
                'CapeLLMHead, finds those you name.'
            )
        if isinstance(keypoints, TextQueries):
            return keypoints
        if category is not None:
            return category_queries(category, keypoints, skeleton)
        queries = TextQueries.parse(cast(Union[str, Sequence[str]], keypoints), skeleton)
        unused = [text for text in queries.keypoint_descriptions or () if text]
        if unused and not getattr(self.model.head, 'reads_descriptions', True):
            print_log(
                f'the model reads names only (description=False): descriptions such as {unused[0]!r:.80} are not used.',
                logger='current',
                level=logging.WARNING,
            )
        return queries

    def _load_weights_to_model(
        self, model: torch.nn.Module, checkpoint: Optional[dict], cfg: Optional[ConfigDict]
    ) -> None:
        if checkpoint is not None:
            complete(model, checkpoint, str(self._weights))
            weights = weights_of(checkpoint)
            check_fit(model, weights, source=str(self._weights))
            dataset_meta = (checkpoint.get('meta') or {}).get('dataset_meta')
            dataset_meta = (
                checked_dataset_meta(dataset_meta, str(self._weights)) if dataset_meta else config_dataset_meta(cfg)
            )
            checkpoint = dict(state_dict=weights, meta=dict(dataset_meta=dataset_meta))
        super()._load_weights_to_model(model, checkpoint, cfg)

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
        category: Category = None,
        draw_score_maps: bool = False,
    ) -> Iterator[Tuple[Dict[str, Any], List[np.ndarray]]]:
        """Read ``batch_size`` images at a time and find or check their boxes.

        Args:
            inputs: image files, or images as in :func:`to_bgr`.
            batch_size: images whose instances run together, at least 1. A batch of the network has at most
                ``max(batch_size, 32)`` instances, however many an image has.
            bboxes: for each image its boxes ``[N, 4]``, (x1, y1, x2, y2) in pixels of that image; an empty list: no
                instance. For a single image, its boxes alone are enough.
            bbox_thr: minimum score of a detected box.
            nms_thr: maximum overlap of two detected boxes.
            on_error: ``'raise'``, or ``'skip'``: images that fail, or whose files cannot be written, are added to
                ``failures``, the others continue.
            keypoints: names or 'name: description', as a list or one comma-separated string, or
                :class:`TextQueries`; None: those of the constructor.
            skeleton: pairs of keypoint indices to join, as a list or as ``'0-2,1-2'``.
            category: slug or readable name of a category of MP-100, such as ``'horse_body'``, or its
                :class:`CategoryTexts`. Names without a description get that of the category; without ``keypoints``, all
                of its keypoints are found, with its skeleton. Models should have been trained with descriptions.
            draw_score_maps: merge the score maps of the crops, and draw them instead of the keypoints.

        Yields:
            The images with their boxes and the settings of this call, and the images alone.
        """
        check_choice('on_error', on_error, ('raise', 'skip'))
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f'batch_size={batch_size!r}, expected at least 1 image.')
        check_finite_number('bbox_thr', bbox_thr)  # no box would pass NaN
        check_finite_number('nms_thr', nms_thr)
        queries = self.queries(keypoints, skeleton, category)
        failures: List[Tuple[InputType, Exception]] = []
        self.failures = failures  # one list for each call, since other threads may run too
        names = self.keypoint_names if queries is None else list(queries.keypoint_names)
        call = dict(
            names=names,
            skeleton=named_skeleton(names, (self.model.dataset_meta or {}) if queries is None else vars(queries)),
            fields=dict(self.model.dataset_meta, **({} if queries is None else dict(text_queries=queries))),
            score_maps=draw_score_maps,
            two_pass=self.two_pass and bboxes is None,
            limit=max(batch_size, CROPS),
            fail=_raise if on_error == 'raise' else lambda item, error: failures.append((item, error)),
        )
        # iterating over a video reads it
        listed = isinstance(inputs, list)
        paths = [input_name(item, i) for i, item in enumerate(inputs if listed else [None] * len(inputs))]
        outputs = output_names(paths, [Path(path).name for path in paths]) if listed else []
        boxes: Optional[list] = None
        if bboxes is not None:
            boxes = check_boxes(bboxes, paths)
            wrong = next((entry for entry in boxes if isinstance(entry, ValueError)), None)
            if wrong is not None and on_error == 'raise':
                raise wrong
        else:
            self._ensure_detector()
        images: List[ImageBoxes] = []
        for i, item in enumerate(inputs):
            path = input_name(item, i)
            try:
                given = None if boxes is None else boxes[i]
                if isinstance(given, ValueError):
                    raise given
                image = read_image(path) if isinstance(item, (str, Path)) else to_bgr(item, f'image {i}')
                found = self._find_boxes(image, bbox_thr, nms_thr) if given is None else given
                check_inside(found, image, path)
            except Exception as error:
                call['fail'](item, error)
                continue
            images.append(ImageBoxes(item, path, image, found, outputs[i] if outputs else None))
            if len(images) == batch_size:
                yield self._chunk(call, images)
                images = []
        if images:
            yield self._chunk(call, images)

    def _chunk(self, call: dict, images: List[ImageBoxes]) -> Tuple[Dict[str, Any], List[np.ndarray]]:
        if call['two_pass']:
            find_boxes(images, lambda: self._samples(call, images, {}), self.pipeline)
        shown = [image.image for image in images]
        return dict(call, images=images, shown=shown), shown

    @torch.no_grad()
    def _samples(
        self, call: dict, images: Sequence[ImageBoxes], failed: Dict[int, Exception]
    ) -> Iterator[Tuple[List[int], List[PoseDataSample]]]:
        """The samples of all boxes, in batches, with their images' indices; adds the errors of images to ``failed``."""

        def make(image: ImageBoxes, box: np.ndarray) -> dict:
            crop = dict(img=image.image, img_path=image.path, bbox=box[None, :4], bbox_score=box[4:5])
            return self.pipeline(dict(call['fields'], **crop))

        for owners, crops in crop_batches(images, make, call['limit'], failed):
            yield owners, self.model.test_step(self.collate_fn(crops))

    def forward(
        self, inputs: Dict[str, Any], merge_results: bool = True, pose_based_nms: bool = False
    ) -> List[PoseDataSample]:
        """Run the crops of some images in batches, and merge those of each image.

        Images that fail are removed from ``inputs['shown']``, which the base class draws.
        """
        images, names = inputs['images'], inputs['names']
        mergers = [CropMerger(image.path, image.image.shape[:2], names, inputs['score_maps']) for image in images]
        single: List[List[PoseDataSample]] = [[] for _ in images]
        failed: Dict[int, Exception] = {}
        for owners, samples in self._samples(inputs, images, failed):
            for i in dict.fromkeys(owners):
                own = [sample for owner, sample in zip(owners, samples) if owner == i]
                try:
                    for number, sample in enumerate(own, mergers[i].count):
                        check_finite(sample, names, images[i].path, number)
                except ValueError as error:
                    failed[i] = error
                    continue
                if merge_results:
                    mergers[i].add(own)
                else:
                    single[i] += own
        for i, error in failed.items():
            inputs['fail'](images[i].item, error)
        kept = [i for i in range(len(images)) if i not in failed]
        for i in kept:
            for sample in single[i]:
                sample.set_metainfo(dict(keypoint_names=names, skeleton=inputs['skeleton']))
                if self.has_score_maps and not inputs['score_maps']:
                    sample.pred_fields.pop('score_maps')
        inputs['shown'][:] = [images[i].image for i in kept]
        if not merge_results:
            return [sample for i in kept for sample in single[i]]
        merged = [mergers[i].merge() for i in kept]
        for i, sample in zip(kept, merged):
            sample.set_metainfo(dict(skeleton=inputs['skeleton']))  # removed by postprocess
            if images[i].output is not None:
                files = ResultFiles(images[i].path, images[i].output, _bound(inputs['fail'], images[i].item))
                sample.set_field(files, 'files', field_type='metainfo')  # removed by postprocess
        return [suppress_duplicates(sample) for sample in merged] if pose_based_nms else merged


def _bound(fail: Callable, item: InputType) -> Callable[[Exception], None]:
    return lambda error: fail(item, error)


def _raise(item: InputType, error: Exception) -> None:
    raise error
