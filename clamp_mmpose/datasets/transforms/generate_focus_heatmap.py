from pathlib import Path
from typing import Dict, Optional, Sequence, Union

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.focus import geometry
from clamp_mmpose.datasets.focus.attention import AttentionHeatmap
from clamp_mmpose.datasets.focus.body_parts import PARTS, body_parts, bones
from clamp_mmpose.datasets.focus.heatmaps import min_max_normalize, part_ellipses, sum_of_ellipses, sum_of_gaussians
from clamp_mmpose.utils.choices import check_choice

SOURCES = ('keypoints', 'bbox', 'file', 'attention')
MODES = ('published', 'paper')


@TRANSFORMS.register_module()
class GenerateFocusHeatmap(BaseTransform):
    """Add a heatmap of the subject of an image (FocusCLIP, section 3.3), before or after the crop.

    ``focus_heatmap`` is float32 ``[H, W]`` in [0, 1], in pixels of the image at this point of the pipeline. It shows
    the instance of a top-down sample, or all people of an image-level one. If it is drawn before flip or crop,
    :class:`FocusMask` and :class:`PackFocusInputs` apply these to it later: ``RandomFlip``, ``TopdownAffine``,
    ``BottomupRandomAffine`` (after a flip only if the map is drawn between the two) and :class:`ResizeToInput`. Put it
    after any other transform that moves pixels.

    Args:
        source: ``'keypoints'`` draws the body parts; ``'bbox'`` an ellipse in each box; ``'file'`` reads a map of the
            original image; ``'attention'`` runs a self-supervised vision transformer on the image.
        groups: the body parts: ``'mpii'``, ``'coco'``, ``'ap10k'``, ``'animalpose'``, a dict of part -> keypoint
            names, or ``'auto'``: those of the sample's data set, or else the bones of its skeleton.
        names: if ``groups`` is a dict: all keypoint names in order, as for :func:`keypoint_names`.
        mode: ``'published'`` draws unbounded Gaussians in whole pixels of the original image, as the authors' code
            does; :class:`ResizeToInput` and ``TopdownAffine``, before or after, only transform this map. ``'paper'``
            draws each inside its ellipse (eq. 4), in pixels of the image at this point.
        path: for ``'file'``: a pattern with ``{folder}`` and ``{stem}`` of the image, ``{img_id}`` or ``{id}``, such as
            ``'{folder}/{stem}.npy'``. The file is a gray image or an array ``[h, w]`` of any size and range.
        model: for ``'attention'``, see :class:`AttentionHeatmap`.
        checkpoint: its weights.

    Raises:
        ValueError: an argument is unknown; a sample has no keypoints or boxes, or a number of keypoints that differs
            from the groups; a file is not a map.
        FileNotFoundError: the map of an image does not exist.
    """

    def __init__(
        self,
        source: str = 'keypoints',
        groups: Union[str, Dict[str, Sequence[str]]] = 'auto',
        names: Union[str, Sequence[str], None] = None,
        mode: str = 'published',
        path: Optional[str] = None,
        model: str = 'vit_small_patch16_224.dino',
        checkpoint: Optional[str] = 'timm://',
    ):
        check_choice('source', source, SOURCES)
        check_choice('mode', mode, MODES)
        if source == 'file' and not path:
            raise ValueError("source='file' needs path, such as '{folder}/{stem}.npy'.")
        self.source, self.mode, self.path = source, mode, path
        self.parts = None if groups == 'auto' else body_parts(groups, names)
        self.known_parts: Dict[object, np.ndarray] = {}
        self.attention = AttentionHeatmap(model, checkpoint) if source == 'attention' else None

    def transform(self, results: dict) -> dict:
        """Add the map of one sample."""
        draw = dict(
            keypoints=self._of_keypoints, bbox=self._of_boxes, file=self._of_file, attention=self._of_attention
        )[self.source]
        results['focus_heatmap'] = draw(results)
        results['focus_steps'] = [kind for kind, *_ in geometry.steps(results)]
        return results

    def _of_keypoints(self, results: dict) -> np.ndarray:
        keypoints = results.get('transformed_keypoints', results.get('keypoints'))
        if keypoints is None or np.ndim(keypoints) != 3:
            raise ValueError(
                f"{_name(results)} has no keypoints [N, K, 2]: source='keypoints' is for annotated "
                "samples; for others use source='bbox', 'file' or 'attention'."
            )
        parts = self._parts_of(results, keypoints.shape[1])
        if self.mode == 'paper':
            ellipses = part_ellipses(keypoints[..., :2], _visible(results), parts, geometry.unit_length(results))
            return sum_of_ellipses(ellipses, geometry.image_shape(results))
        original, crop = geometry.before_crop(results)
        shape = tuple(original['img_shape'][:2]) if crop else geometry.image_shape(results)
        keypoints = np.asarray(original['keypoints'] if crop else keypoints)[..., :2]
        unit = max(results.get('ori_shape', shape)[:2]) if crop else geometry.unit_length(results)
        ellipses = part_ellipses(keypoints, _visible(original), parts, unit, whole_pixels=True)
        return geometry.apply_steps(sum_of_gaussians(ellipses, shape), crop)

    def _parts_of(self, results: dict, num_keypoints: int) -> np.ndarray:
        parts = self.parts
        if parts is None:
            dataset, links = results.get('dataset_name'), results.get('skeleton_links')
            key = dataset if dataset in PARTS else tuple(map(tuple, links or ()))
            if not key:
                raise ValueError(
                    f"groups='auto': {_name(results)} comes from {dataset!r}, which has no known body parts, "
                    f'and has no skeleton_links; give groups, one of {sorted(PARTS)} or a dict.'
                )
            if (key, num_keypoints) not in self.known_parts:
                self.known_parts[key, num_keypoints] = (
                    body_parts(dataset) if dataset in PARTS else bones(key, num_keypoints)
                )
            parts = self.known_parts[key, num_keypoints]
        if parts.shape[1] != num_keypoints:
            raise ValueError(
                f'{_name(results)} has {num_keypoints} keypoints, but the body parts are for {parts.shape[1]}: '
                'give groups for this data set.'
            )
        return parts

    def _of_boxes(self, results: dict) -> np.ndarray:
        if results.get('bbox') is None:
            raise ValueError(f"{_name(results)} has no bbox, which source='bbox' needs.")
        corners = np.asarray(results['bbox'], np.float64)
        if not len(corners):
            return np.zeros(geometry.image_shape(results), np.float32)
        corners = corners.reshape(len(corners), -1, 2)  # two, or four after a bottom-up pipeline rotated them
        low, high = corners.min(axis=1), corners.max(axis=1)
        center, half = (low + high) / 2, (high - low) / 2
        matrix = geometry.warp_matrix(results)
        if matrix is not None and 'warp_mat' not in results:  # otherwise the boxes were transformed with the image
            center = cv2.transform(center[:, None], matrix)[:, 0]
            half = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)  # extent of a rotated ellipse
        ellipses = np.hstack([center, np.maximum(half, 1)])
        return sum_of_ellipses(ellipses, geometry.image_shape(results), reach=1.0)

    def _of_file(self, results: dict) -> np.ndarray:
        image = Path(results['img_path'])
        path = self.path.format(
            folder=image.parent, stem=image.stem, img_id=results.get('img_id'), id=results.get('id')
        )
        heatmap = min_max_normalize(read_map(path))
        height, width = results['ori_shape'][:2]
        if heatmap.shape != (height, width):
            heatmap = cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_LINEAR)
        return geometry.apply_steps(heatmap, geometry.steps(results))

    def _of_attention(self, results: dict) -> np.ndarray:
        return self.attention(results['img'])


