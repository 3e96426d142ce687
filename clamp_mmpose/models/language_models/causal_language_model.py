import contextlib
from typing import Any, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule, PretrainedInit
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.checkpoints.hub import check_folder, from_hub
from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.hugging_face import (
    DTYPES,
    in_precision,
    load_config,
    pretrained_weights,
    without_drawing,
)
from clamp_mmpose.models.utils.lora import add_lora, load_base_weights
from clamp_mmpose.models.utils.tuning import check_tuning
from clamp_mmpose.utils.choices import check_choice

from .text_tokens import TextTokens

ATTENTION = (None, 'sdpa', 'eager')  # others take no mask of our own


@MODELS.register_module()
class CausalLanguageModel(BaseModule):
    """A language model of transformers (LLaMA, Mistral, Qwen and so on): embeddings in, hidden states and logits out.

    Code that is part of a model is never run.

    Shapes: B rows, L new tokens, S tokens in all (those in the cache and the new ones), D the width, V the vocabulary.

    Args:
        model: folder, name on the hub, ``.gguf`` file of the model, or ``'package://smollm2-135m'``: its config and
            tokenizer; weights come from ``init_cfg``. None: ``config`` and ``tokenizer`` are given.
        config: for a model from scratch, such as ``dict(model_type='llama', hidden_size=128, ...)``; without
            ``vocab_size`` it gets the tokenizer's.
        tokenizer: folder or name of the tokenizer; default: ``model``.
        dtype: ``'float32'``, ``'bfloat16'`` or ``'float16'`` of the weights; LoRA's are float32.
        tune: ``'frozen'``, ``'lora'`` (Hu et al. 2022) or ``'full'``.
        lora: arguments of :func:`add_lora`, for ``tune='lora'``.
        gradient_checkpointing: compute activations again in the backward pass, which saves memory.
        attention: ``'sdpa'`` or ``'eager'``; None: the fastest one that transformers has for this PyTorch.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a folder or name with safetensors, a ``.gguf``, or
            the package.

    Attributes:
        llm: the model of transformers.
        tokens: its :class:`TextTokens`.
        embed_dims: D.
        max_length: the longest row.

    Raises:
        ValueError: the model cannot be loaded, needs its own code, or has other weights.
        ImportError: transformers, or peft for LoRA, is not installed.
    """

    def __init__(
        self,
        model: Optional[str] = None,
        config: Optional[dict] = None,
        tokenizer: Optional[str] = None,
        dtype: str = 'float32',
        tune: str = 'lora',
        lora: Optional[dict] = None,
        gradient_checkpointing: bool = False,
        attention: Optional[str] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(init_cfg)
        check_choice('dtype', dtype, DTYPES)
        check_choice('attention', attention, ATTENTION)
        check_tuning(tune, lora)
        if gradient_checkpointing and tune == 'frozen':
            raise ValueError(
                "gradient_checkpointing=True needs tune='lora' or 'full': a frozen model stays in eval mode, in which "
                'transformers keeps all activations.'
            )
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise ImportError('CausalLanguageModel needs transformers: pip install "clamp_mmpose[llm]"') from error
        if (model is None) == (config is None):
            raise ValueError('a language model needs either model= (a folder or a name) or config=, and not both.')
        if model is None and tokenizer is None:
            raise ValueError('a language model from a config needs tokenizer=, a folder with a tokenizer.')
        self.model_name = f'the {config.get("model_type", "")} model of this config' if model is None else model
        self.tune = tune
        for source in filter(None, (model, tokenizer)):
            check_folder(source)
        self.tokenizer = from_hub(AutoTokenizer, tokenizer or model)
        self.tokens = TextTokens(self.tokenizer, self.model_name)
        if config is None:
            built = load_config(model)
        else:
            built = _configuration(dict(dict(vocab_size=len(self.tokenizer)), **config))
        built.use_cache = False
        pretrained = bool(init_cfg) and init_cfg['type'] in ('Pretrained', PretrainedInit)
        chosen = {} if attention is None else dict(attn_implementation=attention)
        with without_drawing() if pretrained else contextlib.nullcontext():
            self.llm = _build(built, self.model_name, **in_precision(getattr(torch, dtype)), **chosen)
        self.llm.tie_weights()  # without_drawing() leaves tied weights apart
        number, self.embed_dims = self.llm.get_input_embeddings().weight.shape
        if self.tokens.largest() >= number:
            raise ValueError(
                f'the tokens of {tokenizer or model} go up to {self.tokens.largest()}, and {self.model_name} has '
                f'embeddings of {number}, from 0: give the tokenizer that belongs to the model.'
            )
        self.max_length: int = built.max_position_embeddings
        if tune == 'frozen':
            freeze(self)
        elif tune == 'lora':
            add_lora(self.llm, **(lora or {}))
        if gradient_checkpointing:
            self.llm.gradient_checkpointing_enable(dict(use_reentrant=False))

    @property
    def decoder(self) -> nn.Module:
        """The layers without the output layer."""
        return getattr(self.llm, self.llm.base_model_prefix)

    def init_weights(self) -> None:
        """Load pretrained weights.

        Raises:
            ValueError: they cannot be loaded, or belong to another model.
        """
        if not self.init_cfg or self.init_cfg['type'] not in ('Pretrained', PretrainedInit):
            self._is_init = True
            return
        from transformers import AutoModelForCausalLM

        source = self.init_cfg['checkpoint']
        dtype = self.llm.get_input_embeddings().weight.dtype
        weights = pretrained_weights(AutoModelForCausalLM, source, lambda model: model, **in_precision(dtype))
        load_base_weights(self.llm, weights, source, self.model_name, 'Give the weights of the same model.')
        self._is_init = True

    def freeze_output_layer(self) -> None:
        """Do not train the output layer, for a head that reads only states; tied weights are embeddings too."""
        layer = self.llm.get_output_embeddings()
        if layer.weight is not self.llm.get_input_embeddings().weight:
            layer.requires_grad_(False)

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids -> their embeddings, ``[..., D]``."""
        return self.llm.get_input_embeddings()(ids)

    def forward(
        self,
        embeddings: Tensor,
        allowed: Optional[Tensor] = None,
        positions: Optional[Tensor] = None,
        cache: Any = None,
        use_cache: bool = False,
    ) -> Tuple[Tensor, Any]:
        """Read new tokens.

        Args:
            embeddings: ``[B, L, D]``.
            allowed: which tokens each new one attends to, ``[B, L, S]`` bool; None: all before it.
            positions: ``[B, L]``; None: 0, 1, 2, ...
            cache: of the tokens read before, as returned.
            use_cache: return a cache.

        Returns:
            tuple: hidden states ``[B, L, D]`` after the last norm, and the cache or None.
        """
        weight = self.llm.get_input_embeddings().weight
        mask = None
        if allowed is not None:
            mask = torch.zeros(allowed.shape, dtype=weight.dtype, device=allowed.device)
            mask = mask.masked_fill(~allowed, torch.finfo(weight.dtype).min)[:, None]
        if use_cache and cache is None:
            from transformers import DynamicCache

            cache = DynamicCache()  # older transformers would return tuples
        output = self.decoder(
            inputs_embeds=embeddings.to(weight.dtype),
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=use_cache,
        )
        if use_cache and cache.get_seq_length() == 0:
            raise ValueError(
                'with gradient_checkpointing=True a model in training mode keeps no cache, which asking for keypoints '
                'needs: call eval() first.'
            )
        return output.last_hidden_state, cache if use_cache else None

    def logits(self, hidden: Tensor, ids: Optional[Sequence[int]] = None) -> Tensor:
        """Hidden states ``[..., D]`` -> float32 logits of all tokens ``[..., V]``, or of some ``ids``."""
        layer = self.llm.get_output_embeddings()
        if ids is None or type(layer) is not nn.Linear:
            logits = layer(hidden.to(layer.weight.dtype)).float()
            return logits if ids is None else logits[..., list(ids)]
        rows = torch.as_tensor(ids, device=layer.weight.device)
        bias = None if layer.bias is None else layer.bias[rows]
        return F.linear(hidden.to(layer.weight.dtype), layer.weight[rows], bias).float()

    def token_loss(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy of each labeled token, ``[N]``, from the state before it.

        The output layer runs on these states alone.

        Args:
            hidden: ``[B, L, D]``.
            labels: ``[B, L]`` token ids; -100: no label.
        """
        learned = labels[:, 1:] != -100
        return F.cross_entropy(self.logits(hidden[:, :-1][learned]), labels[:, 1:][learned], reduction='none')


def _configuration(fields: dict) -> Any:
    """The configuration of a model from scratch."""
    from transformers import AutoConfig

    kind = fields.get('model_type')
    try:
        return AutoConfig.for_model(**fields)
    except Exception as error:  # of any kind, with all known models on one line
        raise ValueError(
            f'config= of a language model with model_type={kind!r} is wrong: {" ".join(str(error).split()):.200}. '
            "Expected such as config=dict(model_type='llama', hidden_size=128, num_hidden_layers=2)."
        ) from error


def _build(configuration: Any, name: str, **kwargs: Any) -> nn.Module:
    """A model of transformers without pretrained weights."""
    from transformers import AutoModelForCausalLM

    if not hasattr(configuration, 'max_position_embeddings'):  # towers, and models that take no positions
        raise ValueError(
            f'{name} is of the kind {configuration.model_type!r}: expected a causal language model with positions '
            '(max_position_embeddings), such as LLaMA, Mistral or Qwen.'
        )
    try:
        return AutoModelForCausalLM.from_config(configuration, trust_remote_code=False, **kwargs)
    except ValueError as error:
        raise ValueError(
            f'{name} cannot be built as a causal language model: {" ".join(str(error).split()):.200}'
        ) from error
