from typing import Optional

from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.files.arrays import to_bgr
from clamp_mmpose.datasets.files.images import read_image


@TRANSFORMS.register_module()
class LoadIntactImage(LoadImage):
    """MMPose's ``LoadImage``, which also reports truncated files and arrays that are not images.

    See :func:`read_image` and :func:`to_bgr`.
    """

    def transform(self, results: dict) -> Optional[dict]:
        if 'img' not in results:
            results['img'] = read_image(results['img_path'], self.color_type, self.imdecode_backend)
        elif self.color_type == 'color':
            results['img'] = to_bgr(results['img'], results.get('img_path') or 'the image')
        return super().transform(results)
