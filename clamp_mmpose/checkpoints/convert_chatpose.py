"""Converts the published ChatPose to a folder: LLaVA as transformers reads it, the pose head, and a config of ours."""

import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from mmengine.config import Config
from torch import Tensor

from clamp_mmpose.utils.files import atomic_write, check_writable, read_json

from .fit import weights_of
from .hub import OWN_WEIGHTS, from_hub
from .reader import read_checkpoint
from .writer import write_safetensors

HERE = '{{ fileDirname }}'  # MMEngine puts the folder of the config in its place: the folder can be moved
POSE_TOKEN, IMAGE_TOKEN = '[SEG]', '<image>'
ADDED = (POSE_TOKEN, '<im_start>', '<im_end>')  # behind LLaMA's tokens, in the order of the published program
HEAD_WIDTH = 64  # of CLIP's attention heads
NEVER_USED = re.compile(r'(rotary_emb\.inv_freq|embeddings\.position_ids)$')
NAMES = (  # published -> LLaVA of transformers, as on the hub
    (r'^model\.vision_tower\.vision_tower\.', 'vision_tower.'),
    (r'^model\.mm_projector\.0\.', 'multi_modal_projector.linear_1.'),
    (r'^model\.mm_projector\.2\.', 'multi_modal_projector.linear_2.'),
    (r'^lm_head\.', 'language_model.lm_head.'),
    (r'^model\.', 'language_model.model.'),
)
# the published program's template for answers, llava_v1; a turn from system comes in place of the first sentences
SYSTEM = (
    'A chat between a curious human and an artificial intelligence assistant. '
    "The assistant gives helpful, detailed, and polite answers to the human's questions. "
)
TEMPLATE = (
    "{{% if messages[0]['role'] != 'system' %}}{{{{ {system!r} }}}}{{% endif %}}"
    '{{% for message in messages %}}'
    "{{% if message['role'] == 'user' %}}{{{{ 'USER: ' }}}}"
    "{{% elif message['role'] == 'assistant' %}}{{{{ 'ASSISTANT: ' }}}}{{% endif %}}"
    "{{% for part in message['content'] if part['type'] == 'image' %}}{{{{ {image!r} }}}}{{% endfor %}}"
    "{{% for part in message['content'] if part['type'] == 'text' %}}"
    "{{% if message['role'] == 'assistant' %}}{{% generation %}}{{{{ part['text'] + '</s>' }}}}{{% endgeneration %}}"
    "{{% else %}}{{{{ part['text'] + ' ' }}}}{{% endif %}}{{% endfor %}}{{% endfor %}}"
    "{{% if add_generation_prompt %}}{{{{ 'ASSISTANT:' }}}}{{% endif %}}"
)
Weights = Dict[str, Tensor]


class ChatPoseReport(NamedTuple):
    """What :func:`convert_chatpose` wrote: the folder, its config, and the names of the weights that are not used."""

    folder: Path
    config: Path
    unused: List[str]


