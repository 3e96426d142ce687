from typing import Any, Dict, List, Optional

from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from PIL import Image
from torch import Tensor

from clamp_mmpose.checkpoints.hub import load_processor
from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.codecs.conversations import IMAGE_TAG, without_last_round
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.utils.choices import check_choice

TOO_LONG = ('error', 'skip', 'drop_rounds')


@TRANSFORMS.register_module()
class TokenizeConversation(BaseTransform):
    """Reads the images of a conversation, and writes what a vision-language model learns from it.

    Required keys: ``record_id``, ``img_path`` (None, a path or a list of paths), ``conversations``. The result has only
    ``inputs``, see :meth:`ChatTokens.inputs`, and ``data_samples``, a dict of the three.

    Args:
        processor: folder or name of a model of transformers.
        template: see :class:`ChatTokens`.
        max_length: tokens that a conversation may have, those of images included; None: any number.
        too_long: ``'error'``; ``'skip'``: another record is drawn; ``'drop_rounds'``: last rounds are left out, and
            another record is drawn if the first is too long. Nothing is cut off: a part of an image cannot be read,
            and an answer without its end is not to be learned.

    Raises:
        ValueError: see :class:`ChatTokens`, a conversation is too long, an image cannot be read; the record is named.
        FileNotFoundError: an image does not exist.
    """

    def __init__(
        self,
        processor: str,
        template: Optional[str] = None,
        max_length: Optional[int] = None,
        too_long: str = 'error',
    ):
        check_choice('TokenizeConversation: too_long', too_long, TOO_LONG)
        self.chat = ChatTokens(load_processor(processor), template)
        self.max_length, self.too_long = max_length, too_long

    def transform(self, results: dict) -> Optional[dict]:
        path = results['img_path']
        paths = path if isinstance(path, list) else [] if path is None else [path]
        record_id = results['record_id']
        images = [read_rgb(path) for path in paths]
        inputs = self._fitting(results['conversations'], images, record_id)
        if inputs is None:
            return None
        sample = {key: results[key] for key in ('record_id', 'img_path', 'conversations')}
        return dict(inputs=inputs, data_samples=sample)

    def _fitting(
        self, conversations: List[dict], images: List[Image.Image], record_id: str
    ) -> Optional[Dict[str, Tensor]]:
        inputs: Any = self.chat.inputs(conversations, images, record_id)
        length = len(inputs['input_ids'])
        if self.max_length is None or length <= self.max_length:
            return inputs
        if self.too_long == 'error':
            raise ValueError(
                f'record {record_id!r} has {length:,} tokens, max_length is {self.max_length:,}: shorten it, or set '
                "too_long='skip' or 'drop_rounds'."
            )
        rest = without_last_round(conversations) if self.too_long == 'drop_rounds' else []
        if rest:
            kept, all_tags = (sum(turn['value'].count(IMAGE_TAG) for turn in turns) for turns in (rest, conversations))
            return self._fitting(rest, images[:kept] if all_tags else images, record_id)
        return None


def read_rgb(path: str) -> Image.Image:
    """An image file as processors of transformers read it, see :func:`read_image`."""
    return Image.fromarray(read_image(path)[..., ::-1])
