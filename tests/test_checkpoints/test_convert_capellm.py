"""Conversion of a CapeLLM checkpoint in the published names; the outputs are compared in test_parity_capellm.py."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM

from clamp_mmpose.checkpoints.convert_capellm import convert_capellm, merge, resample_positions
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli.convert_checkpoint import main as convert_checkpoint

LLAMA = dict(
    vocab_size=6, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1
)
OWN = dict(im_patch_token=6, num_patches=4, vit=dict(num_heads=2), lora=dict(r=2, alpha=6))


def linear(name, out, in_):
    return {f'{name}.weight': torch.randn(out, in_), f'{name}.bias': torch.randn(out)}


def dinov2(width=8, patch=14):
    """One block, trained at 3 x 3 patches."""
    weights = dict(
        cls_token=torch.randn(1, 1, width), mask_token=torch.randn(1, width), pos_embed=torch.randn(1, 10, width)
    )
    weights.update({'patch_embed.proj.weight': torch.randn(width, 3, patch, patch)})
    weights.update({'patch_embed.proj.bias': torch.randn(width)})
    for name, out, in_ in (('attn.qkv', 24, 8), ('attn.proj', 8, 8), ('mlp.fc1', 32, 8), ('mlp.fc2', 8, 32)):
        weights.update(linear(f'blocks.0.{name}', out, in_))
    for name in ('blocks.0.norm1', 'blocks.0.norm2', 'norm'):
        weights.update({f'{name}.weight': torch.randn(width), f'{name}.bias': torch.randn(width)})
    weights.update({f'blocks.0.ls{i}.gamma': torch.randn(width) for i in (1, 2)})
    for part in 'qv':
        weights.update({f'blocks.0.attn.lora_A_{part}': torch.randn(2, 8)})
        weights.update({f'blocks.0.attn.lora_B_{part}': torch.randn(8, 2)})
    return weights


def published(dtype=torch.float32, **kwargs):
    torch.manual_seed(0)
    language = LlamaForCausalLM(LlamaConfig(**LLAMA, **kwargs)).state_dict()
    weights = {}
    for name, value in language.items():
        layer = name[: -len('.weight')]
        if layer.endswith(('q_proj', 'v_proj')):
            weights[f'{layer}.base_layer.weight'] = value
            weights[f'{layer}.lora_A.default.weight'] = torch.randn(2, 8)
            weights[f'{layer}.lora_B.default.weight'] = torch.randn(len(value), 2)
        else:
            weights[name] = value
    weights.update({f'vision_model.{name}': value for name, value in dinov2().items()})
    weights.update(linear('mm_projector', 8, 8))
    return {f'base_model.model.{name}': value.to(dtype).clone() for name, value in weights.items()}


@pytest.fixture
def release(tmp_path):
    """Writes a release; returns the arguments of the conversion."""

    def write(weights=None, suffix='.safetensors', **config):
        weights = published() if weights is None else weights
        source = tmp_path / f'model{suffix}'
        save_file(weights, source) if suffix == '.safetensors' else torch.save(dict(state_dict=weights), source)
        (tmp_path / 'model.json').write_text(json.dumps(dict(model_type='llama', **LLAMA, **OWN) | config))
        (tmp_path / 'tokenizer').mkdir(exist_ok=True)
        Tokenizer(WordLevel({'a': 0}, unk_token='a')).save(str(tmp_path / 'tokenizer/tokenizer.json'))
        (tmp_path / 'tokenizer/config.json').write_text('{}')  # of another model: not copied
        return str(source), str(tmp_path / 'model.json'), str(tmp_path / 'tokenizer'), str(tmp_path / 'out')

    return write


def test_lora_is_merged_by_hand():
    """W + alpha / rank B A, alpha 6, rank 2, so 3 B A; of the fused layer the rows of q and of v."""
    a, b = torch.tensor([[1.0, 0], [0, 2]]), torch.tensor([[1.0, 1], [0, 1]])
    update = torch.tensor([[3.0, 6], [0, 6]])
    language = {
        'q_proj.base_layer.weight': torch.ones(2, 2),
        'q_proj.base_layer.bias': torch.zeros(2),
        'q_proj.lora_A.default.weight': a,
        'q_proj.lora_B.default.weight': b,
    }
    merged = merge(language, 6, 'a.pth')
    assert merged.keys() == {'q_proj.weight', 'q_proj.bias'} and torch.equal(merged['q_proj.weight'], 1 + update)
    tower = {'attn.qkv.weight': torch.arange(12.0).view(6, 2)}
    tower.update({'attn.lora_A_q': a, 'attn.lora_B_q': b, 'attn.lora_A_v': a, 'attn.lora_B_v': 2 * b})
    expected = tower['attn.qkv.weight'] + torch.cat([update, torch.zeros(2, 2), 2 * update])
    assert torch.equal(merge(tower, 6, 'a.pth')['attn.qkv.weight'], expected)


def test_positions():
    """DINOv2's scale of n + 0.1 patches: sampled at (i + 0.5) * 3 / 2.1 - 0.5, not at (i + 0.5) * 3 / 2 - 0.5."""
    ramp = torch.arange(3.0).repeat(3, 1)  # the value is the column
    grid = torch.stack([ramp, ramp.T], dim=-1).view(1, 9, 2)
    positions = torch.cat([torch.full((1, 1, 2), 7.0), grid], dim=1)
    found = resample_positions(positions, 2)
    assert found[0, 0].tolist() == [7, 7] and found.shape == (1, 5, 2)

    # cubic convolution (a = -0.75) of 0, 1, 2 with repeated borders, at 3 / 4.2 - 0.5 and 9 / 4.2 - 0.5
    def cubic(x):
        x = abs(x)
        if x <= 1:
            return (1.25 * x - 2.25) * x * x + 1
        return ((-0.75 * x + 3.75) * x - 6) * x + 3 if x < 2 else 0

    expected = [
        sum(cubic(at - i) * min(max(i, 0), 2) for i in range(-2, 6)) for at in (1.5 / 2.1 - 0.5, 4.5 / 2.1 - 0.5)
    ]
    assert found[0, 1:3, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert found[0, [1, 3], 1].tolist() == pytest.approx(expected, abs=1e-5)
    assert torch.equal(resample_positions(positions, 3), positions)


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_files(release, capsys, suffix):
    weights = published()
    source, config, tokenizer, out = release(weights, suffix)
    arguments = ['capellm', source, '--model-config', config, '--tokenizer', tokenizer, '--out', out]
    assert convert_checkpoint(arguments) == 0
    text = capsys.readouterr().out
    assert 'LoRA merged into 4 layers.' in text and '1 weights not used: mask_token' in text
    folder = Path(out) / 'language_model'
    model = LlamaForCausalLM.from_pretrained(folder)
    layer = 'model.layers.0.self_attn.q_proj'
    a, b = (weights[f'base_model.model.{layer}.lora_{matrix}.default.weight'] for matrix in 'AB')
    expected = weights[f'base_model.model.{layer}.base_layer.weight'] + 3 * b @ a
    assert torch.allclose(model.get_parameter(f'{layer}.weight'), expected, atol=1e-6)
    assert json.loads((folder / 'config.json').read_text())['vocab_size'] == 6
    assert (folder / 'tokenizer.json').read_text() == (Path(tokenizer) / 'tokenizer.json').read_text()
    cfg = Config.fromfile(f'{out}/config.py').model
    assert cfg.head.language_model.init_cfg.checkpoint == cfg.head.language_model.model == str(folder)
    assert cfg.backbone.img_size == 28 and cfg.head.decoder.input_size == (28, 28)
    saved = read_checkpoint(f'{out}/checkpoint.pth')['state_dict']
    assert torch.equal(saved['head.projector.linear.bias'], weights['base_model.model.mm_projector.bias'])
    assert saved['backbone.timm_model.pos_embed'].shape == (1, 5, 8)


def test_precision_and_tied_embeddings(release):
    """bfloat16 stays bfloat16; the output layer that is the embedding is not written twice."""
    report = convert_capellm(*release(published(torch.bfloat16, tie_word_embeddings=True), tie_word_embeddings=True))
    weights = load_file(report.language_model / 'model.safetensors')
    assert 'lm_head.weight' not in weights and {value.dtype for value in weights.values()} == {torch.bfloat16}
    assert Config.fromfile(report.config).model.head.language_model.dtype == 'bfloat16'
    model = LlamaForCausalLM.from_pretrained(report.language_model)
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight)