def update_focus_heatmap(results: dict) -> np.ndarray:
    """Apply to ``focus_heatmap`` what flip and crop did to the image since it was drawn: ``[H, W]``.

    Raises:
        ValueError: there is no heatmap, or its size still differs from that of the image.
    """
    if 'focus_heatmap' not in results:
        raise ValueError('there is no focus_heatmap: put GenerateFocusHeatmap before this transform.')
    steps = geometry.steps(results)
    todo = [step for step in steps if step[0] not in results['focus_steps']]
    heatmap = geometry.apply_steps(results['focus_heatmap'], todo)
    if heatmap.shape != geometry.image_shape(results):
        raise ValueError(
            f'the focus heatmap has {heatmap.shape} pixels and the image '
            f'{geometry.image_shape(results)}: put GenerateFocusHeatmap after the transform that changes its size.'
        )
    results['focus_heatmap'] = heatmap
    results['focus_steps'] = [kind for kind, *_ in steps]
    return heatmap


def read_map(path: str) -> np.ndarray:
    """Read a gray image or a ``.npy`` array, ``[h, w]``.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it cannot be read, has other dimensions, or holds values that are not finite.
    """
    if not path.endswith('.npy'):
        return read_image(path, color_type='grayscale')
    if not Path(path).is_file():
        raise FileNotFoundError(f'heatmap {path} does not exist: check path of GenerateFocusHeatmap.')
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # a broken file raises errors of many kinds
        reason = ' '.join(str(error).split())
        raise ValueError(f'heatmap {path} cannot be read ({reason}): write it with numpy.save.') from error
    values = np.squeeze(values)
    numbers = values.dtype.kind in 'biuf' and values.ndim == 2 and values.size > 0
    if not numbers or not np.isfinite(values).all():
        raise ValueError(
            f'heatmap {path} must be finite numbers [h, w], got {values.dtype!s:.40} of shape {values.shape}.'
        )
    return values


def _visible(results: dict) -> np.ndarray:
    visible = np.asarray(results['keypoints_visible'])
    return (visible if visible.ndim == 2 else visible[..., 0]) > 0  # MMPose's codecs add weights


def _name(results: dict) -> str:
    return f'sample {results.get("id", "")} ({results.get("img_path", "no path")})'
