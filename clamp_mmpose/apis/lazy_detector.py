import importlib.util
from threading import Lock
from typing import Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import MMLogger
from mmpose.apis.inferencers.utils import default_det_models
from mmpose.evaluation.functional import nms
from mmpose.registry import DATASETS

from clamp_mmpose.utils.choices import check_choice

from .inputs import CheckedInputsInferencer

TWO_PASS = 'two_pass'
WHOLE_IMAGE = ('whole_image', 'whole-image')


class LazyDetectorInferencer(CheckedInputsInferencer):
    """MMPose's :class:`Pose2DInferencer` that builds its detector for the first image without boxes.

    Without mmdet, or with ``det_model='whole_image'``, the whole image is the box. With ``det_model='two_pass'``, or if
    the config has ``find_instances = 'two_pass'``, it is the box of the first pass, see :mod:`.two_pass`.
    """

    det_cat_ids: Sequence[int]
    two_pass = False

    def _init_detector(
        self,
        det_model: Union[str, dict, None] = None,
        det_weights: Optional[str] = None,
        det_cat_ids: Union[int, Tuple, None] = None,
        device: Optional[str] = None,
    ) -> None:
        """Choose a detector; it is built for the first image without boxes."""
        if det_model is None:
            det_model = self.cfg.get('find_instances')
            check_choice('find_instances', det_model, (None, TWO_PASS))
        self.two_pass = det_model == TWO_PASS
        if det_model not in (None, TWO_PASS, *WHOLE_IMAGE) and importlib.util.find_spec('mmdet') is None:
            raise ImportError(
                f'the detector {det_model!r} needs mmdet, which is not installed: make setup-full installs it; or give '
                'boxes.'
            )
        self.detector = None
        self._detector_lock = Lock()
        wanted = det_model is not None or _dataset_family(self.cfg.get('dataset_type', '')) in default_det_models
        self._build_detector = None
        if self.two_pass:
            self._whole_image_reason = ''
        elif det_model in WHOLE_IMAGE or not wanted:
            self._whole_image_reason = 'no detector is known for this data set' if not wanted else 'as requested'
        elif importlib.util.find_spec('mmdet') is None and det_model is None:
            self._whole_image_reason = 'mmdet is not installed'
        else:
            arguments = (det_model, det_weights, det_cat_ids, device)
            self._build_detector = lambda: super(LazyDetectorInferencer, self)._init_detector(*arguments)

    @property
    def finds_one(self) -> bool:
        """Whether an image without given boxes is taken to have one instance, since there is no detector."""
        return self.detector is None and self._build_detector is None

    def _ensure_detector(self) -> None:
        with self._detector_lock:
            if self._build_detector is not None:
                self._build_detector()
                self._build_detector = None

    def _find_boxes(self, image: np.ndarray, bbox_thr: float, nms_thr: float) -> np.ndarray:
        """Detected boxes with scores, or the whole image: ``[N, 5]``."""
        if self.detector is None:
            if self._whole_image_reason:
                MMLogger.get_current_instance().info(
                    f'without given boxes, each whole image is one instance ({self._whole_image_reason}).'
                )
                self._whole_image_reason = ''
            return np.array([[0, 0, image.shape[1], image.shape[0], 1]], np.float32)
        detected = self.detector(image, return_datasamples=True)['predictions'][0].pred_instances.cpu().numpy()
        boxes = np.hstack([detected.bboxes, detected.scores[:, None]]).astype(np.float32)
        boxes = boxes[np.isin(detected.labels, self.det_cat_ids) & (detected.scores > bbox_thr)]
        return boxes[nms(boxes, nms_thr)]


def _dataset_family(dataset_type: str) -> str:
    """MMPose's folder of a data set ('animal', 'body' ...), which determines the default detector."""
    dataset = DATASETS.get(dataset_type) if dataset_type else None
    return dataset.__module__.split('datasets.')[-1].split('.')[0] if dataset else ''
