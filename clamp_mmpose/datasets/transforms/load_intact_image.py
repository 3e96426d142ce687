from typing import Any, Dict, Optional

import numpy as np
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.files.arrays import to_bgr
from clamp_mmpose.datasets.files.images import read_image


@TRANSFORMS.register_module()
class LoadIntactImage(LoadImage):
    """MMPose's ``LoadImage``, which also reports truncated files and arrays that are not images.

    See :func:`read_image` and :func:`to_bgr`.

    Args:
        keep: keep every decoded image in memory, for a few hundred small ones; each worker keeps its own.
        load_image: arguments of ``LoadImage``.
    """

    def __init__(self, keep: bool = False, **load_image: Any):
        super().__init__(**load_image)
        self.keep = keep
        self.kept: Dict[str, np.ndarray] = {}

    def transform(self, results: dict) -> Optional[dict]:
        if 'img' not in results:
            path = results['img_path']
            image = self.kept.get(path)
            if image is None:
                image = read_image(path, self.color_type, self.imdecode_backend)
                if self.keep:
                    self.kept[path] = image
            results['img'] = image.copy() if self.keep else image
        elif self.color_type == 'color':
            results['img'] = to_bgr(results['img'], results.get('img_path') or 'the image')
        return super().transform(results)
