"""Converts a published CapeLLM checkpoint to a folder with the language model, and a checkpoint and config of ours."""

import os
import re
import shutil
from pathlib import Path
from typing import Dict, List, NamedTuple, Union

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.utils.files import atomic_write, check_writable, read_json

from .fit import check_fit, weights_of
from .reader import read_checkpoint
from .stamp import stamp_of
from .writer import write_checkpoint

TOKENIZER_FILES = re.compile(r'(tokenizer|vocab|merges|special_tokens|added_tokens).*\.(json|txt|model)|[^/]*\.model')
# entries of their config that transformers does not know, and one that may name code on the hub
OWN_ENTRIES = ('im_patch_token', 'num_patches', 'vit', 'lora', 'attn_implementation')
CELLS = 256  # image tokens of the paper: 224 pixels, patches of 14
HEAD_WIDTH = 64  # of DINOv2's attention heads
ALPHA = 16  # of their LoRA
NEVER_USED = re.compile(r'(mask_token|rotary_emb\.inv_freq)$')
REMEDY = 'Is it the config this checkpoint was trained with?'
# the authors normalize with ImageNet's mean and std
PREPROCESSOR = dict(
    type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
)
Weights = Dict[str, Tensor]


class ConversionReport(NamedTuple):
    """What :func:`convert_capellm` wrote, how many tensors LoRA changed, and which weights it did not use."""

    language_model: Path
    config: Path
    checkpoint: Path
    merged: int
    unused: List[str]


class Parts(NamedTuple):
    """The weights of a published checkpoint, by name in each part."""

    tower: Weights
    projector: Weights
    language: Weights


def convert_capellm(source: str, model_config: str, tokenizer: str, out_dir: str) -> ConversionReport:
    """Write ``language_model/``, which transformers loads, ``config.py`` and ``checkpoint.pth``; LoRA is merged.

    Args:
        source: the state dict of the authors' model, ``.safetensors`` or ``.pth``, with peft's names.
        model_config: ``config.json`` of the language model; may have the authors' entries ``num_patches``, ``vit``
            and ``lora``, without which those of the paper are taken.
        tokenizer: folder with the files of the tokenizer.
        out_dir: folder of the results.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the checkpoint does not fit the config, or is not one of CapeLLM.
        ImportError: transformers is not installed.
    """
    out = Path(out_dir)
    check_writable(out / 'checkpoint.pth')
    settings = read_json(model_config, 'model config', 'give the config.json of the language model', expected=dict)
    files = _tokenizer_files(Path(tokenizer))
    published = split_parts(weights_of(read_checkpoint(source)), source)
    alpha = (settings.get('lora') or {}).get('alpha', ALPHA)
    parts = Parts(*(merge(weights, alpha, source) for weights in published))
    merged = sum('.lora_A' in name for weights in published for name in weights)
    unused = [name for weights in parts for name in weights if NEVER_USED.search(name)]
    parts = Parts(*({k: v for k, v in weights.items() if not NEVER_USED.search(k)} for weights in parts))

    side = round((settings.get('num_patches') or CELLS) ** 0.5)
    parts.tower['pos_embed'] = resample_positions(parts.tower['pos_embed'], side)
    folder = (out / 'language_model').resolve()
    init_default_scope('mmpose')
    config = build_config(parts, settings, side, folder)
    _check_tower(config, parts, source, model_config)
    language_model = {f'llm.{name}': value for name, value in parts.language.items()}
    write_language_model(parts.language, settings, folder, source, model_config)
    for file in files:
        shutil.copyfile(file, folder / file.name)
    text = f"_base_ = ['mmpose::_base_/default_runtime.py']\n{config.pretty_text}"
    atomic_write(out / 'config.py', text.encode())
    weights = {f'backbone.timm_model.{name}': value for name, value in parts.tower.items()}
    weights.update({f'head.projector.linear.{name}': value for name, value in parts.projector.items()})
    frozen = {'head.language_model': dict(source=str(folder), stamp=stamp_of(language_model))}
    meta = dict(converted_from=Path(source).name, frozen_parts=frozen)
    write_checkpoint(dict(state_dict=weights, meta=meta), out / 'checkpoint.pth')
    return ConversionReport(folder, out / 'config.py', out / 'checkpoint.pth', merged, unused)


