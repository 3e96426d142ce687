"""Asks a vision-language model about images."""

import os
import re
import threading
from pathlib import Path
from typing import Any, Generic, List, Optional, Sequence, Tuple, TypeVar, Union, cast

import numpy as np
from mmengine.config import Config
from mmengine.device import get_device
from PIL import Image

from clamp_mmpose.checkpoints.reader import check_exists
from clamp_mmpose.datasets.files.arrays import to_bgr
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.utils.choices import check_finite_number

from .model_zoo import find_model, read_config
from .trained_model import load_vision_language_model

OneImage = Union[str, Path, np.ndarray, Image.Image]
Images = Union[OneImage, Sequence[OneImage], None]
Question = Union[str, Sequence[dict]]
History = Sequence[Tuple[str, str]]
Answer = TypeVar('Answer')
HUB_NAME = re.compile(r'[\w.-]+/[\w.-]+')


class ModelChat(Generic[Answer]):
    """A loaded model that is asked, for :class:`ImageChat` and :class:`PoseChat`; see there."""

    def __init__(
        self, config: Union[str, Path, Config], checkpoint: Optional[str] = None, device: Optional[str] = None
    ):
        check_exists(checkpoint)
        self.cfg, model = load_vision_language_model(read_chat_config(config), checkpoint)
        self.model = model.to(device or get_device())
        self.max_length: int = cast(Any, model).max_length
        # some versions of transformers replace methods of the layers while they run
        self._lock = threading.Lock()

    def ask(
        self,
        images: Sequence[Images],
        questions: Sequence[Question],
        max_new_tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        batch_size: int = 8,
        **settings: Any,
    ) -> List[Answer]:
        """Answer one question about each image, ``batch_size`` of them at a time; else as one call for each.

        Raises:
            ValueError: as for one question; its index is named.
        """
        if len(images) != len(questions):
            raise ValueError(f'expected one question for each image, got {len(questions)} for {len(images)} images.')
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size!r}, expected at least 1 question.')
        answers: List[Answer] = []
        for start in range(0, len(questions), batch_size):
            chosen = slice(start, start + batch_size)
            read = [read_images(image) for image in images[chosen]]
            asked = [with_history(question) for question in questions[chosen]]
            answers += self._answer(read, asked, max_new_tokens, temperature, start, **settings)
        return answers

    def _answer(
        self,
        images: List[List[Image.Image]],
        conversations: List[List[dict]],
        max_new_tokens: Optional[int],
        temperature: Optional[float],
        start: Optional[int] = None,
        **settings: Any,
    ) -> List[Answer]:
        """The answers of a batch; ``start`` is the index of its first question if there are several."""
        usual: Any = self.model.test_cfg
        length = usual['max_new_tokens'] if max_new_tokens is None else max_new_tokens
        heat = usual['temperature'] if temperature is None else temperature
        if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1:
            raise ValueError(f'max_new_tokens={length!r}, expected at least 1 token.')
        check_finite_number('temperature', heat)
        if heat < 0:
            raise ValueError(f'temperature={heat!r}, expected at least 0.')
        with self._lock:
            room = self.max_length
            for i, pair in enumerate(zip(conversations, images)):
                try:
                    room = min(room, self._room(*pair))
                except ValueError as error:
                    raise error if start is None else ValueError(f'question {start + i}: {error}') from error
            return self._write(images, conversations, min(int(length), room), heat, **settings)

    def _write(
        self,
        images: List[List[Image.Image]],
        conversations: List[List[dict]],
        max_new_tokens: int,
        temperature: float,
        **settings: Any,
    ) -> List[Answer]:
        """The answers of a batch whose settings are checked; one thread at a time."""
        raise NotImplementedError

    def _room(self, conversation: List[dict], images: List[Image.Image]) -> int:
        """How many tokens an answer can have."""
        tokens, limit = len(self.model.chat.prompt(conversation, images)), self.max_length
        if tokens >= limit:
            raise ValueError(
                f'the conversation has {tokens:,} tokens with its images, and the model reads {limit:,} with the '
                'answer: shorten the question, or start a new conversation.'
            )
        return limit - tokens