def without(word):
    return {name: value for name, value in published().items() if word not in name}


@pytest.mark.parametrize(
    'weights, config, error',
    [
        (without('vision_model'), {}, 'is no checkpoint of CapeLLM: expected weights of vision_model'),
        (without('mm_projector.bias'), {}, 'is no checkpoint of CapeLLM'),
        (without('mlp.fc2'), {}, r'2 of \d+ weights are missing \[.blocks.0.mlp.fc2.weight'),
        (without('o_proj'), {}, r'1 of \d+ weights are missing \[.model.layers.0.self_attn.o_proj.weight'),
        (without('q_proj.lora_B'), {}, r"LoRA of layers that are not known: \['model.layers.0.self_attn.q_proj.lora_A"),
        ({**published(), 'x.lora_A': torch.zeros(2, 2)}, {}, r"LoRA of layers that are not known: \['x.lora_A'\]"),
        ({**published(), 'x.weight': torch.zeros(2, 2)}, {}, r"1 weights that the model of .* \['x.weight'\]"),
        (None, dict(hidden_size=16), 'have another shape'),
        (None, dict(model_type='unheard_of'), 'is no config of a language model'),
    ],
)
def test_wrong_releases(release, weights, config, error):
    with pytest.raises(ValueError, match=error):
        convert_capellm(*release(weights, **config))


def test_wrong_projector(release):
    weights = published()
    weights['base_model.model.mm_projector.weight'] = torch.zeros(8, 4)
    with pytest.raises(ValueError, match=r'the projector is \(8, 4\); expected .* = \(8, 8\)'):
        convert_capellm(*release(weights))


def test_missing_tokenizer(release, tmp_path):
    source, config, _, out = release()
    with pytest.raises(FileNotFoundError, match='has no tokenizer'):
        convert_capellm(source, config, str(tmp_path / 'nothing'), out)