def split_parts(weights: Weights, source: str) -> Parts:
    """The weights of the image tower, the projector and the language model.

    Raises:
        ValueError: one of them is missing.
    """
    parts = Parts({}, {}, {})
    for name, value in weights.items():
        name = re.sub(r'^base_model\.model\.', '', name)
        tower = re.match(r'(model\.)?vision_model\.(.+)', name)
        projector = re.match(r'(model\.)?mm_projector\.(.+)', name)
        if tower:
            parts.tower[tower[2]] = value
        elif projector:
            parts.projector[projector[2]] = value
        else:
            parts.language[name] = value
    if not ('pos_embed' in parts.tower and parts.projector.keys() == {'weight', 'bias'} and parts.language):
        raise ValueError(
            f'{source} is no checkpoint of CapeLLM: expected weights of vision_model (DINOv2), mm_projector (linear) '
            f'and the language model, found {sorted(weights)[:3]}. Give the state dict of the whole model.'
        )
    return parts


def merge(weights: Weights, alpha: float, source: str) -> Weights:
    """Add LoRA to the weights: ``W + alpha / rank * B A``, in float32.

    Language models have peft's names, the tower the authors': A and B for the rows of q and of v in ``qkv.weight``.

    Raises:
        ValueError: LoRA of unknown layers.
    """
    merged, used = {}, set()

    def update(a: str, b: str) -> Union[Tensor, int]:
        if a not in weights or b not in weights:
            return 0
        used.update((a, b))
        return alpha / len(weights[a]) * (weights[b].float() @ weights[a].float())

    for name, value in weights.items():
        if '.lora_' in name:
            continue
        if name.endswith('.base_layer.weight'):
            layer = name[: -len('.base_layer.weight')]
            delta = update(f'{layer}.lora_A.default.weight', f'{layer}.lora_B.default.weight')
            value = (value.float() + delta).to(value.dtype)
        elif name.endswith('.qkv.weight'):
            layer = name[: -len('.qkv.weight')]
            rows = [
                row + update(f'{layer}.lora_A_{part}', f'{layer}.lora_B_{part}')
                for part, row in zip('qkv', value.float().chunk(3))
            ]
            value = torch.cat(rows).to(value.dtype)
        merged[name.replace('.base_layer.', '.')] = value
    unknown = sorted(name for name in weights if '.lora_' in name and name not in used)
    if unknown:
        raise ValueError(f'{source} has LoRA of layers that are not known: {unknown[:3]}; merge it before.')
    return merged


def resample_positions(positions: Tensor, side: int) -> Tensor:
    """Position embeddings ``[1, 1 + N, D]`` for ``side x side`` patches, resampled as DINOv2's code does.

    The scale is that of ``side + 0.1`` patches, and pixels are not averaged, unlike timm's and transformers' way.
    """
    trained = round((positions.shape[1] - 1) ** 0.5)
    if trained == side:
        return positions
    grid = positions[:, 1:].float().unflatten(1, (trained, trained)).permute(0, 3, 1, 2)
    scale = (side + 0.1) / trained
    grid = F.interpolate(grid, scale_factor=(scale, scale), mode='bicubic')
    return torch.cat([positions[:, :1], grid.flatten(2).transpose(1, 2).to(positions.dtype)], dim=1)


