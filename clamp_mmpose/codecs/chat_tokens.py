"""Conversations as tokens of a vision-language model, and which of them it learns."""

import re
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from PIL import Image

from clamp_mmpose.utils.choices import check_choice

from .chat_template import ANSWER, QUESTION, ChatText, ModelTemplate, VicunaTemplate
from .conversations import IMAGE_TAG, Turn, read_turns
from .pose_images import POSE_IMAGE_TOKEN, PoseImages

IGNORED = -100  # label of a token that is not learned, as PyTorch's cross entropy has it
Images = Sequence[Union[Image.Image, Tuple[int, int]]]


class ChatTokens:
    """Tokens and labels of conversations in LLaVA's format, by a model's own chat template.

    The answers and their end tokens are learned (Visual Instruction Tuning, Liu et al., NeurIPS 2023, eq. 3); all other
    labels are -100. Which tokens these are is read from the offsets of a fast tokenizer, and from the tokens of
    prefixes for a slow one; a token that is part of a question and of an answer is an error.

    LLaVA's own code counts tokens instead and, where the count is wrong, learns nothing from a record and goes on: a
    question or answer with ``ASSISTANT:`` or ``</s>``, an empty answer, an unknown piece (it pads with the same token).

    Args:
        processor: of transformers; a tokenizer alone reads texts, and one token for each image if it has ``<image>``.
        template: None: the processor's; ``'vicuna_v1'``: LLaVA's published form; or one in Jinja. With ``'vicuna_v1'``
            images that the processor would crop to a square are padded to one, as LLaVA-1.5 does: people at the border
            of a wide image are not lost.
        pose_token: an ordinary token that answers may have and questions may not, added to the tokenizer if that lacks
            it, see :class:`ChatPose`.
        pose_images: arguments of :class:`PoseImages`, for a second image tower: as many further tokens stand behind
            those of each image, and ``pose_pixels`` are made of it.

    Attributes:
        pose_id: of the pose token; None without one.
        pose_image_id: of the tokens of the second tower; None without one.
        added_ids: tokens that the tokenizer lacked.

    Raises:
        ValueError: there is no chat template, or it cannot be used; the pose token is a special one.
    """

    def __init__(
        self,
        processor: Any,
        template: Optional[str] = None,
        pose_token: Optional[str] = None,
        pose_images: Optional[dict] = None,
    ) -> None:
        self.processor = processor
        self.tokenizer = getattr(processor, 'tokenizer', processor)
        self.pose_token = pose_token
        self.pose_images = None if pose_images is None else PoseImages(**pose_images)
        second = None if pose_images is None else POSE_IMAGE_TOKEN
        self.added_ids = _add_tokens(self.tokenizer, [name for name in (pose_token, second) if name])
        ids = self.tokenizer.get_vocab()
        self.pose_id: Optional[int] = ids[pose_token] if pose_token else None
        self.pose_image_id: Optional[int] = ids[second] if second else None
        image_token = str(getattr(processor, 'image_token', None) or IMAGE_TAG)
        self.image_id = self.tokenizer.get_vocab().get(image_token)
        special = [str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special]
        self.special = re.compile('|'.join(map(re.escape, special)) or '(?!)')
        self.published = template == 'vicuna_v1'
        self.template: Union[VicunaTemplate, ModelTemplate]
        if self.published:
            if self.tokenizer.eos_token is None or self.tokenizer.bos_token_id is None:
                raise ValueError('vicuna_v1 needs a tokenizer with bos_token and eos_token.')
            self.template = VicunaTemplate(self.tokenizer.eos_token)
        else:
            self.template = ModelTemplate(self.tokenizer, self._jinja(template), image_token)
        whole, own = (self.tokenizer('a', add_special_tokens=special)['input_ids'] for special in (True, False))
        places = [i for i in range(len(whole)) if whole[i : i + len(own)] == own]
        self.start: List[int] = whole[: places[0]] if places else []
        self.stop: List[int] = whole[places[0] + len(own) :] if places else []
        self.expansions: Dict[Tuple[int, int], List[int]] = {}  # tokens of an image, by its (w, h)
        self.by_offsets = self.tokenizer.is_fast and self._offsets_fit()

    def encode(
        self, conversations: Sequence[dict], images: Images = (), record_id: str = ''
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Tokens and labels, both ``[L]`` int64.

        Args:
            images: of the conversation, in its order, or their sizes (w, h): nothing is decoded.
            record_id: for errors.

        Raises:
            ValueError: a fault of the conversation, see :func:`read_turns`; nothing is learned; a token is part of a
                question and of an answer. The record is named.
        """
        try:
            turns = read_turns(conversations, len(images))
            self._check_special(turns)
            chat = self.template.write(turns)
            ids, labels = self._expanded(*self._tokens(chat), images)
            if (labels == IGNORED).all():
                raise ValueError('no token is learned.')
        except ValueError as error:
            raise ValueError(f'record {record_id!r}: {error}') from error
        return ids, labels

    def prompt(self, conversations: Sequence[dict], images: Images = ()) -> np.ndarray:
        """The tokens ``[L]`` up to where the model answers the last question.

        Raises:
            ValueError: as :meth:`encode`; the last turn is not from human.
        """
        turns = read_turns(conversations, len(images), 'human')
        self._check_special(turns)
        chat = self.template.write(turns, prompt=True)
        return self._expanded(*self._tokens(chat), images)[0]

    def inputs(
        self, conversations: Sequence[dict], images: Sequence[Image.Image] = (), record_id: str = ''
    ) -> Dict[str, torch.Tensor]:
        """What the model learns from: ``input_ids`` and ``labels`` ``[L]`` and the processor's image tensors.

        Raises:
            ValueError: as :meth:`encode`.
        """
        pixels = self._pixels(images)
        ids, labels = self.encode(conversations, images, record_id)
        return dict(self._rows(ids), labels=torch.from_numpy(labels), **pixels)

    def prompt_inputs(
        self, conversations: Sequence[dict], images: Sequence[Image.Image] = ()
    ) -> Dict[str, torch.Tensor]:
        """What the model answers: ``input_ids`` ``[L]`` and the processor's image tensors.

        Raises:
            ValueError: as :meth:`prompt`.
        """
        pixels = self._pixels(images)
        return dict(self._rows(self.prompt(conversations, images)), **pixels)

    def _rows(self, ids: np.ndarray) -> Dict[str, torch.Tensor]:
        rows = dict(input_ids=torch.from_numpy(ids))
        if 'mm_token_type_ids' in getattr(self.processor, 'model_input_names', ()):  # Qwen-VL in transformers 5
            rows['mm_token_type_ids'] = torch.from_numpy((ids == self.image_id).astype(np.int64))
        return rows

    def _check_special(self, turns: Sequence[Turn]) -> None:
        """Refuse names of special tokens in texts: an answer would end there, or a question pretend to be an answer."""
        for turn in turns:
            found = self.special.search(turn.text.replace(IMAGE_TAG, ''))
            if found:
                raise ValueError(f'a turn from {turn.role} has the special token {found[0]!r}: leave it out.')
            if self.pose_token and turn.role != 'assistant' and self.pose_token in turn.text:
                raise ValueError(
                    f'a turn from {turn.role} has the pose token {self.pose_token!r}, which only answers may '
                    'have: leave it out.'
                )
            if self.pose_images and POSE_IMAGE_TOKEN in turn.text:
                raise ValueError(f'a turn from {turn.role} has the token {POSE_IMAGE_TOKEN!r}: leave it out.')

    def _jinja(self, template: Optional[str]) -> str:
        own = getattr(self.processor, 'chat_template', None) or getattr(self.tokenizer, 'chat_template', None)
        if template is not None:
            if '{' not in template:
                check_choice('ChatTokens: template', template, ('vicuna_v1',))
            return template
        own = own.get('default') if isinstance(own, dict) else own
        if not own:
            raise ValueError("the processor has no chat template: give template='vicuna_v1' or one in Jinja.")
        return own

    def _plain(self, text: str) -> List[int]:
        return self.tokenizer(text, add_special_tokens=False)['input_ids']

    def _tokens(self, chat: ChatText) -> Tuple[List[int], List[int]]:
        """Tokens and labels; an image is one token."""
        if not self.published:
            bos = self.tokenizer.bos_token
            start = [] if bos and chat.text.startswith(bos) else self.start
            ids, labels = self._part(chat.text, chat.learned)
            return start + ids, [IGNORED] * len(start) + labels
        ids, labels, place = [self.tokenizer.bos_token_id], [IGNORED], 0
        for i, text in enumerate(chat.text.split(IMAGE_TAG)):  # texts around an image are tokenized apart
            if i:
                ids.append(-1 if self.image_id is None else self.image_id)
                labels.append(IGNORED)
            learned = [(start - place, stop - place) for start, stop in chat.learned]
            own, its_labels = self._part(text, [span for span in learned if 0 <= span[0] < len(text)])
            ids += own
            labels += its_labels
            place += len(text) + len(IMAGE_TAG)
        return ids, labels

    def _part(self, text: str, learned: Sequence[Tuple[int, int]]) -> Tuple[List[int], List[int]]:
        """Tokens of a text, and their labels."""
        if self.by_offsets:
            encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            ids = encoded['input_ids']
            chosen = _inside(text, learned, encoded['offset_mapping'])
        else:
            ids = self._plain(text)
            chosen = [(self._count(text, start, ids), self._count(text, stop, ids)) for start, stop in learned]
        labels = [IGNORED] * len(ids)
        for first, last in chosen:
            labels[first:last] = ids[first:last]
        return ids, labels

    def _count(self, text: str, place: int, ids: List[int]) -> int:
        """How many tokens a text has up to a character."""
        for prefix in (text[:place], text[:place].rstrip()):
            own = self._plain(prefix)
            if ids[: len(own)] == own:
                return len(own)
        raise ValueError(_mismatch(text, place))

    def _offsets_fit(self) -> bool:
        """Whether offsets find an answer; those of some tokenizers are wrong."""
        if isinstance(self.template, ModelTemplate) and self.template.fault:
            return True
        self.by_offsets = True
        try:
            labels = self._tokens(self.template.write([QUESTION, ANSWER]))[1]
        except ValueError:
            return False
        text = self.tokenizer.decode([label for label in labels if label != IGNORED], skip_special_tokens=True)
        return text.strip().endswith(ANSWER.text)

    def _expanded(self, ids: List[int], labels: List[int], images: Images) -> Tuple[np.ndarray, np.ndarray]:
        """The same with as many tokens for each image as its processor writes."""
        image = -1 if self.image_id is None else self.image_id
        places = [i for i, token in enumerate(ids) if token == image]
        if len(places) != len(images):
            raise ValueError(f'the text has {len(places)} image tokens for {len(images)} images.')
        for place, item in reversed(list(zip(places, images))):
            tokens = self.expansion(item if isinstance(item, tuple) else item.size)
            if self.pose_images is not None and self.pose_image_id is not None:
                tokens = tokens + [self.pose_image_id] * self.pose_images.number
            ids[place : place + 1] = tokens
            labels[place : place + 1] = [IGNORED] * len(tokens)
        return np.array(ids, np.int64), np.array(labels, np.int64)

    def expansion(self, size: Tuple[int, int]) -> List[int]:
        """The tokens that the processor writes for an image of (w, h)."""
        if size not in self.expansions:
            self._pixels([Image.new('RGB', size)])
        return self.expansions[size]

    def _pixels(self, images: Sequence[Image.Image]) -> Dict[str, torch.Tensor]:
        """The processor's tensors of the images; how many tokens each takes is remembered."""
        if not images:
            return {}
        if self.image_id is None:
            raise ValueError(f'the processor has no token for an image (its image_token, or {IMAGE_TAG}).')
        if self.processor is self.tokenizer:
            self.expansions.update({image.size: [self.image_id] for image in images})
            return {}
        if len(images) > 1:
            for image in images:
                self.expansion(image.size)
        token = self.tokenizer.convert_ids_to_tokens(self.image_id)
        image_processor, shown = self.processor.image_processor, list(images)
        if self.published and getattr(image_processor, 'do_center_crop', False):
            shown = [_padded(image, image_processor.image_mean) for image in images]
        made = self.processor(images=shown, text=[token * len(images)], return_tensors='pt')
        ids = made['input_ids'][0].tolist()
        ids = ids[len(self.start) if ids[: len(self.start)] == self.start else 0 :]
        if self.stop and ids[-len(self.stop) :] == self.stop:
            ids = ids[: -len(self.stop)]
        if len(images) == 1:
            self.expansions[images[0].size] = ids
        tensors = {name: made[name] for name in image_processor.model_input_names if name in made}
        return tensors if self.pose_images is None else dict(tensors, pose_pixels=self.pose_images(images))


def _add_tokens(tokenizer: Any, names: Sequence[str]) -> List[int]:
    """Add tokens that a tokenizer lacks, as ordinary ones, which decoded texts show; returns their ids."""
    from transformers import AddedToken

    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    for name in names:
        if name in special:
            raise ValueError(f'{name!r} is a special token of the tokenizer: name another one.')
    missing = [name for name in names if name not in tokenizer.get_vocab()]
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in missing])
    return [tokenizer.get_vocab()[name] for name in missing]