def convert_chatpose(
    source: str, out_dir: str, model_config: Optional[str] = None, tokenizer: Optional[str] = None
) -> ChatPoseReport:
    """Write a folder that ``AutoModelForImageTextToText`` and ``AutoProcessor`` read, with the pose head and a config.

    Args:
        source: the merged model of the authors' code: a folder with its shards (``.bin`` or ``.safetensors``), or a
            file.
        out_dir: folder to write to.
        model_config: ``config.json`` of LLaVA's code; default: that of the source.
        tokenizer: folder with ``tokenizer.model``; default: the source.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: weights are missing, or do not fit the config.
        ImportError: transformers is not installed.
    """
    try:
        from transformers import CLIPImageProcessor, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    except ImportError as error:
        raise ImportError('converting ChatPose needs transformers: pip install "clamp_mmpose[llm]"') from error
    out = Path(out_dir)
    check_writable(out / 'config.py')
    place = Path(source).expanduser()
    settings = read_json(model_config or place / 'config.json', 'model config', 'give --model-config', expected=dict)
    published = read_shards(place)
    head, llava, unused = split(published, source)
    text = dict(settings.get('llama') or settings)
    written = _tokenizer(
        Path(tokenizer or place), out, len(llava['language_model.model.embed_tokens.weight']), settings
    )
    number = max(written.get_vocab().values()) + 1
    for name in ('language_model.model.embed_tokens.weight', 'language_model.lm_head.weight'):
        if name in llava:  # the image's token, which is never written, as the unknown one
            rows = llava[name]
            llava[name] = torch.cat([rows, rows[:1].expand(number - len(rows), -1)])
    vision, side = _vision_config(llava, settings)
    config = LlavaConfig(
        text_config=_text_config(text, settings, number),
        vision_config=vision,
        image_token_index=number - 1,
        image_seq_length=(side // vision['patch_size']) ** 2,
        vision_feature_layer=(settings.get('mm') or settings).get('mm_vision_select_layer', -2),
        vision_feature_select_strategy='default',
        pad_token_id=0,
    )
    config.architectures = ['LlavaForConditionalGeneration']
    wrapped = settings.get('mm_use_im_start_end', True)  # their inference always writes these tokens
    image = f'{ADDED[1]}{IMAGE_TOKEN}{ADDED[2]}\n' if wrapped else f'{IMAGE_TOKEN}\n'
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size=dict(shortest_edge=side), crop_size=dict(height=side, width=side)),
        tokenizer=written,
        patch_size=vision['patch_size'],
        vision_feature_select_strategy='default',
        num_additional_image_tokens=1,
        chat_template=TEMPLATE.format(system=SYSTEM, image=image),
    )
    config.save_pretrained(str(out))
    processor.save_pretrained(str(out))
    _write_weights(llava, out / 'model.safetensors')
    _, loading = from_hub(LlavaForConditionalGeneration, str(out), output_loading_info=True, use_safetensors=True)
    wrong = sorted({*loading['missing_keys'], *map(str, loading.get('mismatched_keys', ()))})
    if wrong or loading['unexpected_keys']:
        (out / 'model.safetensors').unlink()
        raise ValueError(
            f'{source} does not fit {model_config or place / "config.json"}: missing or of another shape {wrong[:3]}, '
            f'not known {sorted(loading["unexpected_keys"])[:3]}. Give the config.json of this model.'
        )
    write_safetensors(head, out / OWN_WEIGHTS, {})
    precision = str(llava['language_model.lm_head.weight'].dtype).split('.')[1]
    text_of_config = "_base_ = ['mmpose::_base_/default_runtime.py']\n" + build_config(head, precision).pretty_text
    atomic_write(out / 'config.py', text_of_config.encode())
    return ChatPoseReport(out, out / 'config.py', unused)


def read_shards(source: Path) -> Weights:
    """The weights of a file, or of all shards of a folder.

    Raises:
        FileNotFoundError: there are none.
    """
    if source.is_file():
        return weights_of(read_checkpoint(source))
    files = sorted(source.glob('*.safetensors')) or sorted(source.glob('pytorch_model*.bin'))
    if not files:
        raise FileNotFoundError(f'{source} has no weights: expected *.safetensors or pytorch_model*.bin.')
    weights: Weights = {}
    for file in files:
        weights.update(weights_of(read_checkpoint(file)))
    return weights


def split(published: Weights, source: str) -> Tuple[Weights, Weights, List[str]]:
    """Weights of the pose head by our names, those of LLaVA by names as on the hub, and names that are not used.

    Raises:
        ValueError: LoRA that is not merged, or one of the parts is missing.
    """
    if any('.lora_' in name for name in published):
        raise ValueError(f"{source} has LoRA beside its weights: merge it by the authors' merge script before.")
    head: Weights = {}
    llava: Weights = {}
    unused: List[str] = []
    for name, value in published.items():
        found = re.match(r'model\.text_hidden_fcs\.0\.([02])\.(weight|bias)$', name)
        if found:
            head[f'pose_head.layers.{found[1]}.{found[2]}'] = value
        elif NEVER_USED.search(name):
            unused.append(name)
        else:
            for pattern, replacement in NAMES:
                if re.search(pattern, name):
                    llava[re.sub(pattern, replacement, name)] = value
                    break
            else:
                unused.append(name)
    needed = ('language_model.model.embed_tokens.weight', 'multi_modal_projector.linear_2.weight')
    tower = 'vision_tower.vision_model.embeddings.class_embedding'
    missing = [name for name in (*needed, tower) if name not in llava]
    if missing or len(head) != 4:
        what = missing or ['model.text_hidden_fcs']
        raise ValueError(
            f'{source} is no checkpoint of ChatPose: {", ".join(what)} is missing, found {sorted(published)[:3]}. Give '
            "the merged model of the authors' code, with its vision tower."
        )
    return head, llava, unused