class ImageChat(ModelChat[str]):
    """Answers questions about images by a :class:`VisionLanguageModel`. Several threads can share one.

    Args:
        config: of the model: a file, the name of a model, or a config; or a folder with a model of transformers, such
            as one that ``tools/export.py`` wrote, or a name on the hub, which need no checkpoint.
        checkpoint: of the tuned model, whole or with only what was trained; None: the pretrained weights.
        device: default: a GPU if there is one.

    Raises:
        FileNotFoundError: there is no such config or checkpoint.
        ValueError: another model, or a checkpoint that does not fit it.
    """

    def __call__(
        self,
        image: Images,
        question: Question,
        history: History = (),
        max_new_tokens: Optional[int] = None,
        temperature: Optional[float] = None,
    ) -> str:
        """Answer a question.

        Args:
            image: a file, an array as in :func:`to_bgr` or a PIL image; a list of them; None: a question without image.
                ``<image>`` in the texts says where each is read, by default before the first question.
            question: its text, or a whole conversation in LLaVA's format that ends with a turn from ``human``.
            history: earlier questions about the image with their answers.
            max_new_tokens: length of the answer, which also ends with the model's context; None: as in ``test_cfg``.
            temperature: 0: the likeliest token each time; otherwise tokens are drawn; None: as in ``test_cfg``.

        Raises:
            FileNotFoundError: there is no such image.
            ValueError: an image cannot be read, or the conversation is malformed or longer than the model's context.
        """
        conversation = with_history(question, history)
        return self._answer([read_images(image)], [conversation], max_new_tokens, temperature)[0]

    def _write(self, *question: Any, **settings: Any) -> List[str]:
        return self.model.generate(*question, **settings)


def read_chat_config(config: Union[str, Path, Config], options: Optional[dict] = None) -> Config:
    """The config of a file, of the name of a model, or of a folder or a name on the hub with a model of transformers.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: it cannot be read.
    """
    if isinstance(config, Config):
        return config
    name = str(config)
    exported = os.path.join(name, 'config.py')
    if os.path.isfile(exported):
        return read_config(exported, options)
    on_hub = HUB_NAME.fullmatch(name) and not name.endswith('.py') and not os.path.exists(name)
    if not (on_hub and find_model(name) is None) and not os.path.isfile(os.path.join(name, 'config.json')):
        return read_config(name, options)
    model = dict(
        type='VisionLanguageModel',
        model=name,
        tune='frozen',
        tune_projector=False,
        init_cfg=dict(type='Pretrained', checkpoint=name),
    )
    cfg = Config(dict(model=model))
    cfg.merge_from_dict(options or {})
    return cfg


def with_history(question: Question, history: History = ()) -> List[dict]:
    """A conversation in LLaVA's format that ends with a question."""
    if not isinstance(question, str):
        if history:
            raise ValueError('a conversation has its history in its turns: leave out history=.')
        return list(question)
    if not question.strip():
        raise ValueError('the question is empty: ask something.')
    # a model may answer nothing, which no conversation can hold
    rounds = [(asked, answer) for asked, answer in history if answer.strip()]
    turns = [turn for asked, answer in rounds for turn in (_turn('human', asked), _turn('gpt', answer))]
    return [*turns, _turn('human', question)]


def read_images(image: Images) -> List[Image.Image]:
    """The RGB images of a question.

    Raises:
        FileNotFoundError: there is no such image.
        ValueError: it cannot be read.
    """
    if image is None:
        return []
    many: Sequence[Any] = image if isinstance(image, (list, tuple)) else [image]
    arrays = [
        read_image(str(item)) if isinstance(item, (str, Path)) else to_bgr(item, f'image {i}')
        for i, item in enumerate(many)
    ]
    return [Image.fromarray(np.ascontiguousarray(array[..., ::-1])) for array in arrays]


def _turn(speaker: str, text: str) -> dict:
    return {'from': speaker, 'value': text}
