"""Image towers of transformers, from tiny random models in the real file formats."""

import json

import pytest
import torch
import transformers
from mmengine.utils import digit_version
from mmpose.registry import MODELS
from safetensors.torch import load_file, save_file
from torch.nn.functional import layer_norm

from clamp_mmpose.models.utils.lora import lora_names

WIDTH = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2)
VIT = dict(WIDTH, image_size=56, patch_size=14)
CLIP = dict(VIT, intermediate_size=32)
HIERA = dict(embed_dim=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2), image_size=(64, 64), masked_unit_size=(8, 8))
KINDS = ['dinov2', 'clip', 'siglip', 'hiera']
KINDS += ['dinov2_with_registers'] * hasattr(transformers, 'Dinov2WithRegistersModel')  # from 4.48 on
# older PyTorch does not multiply float16 on the CPU
HALF = ['bfloat16'] + ['float16'] * (digit_version(torch.__version__) >= digit_version('2.3.0'))
STRIDES = dict(dict.fromkeys(KINDS, 14), hiera=32)


def whole(kind):
    """The model as it is published: CLIP and SigLIP with their text towers."""
    text = dict(WIDTH, intermediate_size=32, vocab_size=20, max_position_embeddings=8)
    if kind == 'dinov2':
        return transformers.Dinov2Model(transformers.Dinov2Config(**VIT))
    if kind == 'dinov2_with_registers':
        config = transformers.Dinov2WithRegistersConfig(num_register_tokens=3, **VIT)
        return transformers.Dinov2WithRegistersModel(config)
    if kind == 'clip':
        return transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=CLIP))
    if kind == 'siglip':
        return transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=CLIP))
    return transformers.HieraModel(transformers.HieraConfig(**HIERA))


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp('towers')
    for kind in KINDS:
        model = whole(kind)
        for parameter in model.parameters():  # no norm or embedding that does nothing
            parameter.data.add_(0.2 * torch.randn_like(parameter))
        model.save_pretrained(root / kind, safe_serialization=True)
    return root


def build(folder, **kwargs):
    init_cfg = dict(type='Pretrained', checkpoint=str(folder))
    backbone = MODELS.build(dict(type='TransformersBackbone', model=str(folder), init_cfg=init_cfg, **kwargs))
    backbone.init_weights()
    return backbone.eval()


