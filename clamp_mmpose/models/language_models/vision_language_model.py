import contextlib
from typing import Any, Dict, List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModel, PretrainedInit
from mmpose.registry import MODELS
from PIL import Image
from torch import Tensor

from clamp_mmpose.checkpoints.hub import load_processor
from clamp_mmpose.codecs.chat_tokens import ChatTokens
from clamp_mmpose.datasets.instructions.collate import collate_conversations
from clamp_mmpose.models.utils.hugging_face import (
    DTYPES,
    in_precision,
    load_config,
    pretrained_weights,
    without_drawing,
)
from clamp_mmpose.models.utils.lora import load_base_weights, merge_lora
from clamp_mmpose.models.utils.tuning import check_tuning
from clamp_mmpose.utils.choices import check_choice

from .added_tokens import make_room, with_new_rows
from .image_tokens import check_image_tokens, image_token_id, token_types
from .prompts import prompts_of, with_row
from .vision_language_parts import set_trained_parts

ATTENTION = (None, 'sdpa', 'eager', 'flash_attention_2')


@MODELS.register_module()
class VisionLanguageModel(BaseModel):
    """An image-text-to-text model of transformers, tuned on conversations about images (LLaVA, Liu et al. 2023).

    LLaVA-1.5, LLaVA-OneVision, Qwen2.5-VL, SmolVLM, PaliGemma and others with a vision tower, a projector and a
    language model, as the installed transformers has them. Code that is part of a model is never run.

    Shapes: B conversations, L tokens of the longest one, N images, D the width, V the vocabulary.

    Args:
        model: folder or name on the hub: its config and processor; weights come from ``init_cfg``. None: ``config``
            and ``processor`` are given.
        config: for a model from scratch, such as ``dict(model_type='llava', text_config=dict(...), ...)``.
        processor: folder or name of the processor; default: ``model``.
        dtype: ``'float32'``, ``'bfloat16'`` or ``'float16'`` of the weights; LoRA, and what is trained beside it, are
            float32.
        tune: ``'frozen'``, ``'lora'`` (Hu et al. 2022) or ``'full'``: the language model.
        lora: arguments of :func:`add_lora`; default: LLaVA-1.5's, rank 128 and alpha 256 in all linear layers.
        tune_projector, tune_vision: whether these are trained. A vision tower of which LLaVA reads an inner layer has
            layers without gradient: set ``find_unused_parameters=True`` in the config for several GPUs.
        gradient_checkpointing: compute activations again in the backward pass, which saves memory.
        attention: ``'sdpa'``, ``'eager'`` or ``'flash_attention_2'``; None: what transformers chooses.
        template: form of the conversations, see :class:`ChatTokens`.
        test_cfg: of ``mode='predict'``: ``max_new_tokens`` (default: 1024, as LLaVA) and ``temperature`` (0).
        chat: further arguments of :class:`ChatTokens`. Tokens that it adds to the tokenizer get embeddings, which start
            at the mean of the others.
        data_preprocessor: default: copies to the device.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a folder or name with safetensors.

    Attributes:
        vlm: the model of transformers.
        processor: of images and texts.
        chat: its :class:`ChatTokens`.
        max_length: tokens of the longest conversation.

    Raises:
        ValueError: the model cannot be loaded, needs its own code, or has other weights.
        ImportError: transformers, or peft for LoRA, is not installed.
    """

    def __init__(
        self,
        model: Optional[str] = None,
        config: Optional[dict] = None,
        processor: Optional[str] = None,
        dtype: str = 'float32',
        tune: str = 'lora',
        lora: Optional[dict] = None,
        tune_projector: bool = True,
        tune_vision: bool = False,
        gradient_checkpointing: bool = False,
        attention: Optional[str] = None,
        template: Optional[str] = None,
        test_cfg: Optional[dict] = None,
        chat: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(data_preprocessor, init_cfg)
        check_choice('dtype', dtype, DTYPES)
        check_choice('attention', attention, ATTENTION)
        check_tuning(tune, lora)
        if gradient_checkpointing and tune == 'frozen':
            raise ValueError(
                "gradient_checkpointing=True needs tune='lora' or 'full': a frozen language model stays in eval mode, "
                'in which transformers keeps all activations.'
            )
        if (model is None) == (config is None):
            raise ValueError('a vision-language model needs either model= (a folder or a name) or config=, not both.')
        source = processor or model
        if source is None:
            raise ValueError('a vision-language model from a config needs processor=, a folder with a processor.')
        self.test_cfg: Dict[str, Any] = {'max_new_tokens': 1024, 'temperature': 0.0, **(test_cfg or {})}
        self.model_name = f'the {config.get("model_type", "")} model of this config' if model is None else model
        self.processor = load_processor(source)
        self.chat = ChatTokens(self.processor, template, **(chat or {}))
        built = _configuration(config or {}) if model is None else load_config(model)
        make_room(built.get_text_config(), self.processor.tokenizer, self.chat.added_ids)
        pretrained = bool(init_cfg) and init_cfg['type'] in ('Pretrained', PretrainedInit)
        chosen = {} if attention is None else dict(attn_implementation=attention)
        kind = _class_of(built, self.model_name)
        with without_drawing() if pretrained else contextlib.nullcontext():
            self.vlm = kind._from_config(built, **in_precision(getattr(torch, dtype)), **chosen)
        self.vlm.tie_weights()  # without_drawing() leaves tied weights apart
        self.parts = set_trained_parts(self.vlm, tune, lora, tune_projector, tune_vision)
        number = self.vlm.get_input_embeddings().weight.shape[0]
        largest = max(self.processor.tokenizer.get_vocab().values())
        if largest >= number:
            raise ValueError(
                f'the tokens of {source} go up to {largest}, and {self.model_name} has embeddings of '
                f'{number}, from 0: give the processor that belongs to the model.'
            )
        tokenizer = self.processor.tokenizer
        # the end of a turn may be another token than the end of a text
        ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(self.chat.template.end.strip())}
        self.stops = sorted(ends - {None, tokenizer.unk_token_id})
        self.pad: int = self.stops[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.max_length: int = built.get_text_config().max_position_embeddings
        if gradient_checkpointing:
            self.vlm.gradient_checkpointing_enable(dict(use_reentrant=False))

    def init_weights(self) -> None:
        """Load pretrained weights.

        Raises:
            ValueError: they cannot be loaded, or belong to another model.
        """
        init_cfg: Any = self.init_cfg
        if init_cfg and init_cfg['type'] in ('Pretrained', PretrainedInit):
            source = init_cfg['checkpoint']
            dtype = in_precision(self.vlm.get_input_embeddings().weight.dtype)
            weights = pretrained_weights(type(self.vlm), source, lambda model: model, **dtype)
            weights = with_new_rows(self.vlm, weights, self.chat.added_ids)
            load_base_weights(self.vlm, weights, source, self.model_name, 'Give the weights of the same model.')
        self._is_init = True

    def merge(self) -> None:
        """Add LoRA to the weights, in place."""
        for module in [module for module in self.vlm.modules() if 'peft_config' in vars(module)]:
            merge_lora(module)

    def forward(
        self, inputs: Dict[str, Tensor], data_samples: Optional[Sequence[Any]] = None, mode: str = 'tensor'
    ) -> Union[Tensor, Dict[str, Tensor], List[Any]]:
        """
        Args:
            inputs: ``input_ids``, ``attention_mask`` and ``labels`` ``[B, L]`` (-100: not learned), and what the
                processor makes of the images, such as ``pixel_values`` ``[N, 3, H, W]``.
            data_samples: of each conversation, with its ``record_id``.
            mode: ``'loss'``: ``loss_text`` and ``acc_text``, see :meth:`loss`; ``'predict'``: the data samples with
                the answer to the first question as ``pred_text``; ``'tensor'``: logits ``[B, L, V]``.

        Raises:
            ValueError: a record has another number of image tokens than its images have features.
        """
        check_choice('mode', mode, ('loss', 'predict', 'tensor'))
        check_image_tokens(self.vlm.config, inputs, _names(data_samples, len(inputs['input_ids'])))
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return self.logits(self.hidden_states(inputs))

    def loss(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Cross entropy, the mean over the labeled tokens of all processes, and the accuracy over this process's."""
        inputs = self.with_blank_image(inputs)
        return self.text_loss(self.hidden_states(inputs), inputs['labels'])

    def with_blank_image(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """A batch without images gets a row with one, of which nothing is learned, if there are several processes."""
        if get_world_size() == 1 or 'pixel_values' in inputs:
            return inputs
        # a projector without gradient stops DDP, and a sharded tower waits for the processes that have images
        turns = [{'from': 'human', 'value': '<image>\nblank'}]
        return with_row(inputs, self.chat.prompt_inputs(turns, [Image.new('RGB', (64, 64))]), self.pad)

    def text_loss(self, hidden: Tensor, labels: Tensor) -> Dict[str, Tensor]:
        """:meth:`loss` from states ``[B, L, D]`` and labels ``[B, L]``."""
        each, right = self.token_loss(hidden, labels)
        count = each.new_tensor(float(len(each)))
        all_reduce(count)
        loss = each.sum() * get_world_size() / count.clamp(min=1)
        return dict(loss_text=loss, acc_text=right.float().sum() / max(len(right), 1))

    def predict(self, inputs: Dict[str, Tensor], data_samples: Optional[Sequence[Any]] = None) -> List[Any]:
        """The data samples with an answer to the first question as ``pred_text``; by default, dicts with it alone."""
        texts = self._texts(self._write(self._questions(inputs, data_samples), **self.test_cfg))
        samples = [{} for _ in texts] if data_samples is None else data_samples
        return [dict(sample, pred_text=text) for sample, text in zip(samples, texts)]

    def generate(
        self,
        images: Sequence[Sequence[Image.Image]],
        conversations: Sequence[Sequence[dict]],
        max_new_tokens: int,
        temperature: float = 0.0,
    ) -> List[str]:
        """Answer the last question of each conversation, all of them at once.

        Args:
            images: of each conversation, RGB, in the order of their tags.
            conversations: turns as in LLaVA's records, the last one from ``human``.
            max_new_tokens: the longest answer.
            temperature: 0: the likeliest token each time; otherwise tokens are drawn.

        Raises:
            ValueError: see :meth:`ChatTokens.prompt`.
        """
        return self._texts(self._write(self._prompts(images, conversations), max_new_tokens, temperature))

    def _questions(self, inputs: Dict[str, Tensor], data_samples: Optional[Sequence[Any]]) -> Dict[str, Tensor]:
        """The prompts up to the first answers of a batch."""
        names = _names(data_samples, len(inputs['input_ids']))
        return prompts_of(inputs, self.pad, image_token_id(self.vlm.config), names)

    def _prompts(self, images: Sequence[Sequence[Image.Image]], conversations: Sequence[Sequence[dict]]) -> Any:
        """The prompts of conversations, on the device."""
        if len(images) != len(conversations):
            raise ValueError(f'{len(conversations)} conversations need as many lists of images, got {len(images)}.')
        batch = collate_conversations(
            [dict(inputs=self.chat.prompt_inputs(*pair)) for pair in zip(conversations, images)]
        )
        inputs = self.data_preprocessor(batch)['inputs']
        names = _names(None, len(conversations))
        check_image_tokens(self.vlm.config, inputs, names)
        return prompts_of(inputs, self.pad, None, names)

    @torch.no_grad()
    def _write(
        self, prompts: Dict[str, Tensor], max_new_tokens: int, temperature: float, **settings: Any
    ) -> List[List[int]]:
        """The tokens behind prompts that are padded on the left; ``settings`` are further ones of transformers."""
        training = self.training
        self.eval()  # in training mode, gradient checkpointing keeps no cache
        drawing = dict(do_sample=True, temperature=temperature) if temperature > 0 else dict(do_sample=False)
        ids = self.vlm.generate(
            **{**token_types(self.vlm, prompts), **prompts},
            **drawing,
            **settings,
            max_new_tokens=max_new_tokens,
            eos_token_id=self.stops,
            pad_token_id=self.pad,
            use_cache=True,
        )
        self.train(training)
        return ids[:, prompts['input_ids'].shape[1] :].tolist()

    def _texts(self, ids: List[List[int]]) -> List[str]:
        return [text.strip() for text in self.processor.tokenizer.batch_decode(ids, skip_special_tokens=True)]

    def hidden_states(self, inputs: Dict[str, Tensor]) -> Tensor:
        """The states ``[B, L, D]`` after the last norm: that at a token predicts the next one."""
        types = token_types(self.vlm, inputs)
        inputs = {**types, **{key: value for key, value in inputs.items() if key != 'labels'}}
        base = self.vlm.base_model
        if base is not self.vlm and hasattr(base, 'get_image_features'):
            return base(**inputs, use_cache=False).last_hidden_state
        # transformers before 4.52, whose models for generation hold all parts
        return self.vlm(**inputs, use_cache=False, output_hidden_states=True).hidden_states[-1]

    def logits(self, hidden: Tensor) -> Tensor:
        """States ``[..., D]`` -> float32 logits ``[..., V]``."""
        layer = self.vlm.get_output_embeddings()
        logits = layer(hidden.to(layer.weight.dtype)).float()
        limit = getattr(self.vlm.config.get_text_config(), 'final_logit_softcapping', None)  # Gemma 2
        return logits if limit is None else torch.tanh(logits / limit) * limit

    def token_loss(self, hidden: Tensor, labels: Tensor) -> Any:
        """Cross entropy ``[T]`` of each labeled token, from the state before it, and whether it is the likeliest one.

        The output layer runs on these states alone: with all of them, its logits are most of the memory.

        Args:
            hidden: ``[B, L, D]``.
            labels: ``[B, L]`` token ids; -100: no label.
        """
        learned = labels[:, 1:] != -100
        logits, targets = self.logits(hidden[:, :-1][learned]), labels[:, 1:][learned]
        return F.cross_entropy(logits, targets, reduction='none'), logits.argmax(dim=-1) == targets


def _names(samples: Optional[Sequence[Any]], number: int) -> List[str]:
    """What errors call each conversation."""
    if samples is None:
        return [f'conversation {i} of the batch' for i in range(number)]
    return [f'record {sample.get("record_id")!r}' for sample in samples]


def _configuration(fields: dict) -> Any:
    """The configuration of a model from scratch."""
    from transformers import AutoConfig

    try:
        return AutoConfig.for_model(**fields)
    except Exception as error:  # of any kind, with all known models on one line
        raise ValueError(
            f'config= of a vision-language model with model_type={fields.get("model_type")!r} is wrong: '
            f'{" ".join(str(error).split()):.200}. Expected such as '
            "config=dict(model_type='llava', text_config=dict(model_type='llama', ...), vision_config=dict(...))."
        ) from error


def _class_of(configuration: Any, name: str) -> Any:
    """The class of transformers: LlavaConfig -> LlavaForConditionalGeneration."""
    import transformers

    expected = type(configuration).__name__.replace('Config', 'ForConditionalGeneration')
    kind = getattr(transformers, expected, None)
    if kind is None or not hasattr(configuration, 'vision_config'):
        raise ValueError(
            f'{name} is of the kind {configuration.model_type!r}: expected an image-text-to-text model of transformers '
            f'{transformers.__version__}, such as LLaVA, Qwen2.5-VL, SmolVLM or PaliGemma.'
        )
    return kind
