from typing import Optional, Sequence, Union

from mmpose.registry import MODELS
from torch import Tensor, nn

from .image_text_model import ImageTextModel


@MODELS.register_module()
class CLIPTowers(ImageTextModel):
    """An image tower and a text encoder with a shared space, such as CLAMP's, for zero-shot tests.

    Args:
        backbone: a CLIP tower with ``out='embeddings'``, as a config or built.
        text_encoder: the text tower that belongs to it, as a config or built.
        data_preprocessor: as for MMEngine's ``BaseModel``.
    """

    def __init__(
        self,
        backbone: Union[dict, nn.Module],
        text_encoder: Union[dict, nn.Module],
        data_preprocessor: Union[dict, nn.Module, None] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone) if isinstance(backbone, dict) else backbone
        self.text_encoder = MODELS.build(text_encoder) if isinstance(text_encoder, dict) else text_encoder

    def embed_images(self, inputs: Tensor) -> Tensor:
        """``[B, 3, H, W]``, normalized -> ``[B, D]``."""
        return self.backbone(inputs)[-1]

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``."""
        return self.text_encoder(texts)
