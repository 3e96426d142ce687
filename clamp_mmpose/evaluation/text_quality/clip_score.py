"""CLIPScore (Hessel et al., 2021): how well a text fits its image in the eyes of an image-text model."""

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.transforms import OpenCLIPPreprocess
from clamp_mmpose.models.image_text import OpenCLIPModel

from .published import published_chunks
from .splitting import sentences
from .texts import Text

IMAGES_AT_ONCE, TEXTS_AT_ONCE = 32, 256
RESERVED = 3  # tokens that some tokenizers of open_clip add where others pad


class CLIPScore:
    """Score texts by ``100 max(cos, 0)`` between the image and each part of a text, averaged over the parts.

    A part is a sentence; one that is longer than the model's context is halved until it fits.

    Args:
        arch: an open_clip name, such as ``'ViT-L-14-quickgelu'``, FocusCLIP's.
        weights: an open_clip tag (``'openai'``) or a file.
        images: folder of the images.
        published: sentences of more than 55 tokens are cut into parts of 55 whose rest is lost; a part that does not
            fit counts 0, and a text none of whose parts fits has no score.
        device: where the model runs.

    Raises:
        ValueError: no such model or weights, see :class:`OpenCLIPModel`.
    """

    def __init__(self, arch: str, weights: str, images: Union[str, Path], published: bool = False, device: str = 'cpu'):
        self.images = Path(images)
        self.published = published
        self.model: Any = OpenCLIPModel(arch, init_cfg=dict(type='Pretrained', checkpoint=weights))
        self.model.init_weights()
        self.model.to(device).eval()
        self.preprocess = OpenCLIPPreprocess(arch, '' if Path(weights).expanduser().is_file() else weights)
        self.device = device

    def __call__(self, texts: Sequence[Text], progress: Callable = lambda items, **_: items) -> List[Optional[float]]:
        """The score of each text; None for a text without image.

        Args:
            texts: with words each.
            progress: wraps the batches of images, such as ``rich.progress.track``.

        Raises:
            FileNotFoundError: an image does not exist.
        """
        of_image: Dict[str, List[int]] = {}
        for number, text in enumerate(texts):
            if text.image is not None:
                of_image.setdefault(text.image, []).append(number)
        self._check_images(list(of_image))
        scores: List[Optional[float]] = [None] * len(texts)
        names = list(of_image)
        batches = [names[start : start + IMAGES_AT_ONCE] for start in range(0, len(names), IMAGES_AT_ONCE)]
        for batch in progress(batches, description='CLIPScore'):
            for name, embedding in zip(batch, self._embed_images(batch)):
                for number in of_image[name]:
                    scores[number] = self._score(texts[number].text, embedding)
        return scores

    def chunks(self, text: str) -> List[str]:
        """The parts of a text that are scored."""
        if self.published:
            return published_chunks(text)
        return [part for sentence in sentences(text, 'paragraph') for part in self._halve(sentence)]

    def fits(self, text: str) -> bool:
        """Whether the model reads all of a text."""
        tokenizer = self.model.tokenizer
        context = tokenizer.context_length
        empty, row = tokenizer(['', text], context_length=2 * context + 2)
        differs = (row != empty).nonzero()
        reserved = 0 if (empty != empty.mode().values).sum() > 1 else RESERVED
        return not len(differs) or int(differs[-1]) + 1 + reserved <= context

    def _halve(self, text: str) -> List[str]:
        words = text.split()
        if len(words) <= 1 or self.fits(text):
            return [text]
        middle = len(words) // 2
        return self._halve(' '.join(words[:middle])) + self._halve(' '.join(words[middle:]))

    @torch.no_grad()
    def _score(self, text: str, image: Tensor) -> Optional[float]:
        chunks = self.chunks(text)
        read = [chunk for chunk in chunks if self.fits(chunk)] if self.published else chunks
        if not read:
            return None
        embeddings = [
            self.model.embed_texts(read[start : start + TEXTS_AT_ONCE]) for start in range(0, len(read), TEXTS_AT_ONCE)
        ]
        cosines = F.normalize(torch.cat(embeddings).float(), dim=1) @ image
        return float(100 * cosines.clamp(min=0).sum()) / len(chunks)

    @torch.no_grad()
    def _embed_images(self, names: Sequence[str]) -> Tensor:
        files = [read_image(str(self.images / name)) for name in names]
        pixels = [torch.from_numpy(self.preprocess.transform(dict(img=image))['img']) for image in files]
        inputs = torch.stack(pixels).permute(0, 3, 1, 2).to(self.device)
        return F.normalize(self.model.embed_images(inputs).float(), dim=1)

    def _check_images(self, names: Sequence[str]) -> None:
        lacking = [name for name in names if not (self.images / name).is_file()]
        if lacking:
            raise FileNotFoundError(
                f'{len(lacking):,} of {len(names):,} images of the texts are not in {self.images}, such as '
                f'{lacking[0]}: give their folder with --images.'
            )