def _padded(image: Image.Image, mean: Sequence[float]) -> Image.Image:
    """The image in the middle of a square of the processor's mean color, as in LLaVA's code."""
    side = max(image.size)
    square = Image.new('RGB', (side, side), tuple(int(255 * value) for value in mean))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _inside(text: str, learned: Sequence[Tuple[int, int]], offsets: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """First and last + 1 token of each part that is learned."""
    begin, end = np.array(offsets, np.int64).reshape(-1, 2).T
    chosen = []
    for start, stop in learned:
        # a token without characters, such as a space that the tokenizer cuts off, belongs where it stands
        inside = np.flatnonzero(((end > start) & (begin < stop)) | ((begin == end) & (begin >= start) & (begin < stop)))
        if not len(inside):
            raise ValueError(_mismatch(text, start))
        first, last = inside[0], inside[-1]
        if text[begin[first] : start].strip() or text[stop : end[last]].strip():
            raise ValueError(_mismatch(text, start if text[begin[first] : start].strip() else stop))
        chosen.append((first, last + 1))
    return chosen


def _mismatch(text: str, place: int) -> str:
    return (
        f'a token is part of a question and of an answer at {text[max(place - 20, 0) : place + 20]!r}, so what is '
        'learned is not known: use the model with its own tokenizer and chat template.'
    )
