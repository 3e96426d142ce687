from typing import Optional

from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.files.images import read_image


@TRANSFORMS.register_module()
class LoadIntactImage(LoadImage):
    """MMPose's ``LoadImage``, which also reports truncated files; see :func:`read_image`."""

    def transform(self, results: dict) -> Optional[dict]:
        if 'img' not in results:
            results['img'] = read_image(results['img_path'], self.color_type, self.imdecode_backend)
        return super().transform(results)
