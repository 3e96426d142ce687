from itertools import compress
from pathlib import Path
from threading import Lock
from typing import Any, List, Optional

import numpy as np
from mmpose.structures import PoseDataSample, split_instances

from clamp_mmpose.utils.choices import check_finite_number
from clamp_mmpose.visualization.predictions import draw_prediction
from clamp_mmpose.visualization.text import drawable

from .formats import PredictedFrame, Skeleton
from .inputs import check_encodable, frame_id
from .lazy_detector import LazyDetectorInferencer
from .pose_result import PoseResult, predicted_frame


class ResultsInferencer(LazyDetectorInferencer):
    """MMPose's :class:`Pose2DInferencer` that draws keypoints with their names, and writes distinct files.

    An image whose files cannot be written costs only itself.
    """

    model: Any  # the parts of an nn.Module have no static type

    def __init__(self, *args: Any, **kwargs: Any):
        self._visualizer_lock = Lock()
        super().__init__(*args, **kwargs)

    @property
    def reads_text(self) -> bool:
        """Whether the model finds any keypoints named in text: its head has ``queries``, as :class:`TextQueryHead`."""
        return callable(getattr(self.model.head, 'queries', None))

    @property
    def has_score_maps(self) -> bool:
        """Whether the model gives a score map for each keypoint; a head with answers says so itself."""
        head = self.model.head
        return getattr(head, 'has_score_maps', hasattr(head, 'score_map'))

    def update_model_visualizer_settings(self, draw_score_maps: bool = False, **kwargs: Any) -> None:
        check_finite_number('kpt_thr', kwargs.get('kpt_thr', 0.3))
        if not kwargs.get('merge_results', True) and (kwargs.get('vis_out_dir') or kwargs.get('pred_out_dir')):
            raise ValueError('merge_results=False gives results for each box, but files are written for each image.')
        if draw_score_maps and not self.has_score_maps:
            raise ValueError(
                f'{type(self.model.head).__name__} has no score maps to draw; CLAMPHead and TextQueryHead have, and '
                "CapeLLMHead with answer='pointer'."
            )
        super().update_model_visualizer_settings(**kwargs)

    def visualize(
        self, inputs: List[np.ndarray], preds: List[PoseDataSample], return_vis: bool = False, **kwargs: Any
    ) -> Optional[List[np.ndarray]]:
        """As the base class; requested score maps are drawn instead of the keypoints.

        Keypoints found by their texts are drawn with their names, hollow below ``kpt_thr``.
        """
        wanted = return_vis or kwargs.get('show') or kwargs.get('vis_out_dir')
        folder = '' if self._video_input else kwargs.get('vis_out_dir', '')
        if self._video_input:
            check_encodable(kwargs.get('vis_out_dir', ''))
        if not wanted or not (self.reads_text or any('score_maps' in pred.get('pred_fields', {}) for pred in preds)):
            if folder:
                kwargs = dict(kwargs, vis_out_dir='')
            if preds:
                kwargs['window_name'] = drawable(Path(preds[0].img_path).name)
            with self._visualizer_lock:
                drawn = super().visualize(inputs, preds, return_vis=return_vis or bool(folder), **kwargs)
        else:
            drawn = []
            for image, pred in zip(inputs, preds):
                drawn.append(draw_prediction(np.ascontiguousarray(image[..., ::-1]), pred, kwargs.get('kpt_thr', 0.3)))
                if kwargs.get('show'):
                    self.visualizer.show(drawn[-1], wait_time=kwargs.get('wait_time', 0))
                if kwargs.get('vis_out_dir') and self._video_input:
                    self.save_visualization(drawn[-1], kwargs['vis_out_dir'])
        for image, pred in zip(drawn if folder else [], preds):
            pred.files.write_image(folder, image)
        return drawn if return_vis else ([] if wanted else None)

    def postprocess(self, preds: List[PoseDataSample], *args: Any, pred_out_dir: str = '', **kwargs: Any) -> PoseResult:
        """As the base class, with :func:`instance_dicts`; images that could not be written are left out."""
        files = [pred.pop('files', None) for pred in preds]
        skeletons = [pred.pop('skeleton') for pred in preds]
        result = super().postprocess(preds, *args, **kwargs)
        for pred, found, file in zip(preds, result['predictions'], files):
            instances = instance_dicts(pred)
            if isinstance(found, list):
                found[:] = instances
            if pred_out_dir and file is not None:
                file.write_json(pred_out_dir, instances)
            elif pred_out_dir:
                self.video_info['predictions'].append(dict(frame_id=frame_id(pred.img_path), instances=instances))
        kept = [file is None or not file.failed for file in files]
        for key, values in result.items():
            if values:
                result[key] = list(compress(values, kept))
        frames = [self._predicted_frame(pred) for pred in compress(preds, kept)]
        return PoseResult(dict(result, predictions=result['predictions']), frames, next(iter(skeletons), Skeleton(())))

    def _predicted_frame(self, sample: PoseDataSample) -> PredictedFrame:
        if self._video_input:
            return predicted_frame(sample, self.video_info['name'], frame_id(sample.img_path))
        return predicted_frame(sample, sample.img_path)


def instance_dicts(sample: PoseDataSample) -> List[dict]:
    """The instances of a sample as results have them.

    Beyond MMPose's they have ``keypoint_names``, and if a language model found the keypoints, ``question`` and
    ``answer``: K texts each.
    """
    instances: Any = split_instances(sample.pred_instances)  # dicts, unlike their annotation
    for i, instance in enumerate(instances):
        instance['keypoint_names'] = list(sample.keypoint_names)
        for key, field in (('question', 'keypoint_questions'), ('answer', 'keypoint_answers')):
            if field in sample.pred_instances:
                instance[key] = [str(text) for text in sample.pred_instances[field][i]]
    return instances
