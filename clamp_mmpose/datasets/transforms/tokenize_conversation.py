from typing import Any, Dict, List, Optional, Tuple

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from PIL import Image
from torch import Tensor

from clamp_mmpose.checkpoints.hub import load_processor
from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.codecs.conversations import IMAGE_TAG, count_in_answers, first_answer, without_last_round
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.utils.choices import check_choice

TOO_LONG = ('error', 'skip', 'drop_rounds')
# what data sets know besides, for metrics
OTHERS = ('poses', 'pose_masks', 'texts', 'betas', 'gender', 'joints_3d', 'bbox', 'person', 'aspect', 'source')


@TRANSFORMS.register_module()
class TokenizeConversation(BaseTransform):
    """Reads the images of a conversation, and writes what a vision-language model learns from it.

    Required keys: ``record_id``, ``img_path`` (None, a path or a list of paths), ``conversations``; no file is read if
    there are ``images``, such as of :class:`CropPerson`. The result has only ``inputs``, see
    :meth:`ChatTokens.inputs`, and ``data_samples``, a dict of the three and of what else the data set knows.

    With ``pose_token``, ``inputs`` of a record with 3D poses also has ``poses`` ``[P, 24, 3, 3]`` float32, the
    rotations of all pose tokens in their order, and ``pose_masks`` ``[P, 24]`` bool, which of them are labeled: those
    of the keys ``poses`` and ``pose_masks``.

    Args:
        processor: folder or name of a model of transformers.
        template: see :class:`ChatTokens`.
        max_length: tokens that a conversation may have, those of images included; None: any number.
        too_long: ``'error'``; ``'skip'``: another record is drawn; ``'drop_rounds'``: last rounds are left out, and
            another record is drawn if the first is too long. Nothing is cut off: a part of an image cannot be read,
            and an answer without its end is not to be learned.
        pose_token: text of the token that means a 3D pose in an answer (ChatPose), such as ``'<POSE>'``.
        pose_images: what the second tower of the model reads, see :class:`PoseImages`.

    Raises:
        ValueError: see :class:`ChatTokens`, a conversation is too long, an image cannot be read, the answers have more
            or fewer pose tokens than the record has poses; the record is named.
        FileNotFoundError: an image does not exist.
    """

    def __init__(
        self,
        processor: str,
        template: Optional[str] = None,
        max_length: Optional[int] = None,
        too_long: str = 'error',
        pose_token: Optional[str] = None,
        pose_images: Optional[dict] = None,
    ):
        check_choice('TokenizeConversation: too_long', too_long, TOO_LONG)
        self.pose_token = pose_token
        self.chat = ChatTokens(load_processor(processor), template, pose_token, pose_images)
        self.max_length, self.too_long = max_length, too_long

    def transform(self, results: dict) -> Optional[dict]:
        path = results['img_path']
        paths = path if isinstance(path, list) else [] if path is None else [path]
        record_id = results['record_id']
        images = results['images'] if 'images' in results else [read_rgb(path) for path in paths]
        found = self._fitting(results['conversations'], images, record_id)
        if found is None:
            return None
        inputs, kept = found
        if self.pose_token is not None:
            self._add_poses(inputs, results, kept, self.pose_token)
        sample = {key: results[key] for key in ('record_id', 'img_path', 'conversations')}
        sample.update({key: results[key] for key in OTHERS if key in results})
        return dict(inputs=inputs, data_samples=sample)

    def _add_poses(self, inputs: Dict[str, Tensor], results: dict, kept: List[dict], token: str) -> None:
        """The poses of the tokens that are learned; rounds that are left out lose theirs."""
        conversations, poses = results['conversations'], results.get('poses', ())
        written = count_in_answers(conversations, token)
        if written != len(poses):
            raise ValueError(
                f'record {results["record_id"]!r}: {len(poses)} poses for {written} {token} in its answers: '
                'give one pose for each.'
            )
        first = count_in_answers(first_answer(conversations), token)
        last = count_in_answers(kept, token)
        learned = int((inputs['labels'] == self.chat.pose_id).sum())
        if learned != last - first:
            raise ValueError(
                f'record {results["record_id"]!r}: {learned} of {last - first} {token} in its answers are '
                'learned: the tokenizer does not find this token.'
            )
        if learned:
            inputs['poses'] = torch.as_tensor(poses[first:last], dtype=torch.float32)
            inputs['pose_masks'] = torch.as_tensor(results['pose_masks'][first:last], dtype=torch.bool)

    def _fitting(
        self, conversations: List[dict], images: List[Image.Image], record_id: str
    ) -> Optional[Tuple[Dict[str, Tensor], List[dict]]]:
        """The inputs, and the part of the conversation that they hold."""
        inputs: Any = self.chat.inputs(conversations, images, record_id)
        length = len(inputs['input_ids'])
        if self.max_length is None or length <= self.max_length:
            return inputs, conversations
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
