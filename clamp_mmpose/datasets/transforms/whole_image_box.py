from collections import Counter
from typing import Any, FrozenSet, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmpose.registry import TRANSFORMS

from clamp_mmpose.utils.choices import check_finite_number


@TRANSFORMS.register_module()
class WholeImageBox(BaseTransform):
    """Trains on whole images too, so that a model finds its only instance without a detector.

    With ``TextPoseInferencer(..., det_model='two_pass')`` the model then looks at the whole image first, and again at
    the box of the keypoints that it found, which may be too large. So half of the chosen samples are whole images, and
    half are parts of any size between the box and the image, with the box somewhere inside. Images with several
    instances are left as they are.

    Required keys: ``dataset`` (of a COCO-style data set), ``img_path``, ``img_shape`` (H, W), ``bbox_center`` and
    ``bbox_scale`` (so it follows ``GetBBoxCenterScale``). Modified keys: ``bbox`` ``[1, 4]`` (x1, y1, x2, y2) in pixels
    of the image, ``bbox_center`` and ``bbox_scale`` (no padding is added).

    Args:
        prob: of a sample to be chosen, 0 to 1.

    Raises:
        ValueError: a key is missing, or ``prob`` is not a probability.
    """

    def __init__(self, prob: float = 0.3):
        check_finite_number('prob', prob)
        if not 0 <= prob <= 1:
            raise ValueError(f'WholeImageBox: prob={prob}, expected 0 to 1.')
        self.prob = prob
        self._dataset: Any = None
        self._alone: FrozenSet[str] = frozenset()

    def transform(self, results: dict) -> Optional[dict]:
        missing = [key for key in ('dataset', 'img_shape', 'bbox_center', 'bbox_scale') if key not in results]
        if missing:
            raise ValueError(
                f'WholeImageBox needs {missing[0]!r}: use a COCO-style data set, and place it after LoadIntactImage '
                'and GetBBoxCenterScale.'
            )
        if np.random.random() >= self.prob or results['img_path'] not in self._single(results['dataset']):
            return results
        image = np.array(results['img_shape'][1::-1], float)
        if np.random.random() < 0.5:
            center, scale = image / 2, image
        else:
            center, scale = self._part(results['bbox_center'][0], results['bbox_scale'][0], image)
        results['bbox'] = np.array([[*(center - scale / 2), *(center + scale / 2)]], np.float32)
        results['bbox_center'] = np.array([center], np.float32)
        results['bbox_scale'] = np.array([scale], np.float32)
        return results

    def _part(self, center: np.ndarray, scale: np.ndarray, image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Center and (w, h) of a random part of an image of (w, h); its proportions are those of the box."""
        size = scale * max(1.0, *(image / scale)) ** np.random.random()
        room = (size - scale) / 2
        center = center + np.random.uniform(-1, 1, 2) * room
        inside = np.clip(center, np.minimum(size, image) / 2, image - np.minimum(size, image) / 2)
        return inside, size

    def _single(self, dataset: BaseDataset) -> FrozenSet[str]:
        """The images with one instance; counted once for each data set and process."""
        if dataset is not self._dataset:
            counts = Counter(BaseDataset.get_data_info(dataset, i)['img_path'] for i in range(len(dataset)))
            self._alone = frozenset(path for path, count in counts.items() if count == 1)
            self._dataset = dataset
        return self._alone