def build_config(parts: Parts, settings: dict, side: int, language_model: Path) -> Config:
    """The config of the converted model, with the crop and the test of MP-100 as published."""
    tower = parts.tower
    width, _, patch, _ = tower['patch_embed.proj.weight'].shape
    blocks = {name.split('.')[1] for name in tower if name.startswith('blocks.')}
    input_size = (side * patch,) * 2
    codec = dict(type='CoordinateAnswer', input_size=input_size)
    backbone = dict(
        type='TIMMBackbone',
        model_name='vit_large_patch14_dinov2',
        norm=True,
        img_size=input_size[0],
        patch_size=patch,
        embed_dim=width,
        depth=len(blocks),
        num_heads=(settings.get('vit') or {}).get('num_heads', width // HEAD_WIDTH),
        mlp_ratio=len(tower['blocks.0.mlp.fc1.weight']) / width,
    )
    head = dict(
        type='CapeLLMHead',
        in_channels=width,
        language_model=dict(
            type='CausalLanguageModel',
            model=str(language_model),
            dtype=_dtype_of(parts.language),
            tune='frozen',
            init_cfg=dict(type='Pretrained', checkpoint=str(language_model)),
        ),
        projector='LinearProjector',
        answer=dict(type='TextAnswer', coordinates='greedy'),  # as published: the most probable digits
        rounds_mask='chained',
        decoder=codec,
    )
    return Config(
        dict(
            custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
            codec=codec,
            model=dict(
                type='TopdownPoseEstimator',
                data_preprocessor=PREPROCESSOR,
                backbone=backbone,
                head=head,
                test_cfg=dict(flip_test=False),
            ),
            test_dataloader=_mp100(input_size),
            test_evaluator=dict(type='CapePCK', protocols=['pairs', 'query_only']),
            test_cfg=dict(),
        )
    )


def write_language_model(weights: Weights, settings: dict, folder: Path, source: str, model_config: str) -> None:
    """A folder that ``AutoModelForCausalLM.from_pretrained`` reads, without the tokenizer.

    Raises:
        ValueError: the weights do not fit the config.
    """
    try:
        from transformers import AutoConfig, AutoModelForCausalLM
    except ImportError as error:
        raise ImportError('converting CapeLLM needs transformers: pip install "clamp_mmpose[llm]"') from error
    from safetensors.torch import save_file

    fields = {name: value for name, value in settings.items() if name not in OWN_ENTRIES}
    try:
        config = AutoConfig.for_model(**dict(fields, torch_dtype=_dtype_of(weights)))
        with torch.device('meta'):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # of transformers, for entries it does not know
        raise ValueError(
            f'{model_config} is no config of a language model of transformers ({type(error).__name__}: '
            f'{" ".join(str(error).splitlines()[:1])}): give its config.json.'
        ) from error
    tied = ('lm_head.weight',) if config.tie_word_embeddings else ()
    weights = {name: value for name, value in weights.items() if name not in tied}
    unused = check_fit(model, weights, source, model_config, REMEDY, optional=tied).unused
    if unused:
        raise ValueError(
            f'{source} has {len(unused)} weights that the model of {model_config} does not have: {unused[:6]}. {REMEDY}'
        )
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    temporary = folder / f'.model.safetensors.{os.getpid()}.part'
    try:
        save_file({name: value.contiguous() for name, value in weights.items()}, temporary, metadata={'format': 'pt'})
        os.replace(temporary, folder / 'model.safetensors')
    finally:
        temporary.unlink(missing_ok=True)


def _check_tower(config: Config, parts: Parts, source: str, model_config: str) -> None:
    """Check that tower and projector fit the models of the config."""
    backbone = MODELS.build(config.model.backbone)
    unused = check_fit(backbone.timm_model, parts.tower, source, model_config, REMEDY).unused
    if unused:
        raise ValueError(f'{source}: the tower has weights that DINOv2 does not have: {unused[:6]}.')
    expected = parts.language['model.embed_tokens.weight'].shape[1], config.model.head.in_channels
    if tuple(parts.projector['weight'].shape) != expected:
        raise ValueError(
            f'{source}: the projector is {tuple(parts.projector["weight"].shape)}; expected (width of the language '
            f'model, width of the tower) = {expected}.'
        )


def _dtype_of(weights: Weights) -> str:
    return str(next(iter(weights.values())).dtype).split('.')[1]


def _tokenizer_files(folder: Path) -> List[Path]:
    files = [file for file in folder.glob('*') if TOKENIZER_FILES.fullmatch(file.name) and file.is_file()]
    if not files:
        raise FileNotFoundError(f'{folder} has no tokenizer: give a folder with tokenizer.json or tokenizer.model.')
    return files


def _mp100(input_size: tuple) -> dict:
    """Test data as in configs/_base_/data/mp100_224x224.py: crops of the box, without padding."""
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='GetBBoxCenterScale', padding=1.0),
        dict(type='TopdownAffine', input_size=input_size),
        dict(type='GetTextQueries', text='descriptions'),
        dict(type='PackTextQueries'),
    ]
    dataset = dict(
        type='MP100Dataset',
        data_root='data/mp100/',
        data_prefix=dict(img='images/'),
        data_mode='topdown',
        ann_file='annotations/mp100_split1_test.json',
        test_mode=True,
        pipeline=pipeline,
    )
    return dict(
        batch_size=8,
        num_workers=2,
        persistent_workers=True,
        drop_last=False,
        sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
        dataset=dataset,
    )
