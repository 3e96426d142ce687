from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpose.structures import PoseDataSample
from torch import Tensor

from clamp_mmpose.models.utils.cached import Cached
from clamp_mmpose.utils.choices import check_choice

TEXTS_AT_ONCE = 256


class ImageTextModel(Cached, BaseModel):
    """Base of models that embed images and texts in one space, for zero-shot classification (FocusCLIP, eq. 1).

    Subclasses define ``embed_images`` and ``embed_texts``, whose embeddings need not be normalized.

    Args:
        data_preprocessor: as for MMEngine's ``BaseModel``.
        init_cfg: as for MMEngine's ``BaseModel``.
    """

    def embed_images(self, inputs: Tensor) -> Tensor:
        """``[B, 3, H, W]``, normalized -> ``[B, D]``."""
        raise NotImplementedError

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """N texts -> ``[N, D]``."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, data_samples: Optional[List[PoseDataSample]] = None, mode: str = 'tensor'
    ) -> Union[Tensor, Dict[str, Tensor], List[PoseDataSample]]:
        """``'tensor'``: image embeddings ``[B, D]`` of length 1; ``'loss'`` and ``'predict'`` as their methods.

        Raises:
            ValueError: another mode.
        """
        check_choice('mode', mode, ('tensor', 'loss', 'predict'))
        if mode == 'tensor':
            return F.normalize(self.embed_images(inputs), dim=1)
        return getattr(self, mode)(inputs, data_samples)

    def loss(self, inputs: Tensor, data_samples: List[PoseDataSample]) -> Dict[str, Tensor]:
        """Defined by models that can be trained."""
        raise NotImplementedError(f'{type(self).__name__} is for tests; train FocusCLIP.')

    def predict(self, inputs: Tensor, data_samples: List[PoseDataSample]) -> List[PoseDataSample]:
        """Add ``class_scores [C]`` to each sample: the cosines of its image with its ``class_texts``."""
        images = F.normalize(self.embed_images(inputs), dim=1)
        class_texts = [tuple(map(tuple, sample.class_texts)) for sample in data_samples]
        classes = {texts: self.embed_classes(texts) for texts in set(class_texts)}
        for image, texts, sample in zip(images, class_texts, data_samples):
            sample.set_field(classes[texts] @ image, 'class_scores', dtype=Tensor)
        return data_samples

    def embed_classes(self, class_texts: Tuple[Tuple[str, ...], ...]) -> Tensor:
        """C classes of several texts each -> ``[C, D]`` of length 1, the mean over the texts, as CLIP's ensembles.

        Cached in eval mode.
        """
        return self.cached(class_texts, lambda: self._embed_classes(class_texts))

    def _embed_classes(self, class_texts: Tuple[Tuple[str, ...], ...]) -> Tensor:
        texts = [text for one in class_texts for text in one]
        chunks = [texts[i : i + TEXTS_AT_ONCE] for i in range(0, len(texts), TEXTS_AT_ONCE)]
        embeddings = F.normalize(torch.cat([self.embed_texts(chunk) for chunk in chunks]).float(), dim=1)
        means = [rows.mean(dim=0) for rows in embeddings.split([len(one) for one in class_texts])]
        return F.normalize(torch.stack(means), dim=1)