def expected_map(folder, kind, img):
    """By transformers' own models and the state dict alone."""
    h, w = (side // STRIDES[kind] for side in img.shape[2:])
    if kind in ('dinov2', 'dinov2_with_registers'):
        model = transformers.AutoModel.from_pretrained(folder).eval()
        tokens = model(img).last_hidden_state[:, 4 if 'registers' in kind else 1 :]
    elif kind == 'clip':
        model = transformers.CLIPVisionModel.from_pretrained(folder).eval()
        weights = load_file(folder / 'model.safetensors')
        norm = [weights[f'vision_model.post_layernorm.{name}'] for name in ('weight', 'bias')]
        tokens = model(img, interpolate_pos_encoding=True).last_hidden_state[:, 1:]
        tokens = layer_norm(tokens, (16,), *norm)
    elif kind == 'siglip':
        model = transformers.SiglipVisionModel.from_pretrained(folder).eval()
        tokens = model(img, interpolate_pos_encoding=True).last_hidden_state
    else:
        model = transformers.HieraModel.from_pretrained(folder).eval()
        weights = load_file(folder / 'model.safetensors')
        tokens = model(img, interpolate_pos_encoding=True).last_hidden_state
        tokens = layer_norm(tokens, (64,), weights['pooler.layernorm.weight'], weights['pooler.layernorm.bias'])
    return torch.stack([tokens[:, i * w : (i + 1) * w].transpose(1, 2) for i in range(h)], dim=2)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('cells', [(4, 4), (2, 4)])
def test_map_as_by_transformers(folders, kind, cells):
    """At the pretrained size (2 x 2 for Hiera) and at others."""
    backbone = build(folders / kind)
    img = torch.randn(2, 3, *(STRIDES[kind] * side for side in cells))
    if kind == 'clip' and digit_version(transformers.__version__) < digit_version('4.46'):
        if cells == (4, 4):
            pytest.skip('its own size; the reference of this test needs transformers 4.46')
        with torch.no_grad(), pytest.raises(ValueError, match='takes only its own image size'):
            backbone(img)
        return
    with torch.no_grad():
        found, expected = backbone(img), expected_map(folders / kind, kind, img)
    assert len(found) == 1 and found[0].shape == (2, backbone.embed_dims, *cells)
    assert torch.allclose(found[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_lora_keeps_the_pretrained_map(folders, kind):
    """Weights are loaded under LoRA, which starts at zero; then it is trained, and nothing else."""
    img = torch.randn(1, 3, 64, 64) if kind == 'hiera' else torch.randn(1, 3, 56, 56)
    backbone = build(folders / kind, tune='lora', lora=dict(rank=2))
    assert torch.equal(backbone(img)[0], build(folders / kind)(img)[0])
    trained = [name for name, parameter in backbone.named_parameters() if parameter.requires_grad]
    assert trained == [f'model.{name}' for name in lora_names(backbone.model)]
    # A and B of q and v in two layers; of the fused qkv in four
    assert len(trained) == 8
    backbone.train()(img)[0].square().sum().backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters() if parameter.requires_grad)


@pytest.mark.parametrize('kind', KINDS)
def test_full_trains_every_weight_it_has(folders, kind):
    """DDP stops at a trained parameter without a gradient."""
    backbone = build(folders / kind, tune='full').train()
    img = torch.randn(1, 3, 64, 64) if kind == 'hiera' else torch.randn(1, 3, 56, 56)
    backbone(img)[0].square().sum().backward()
    trained = {name: parameter.grad for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert len(trained) > 20 and [name for name, grad in trained.items() if grad is None] == []


def test_frozen_stays_in_eval_mode(folders):
    backbone = build(folders / 'dinov2', config=dict(drop_path_rate=0.9)).train()
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    img = torch.randn(4, 3, 56, 56)
    assert torch.equal(backbone(img)[0], backbone(img)[0])
    trained = build(folders / 'dinov2', config=dict(drop_path_rate=0.9), tune='lora').train()
    assert not torch.equal(trained(img)[0], trained(img)[0])


@pytest.mark.parametrize('dtype', HALF)
def test_half_precision(folders, dtype):
    img = torch.randn(1, 3, 56, 56)
    backbone = build(folders / 'dinov2', tune='lora', dtype=dtype)
    assert backbone.model.layernorm.weight.dtype == getattr(torch, dtype)
    found = backbone(img)[0]
    assert found.dtype == torch.float32
    expected = build(folders / 'dinov2')(img)[0]
    assert (found - expected).abs().max() < 0.1 * expected.std()


def test_from_scratch():
    backbone = MODELS.build(dict(type='TransformersBackbone', config=dict(model_type='dinov2', **VIT), tune='full'))
    backbone.init_weights()
    assert backbone(torch.randn(1, 3, 28, 28))[0].shape == (1, 16, 2, 2)


def test_missing_weights_are_refused(folders, tmp_path):
    weights = load_file(folders / 'dinov2' / 'model.safetensors')
    removed = next(name for name in weights if name.endswith('layernorm.bias'))
    (tmp_path / 'config.json').write_text((folders / 'dinov2' / 'config.json').read_text())
    kept = {name: value for name, value in weights.items() if name != removed}
    save_file(kept, tmp_path / 'model.safetensors', metadata=dict(format='pt'))
    with pytest.raises(ValueError, match=r'1 of \d+ weights are missing .*layernorm.bias'):
        build(tmp_path)


def test_pickles_and_code_are_refused(folders, tmp_path):
    config = json.loads((folders / 'dinov2' / 'config.json').read_text())
    (tmp_path / 'config.json').write_text(json.dumps(config))
    torch.save(whole('dinov2').state_dict(), tmp_path / 'pytorch_model.bin')
    with pytest.raises(ValueError, match='has no safetensors weights'):
        build(tmp_path)
    config.update(model_type='unheard_of', auto_map=dict(AutoConfig='own.Config', AutoModel='own.Model'))
    (tmp_path / 'config.json').write_text(json.dumps(config))
    (tmp_path / 'own.py').write_text('raise SystemExit("this code ran")')
    with pytest.raises(ValueError, match='Models that need their own code are not loaded'):
        build(tmp_path)


@pytest.mark.parametrize(
    'arguments, error',
    [
        (dict(config=dict(drop_path=0.1)), r'dinov2 has no drop_path; it has \[.*drop_path_rate'),
        (dict(tune='none'), 'tune'),
        (dict(lora=dict(rank=4)), 'needs tune="lora"'),
        (dict(tune='lora', lora=dict(targets=('qkv',))), r'match no linear layer of Dinov2Model; choose among .*fc1'),
    ],
)
def test_wrong_arguments(folders, arguments, error):
    with pytest.raises(ValueError, match=error):
        build(folders / 'dinov2', **arguments)


def test_wrong_models_and_images(folders):
    with pytest.raises(ValueError, match='needs model'):
        MODELS.build(dict(type='TransformersBackbone'))
    with pytest.raises(ValueError, match='reads input_ids; expected a model of images'):
        MODELS.build(dict(type='TransformersBackbone', config=dict(model_type='bert', num_hidden_layers=1)))
    with pytest.raises(ValueError, match='that 14 divides, not 60x56 pixels'):
        build(folders / 'dinov2')(torch.randn(1, 3, 56, 60))
    with pytest.raises(ValueError, match='num_query_pool=2 with 4 stages'):
        MODELS.build(dict(type='TransformersBackbone', config=dict(model_type='hiera', num_query_pool=2, **HIERA)))
