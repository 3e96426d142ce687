import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from .resize_to_input import bbox_pixels


@TRANSFORMS.register_module()
class OpenCLIPPreprocess(BaseTransform):
    """Prepare an image as open_clip does for one of its models: resize, center crop, normalize.

    A sample's ``bbox`` is cropped first. ``img`` becomes float32 ``[H, W, 3]``, RGB, for a model without
    ``data_preprocessor``.

    Args:
        arch: name of the architecture in open_clip.
        tag: tag of its weights, some of which have their own mean, std and resizing.

    Raises:
        ValueError: open_clip has no such model.
    """

    def __init__(self, arch: str, tag: str = ''):
        import open_clip

        config = open_clip.get_model_config(arch)
        if config is None:
            raise ValueError(f'open_clip has no model {arch!r}; open_clip.list_models() names them.')
        settings = open_clip.transform.merge_preprocess_dict(
            open_clip.transform.PreprocessCfg(size=config['vision_cfg'].get('image_size', 224)),
            open_clip.get_pretrained_cfg(arch, tag),
        )
        self.preprocess = open_clip.transform.image_transform_v2(
            open_clip.transform.PreprocessCfg(**settings), is_train=False
        )

    def transform(self, results: dict) -> dict:
        """Prepare one image."""
        from PIL import Image

        image = results['img']
        if results.get('bbox') is not None:
            x1, y1, x2, y2 = bbox_pixels(results)
            image = image[y1:y2, x1:x2]
        pixels = self.preprocess(Image.fromarray(np.ascontiguousarray(image[..., ::-1])))
        results['img'] = pixels.permute(1, 2, 0).numpy()
        results['input_size'] = results['img'].shape[1::-1]
        return results
