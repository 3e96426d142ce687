import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from .generate_focus_heatmap import update_focus_heatmap


@TRANSFORMS.register_module()
class FocusMask(BaseTransform):
    """Darken the background of random images, as in FocusCLIP's masked image (eq. 2).

    The image is multiplied by ``alpha + H (1 - alpha)``, where H is the ``focus_heatmap``.

    Args:
        prob: probability of masking an image.
        alpha: factor for the darkest background, 0 to 1.

    Raises:
        ValueError: an argument is not in [0, 1], or there is no ``focus_heatmap``.
    """

    def __init__(self, prob: float = 0.5, alpha: float = 0.0):
        for name, value in (('prob', prob), ('alpha', alpha)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be from 0 to 1, got {value!r}.')
        self.prob, self.alpha = prob, alpha

    def transform(self, results: dict) -> dict:
        """Mask one image, or leave it unchanged."""
        heatmap = update_focus_heatmap(results)
        if np.random.rand() < self.prob:
            image = results['img']
            masked = image * (self.alpha + heatmap * (1 - self.alpha))[..., None]
            results['img'] = (np.rint(masked) if image.dtype == np.uint8 else masked).astype(image.dtype)
        return results