def build_config(head: Weights, precision: str) -> Config:
    """The config of the folder's model, for chat and evaluation."""
    model = dict(
        type='ChatPose',
        model=HERE,
        dtype=precision,
        tune='frozen',
        tune_projector=False,
        pose_token=POSE_TOKEN,
        pose_head=dict(
            type='PoseTokenHead',
            hidden_channels=len(head['pose_head.layers.0.weight']),
            num_joints=len(head['pose_head.layers.2.weight']) // 6,
        ),
        init_cfg=dict(type='Pretrained', checkpoint=HERE),
    )
    return Config(dict(custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False), model=model))


def _text_config(text: Dict[str, Any], settings: Dict[str, Any], number: int) -> Dict[str, Any]:
    names = (
        'hidden_size',
        'intermediate_size',
        'num_hidden_layers',
        'num_attention_heads',
        'num_key_value_heads',
        'rms_norm_eps',
        'max_position_embeddings',
        'bos_token_id',
        'eos_token_id',
        'hidden_act',
    )
    found = {name: text[name] for name in names if name in text}
    theta = settings.get('rope_theta', 10000.0)
    rope = dict(rope_theta=theta, rope_parameters=dict(rope_type='default', rope_theta=theta))  # transformers 4, and 5
    return dict(found, model_type='llama', vocab_size=number, pad_token_id=0, tie_word_embeddings=False, **rope)


def _vision_config(weights: Weights, settings: Dict[str, Any]) -> Tuple[Dict[str, Any], int]:
    """CLIP's configuration, from its weights where the config names none, and the side of its images in pixels."""
    prefix = 'vision_tower.vision_model.'
    width, _, patch, _ = weights[f'{prefix}embeddings.patch_embedding.weight'].shape
    cells = len(weights[f'{prefix}embeddings.position_embedding.weight']) - 1
    layers = {name.split('.')[4] for name in weights if name.startswith(f'{prefix}encoder.layers.')}
    given = settings.get('clip') or {}
    side = patch * round(cells**0.5)
    found = dict(
        model_type='clip_vision_model',
        hidden_size=width,
        intermediate_size=len(weights[f'{prefix}encoder.layers.0.mlp.fc1.weight']),
        num_hidden_layers=len(layers),
        num_attention_heads=given.get('num_attention_heads', max(width // HEAD_WIDTH, 1)),
        image_size=side,
        patch_size=patch,
        projection_dim=width,
        hidden_act=given.get('hidden_act', 'quick_gelu'),
        layer_norm_eps=given.get('layer_norm_eps', 1e-5),
    )
    return found, side


def _tokenizer(folder: Path, out: Path, number: int, settings: Dict[str, Any]) -> Any:
    """LLaMA's tokenizer with the added tokens, which take the spaces around them, as in transformers 4.31."""
    from transformers import AddedToken, AutoTokenizer

    model = folder / 'tokenizer.model'
    if not model.is_file():
        raise FileNotFoundError(f'{folder} has no tokenizer.model: give the folder of the tokenizer (--tokenizer).')
    names = dict(bos_token='<s>', eos_token='</s>', unk_token='<unk>', pad_token='<unk>')
    length = (settings.get('llama') or settings).get('max_position_embeddings', 4096)
    fields = dict(tokenizer_class='LlamaTokenizer', legacy=True, add_bos_token=True, model_max_length=length, **names)
    # without the files of the folder that add the tokens in another way
    atomic_write(out / 'tokenizer.model', model.read_bytes())
    atomic_write(out / 'tokenizer_config.json', json.dumps(fields, allow_nan=False).encode())
    tokenizer = from_hub(AutoTokenizer, str(out))
    added = ADDED[: number - len(tokenizer)]
    tokenizer.add_tokens([AddedToken(name, lstrip=True, rstrip=True, normalized=False) for name in added])
    if len(added) < 1 or len(tokenizer) != number:
        raise ValueError(
            f'the embeddings have {number} rows, and tokenizer.model with {", ".join(ADDED)} has {len(tokenizer)} '
            'tokens: give the tokenizer that belongs to the weights.'
        )
    tokenizer.add_tokens([AddedToken(IMAGE_TOKEN, special=True, normalized=False)], special_tokens=True)
    return tokenizer


def _write_weights(weights: Weights, path: Path) -> None:
    from safetensors.torch import save_file

    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        save_file({name: value.contiguous() for name, value in weights.items()}, temporary, metadata={'format': 'pt'})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
