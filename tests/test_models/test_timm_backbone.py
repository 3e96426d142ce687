"""timm's feature extractors, with checkpoints in timm's format."""

import pytest
import timm
import torch
from mmpose.registry import MODELS
from safetensors.torch import save_file

SWIN = dict(
    model_name='swinv2_tiny_window8_256',
    img_size=64,
    window_size=4,
    embed_dim=16,
    depths=(1, 1, 1, 1),
    num_heads=(1, 1, 2, 2),
)
DINO = dict(model_name='vit_small_patch14_dinov2', img_size=56, embed_dim=32, depth=2, num_heads=2)


def build(config, checkpoint=None):
    torch.manual_seed(5)
    init_cfg = checkpoint and dict(type='Pretrained', checkpoint=str(checkpoint))
    backbone = MODELS.build(dict(type='TIMMBackbone', init_cfg=init_cfg, **config))
    backbone.init_weights()
    return backbone.eval()


def whole(config, **kwargs):
    """The model with its classifier, as timm publishes it."""
    torch.manual_seed(1)
    arguments = {**config, **kwargs}
    return timm.create_model(arguments.pop('model_name'), **arguments).eval()


@pytest.mark.parametrize(
    'config, size, shape',
    [
        (SWIN, 64, (2, 128, 2, 2)),
        (DINO, 56, (2, 32, 4, 4)),
        (dict(model_name='convnext_atto'), 64, (2, 320, 2, 2)),
        (dict(model_name='resnet10t', out_indices=(3, 4)), 64, (2, 512, 2, 2)),
    ],
)
def test_maps_are_channels_first(config, size, shape):
    maps = build(config)(torch.randn(2, 3, size, size))
    assert tuple(maps[-1].shape) == shape and len(maps) == len(config.get('out_indices', (-1,)))


def test_stages_after_the_last_level_are_left_out():
    """The maps at strides 4 and 8 do not change, and what would come after them is not there."""
    config = dict(model_name='mobilenetv3_small_050', out_indices=(1, 2))
    backbone = build(config)
    torch.manual_seed(5)
    expected = timm.create_model(**config, features_only=True).eval()
    assert len(backbone.timm_model.blocks) < len(expected.blocks) == 6
    image = torch.randn(1, 3, 64, 64)
    maps = backbone(image)
    for found, level, stride in zip(maps, expected(image), (4, 8)):
        assert torch.equal(found, level) and found.shape[2] == 64 // stride
    maps[-1].sum().backward()
    assert all(p.grad is not None for p in backbone.parameters())


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_swin_checkpoint_matches_timms_features(tmp_path, suffix):
    """SwinV2 has channels last: its map is timm's, permuted."""
    model = whole(SWIN)
    path = tmp_path / f'weights{suffix}'
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, path) if suffix == '.safetensors' else torch.save(weights, path)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = model.layers[:3](model.patch_embed(image))
        expected = model.layers[3](expected)
        found = build(SWIN, path)(image)[0]
    assert torch.allclose(found, expected.permute(0, 3, 1, 2), atol=1e-5)


def test_dinov2_positions_are_fitted(tmp_path):
    """Trained at 112 pixels, used at 56: timm resamples the positions."""
    model = whole(DINO, img_size=112)
    torch.save(model.state_dict(), tmp_path / 'dino.pth')
    backbone = build(DINO, tmp_path / 'dino.pth')
    expected = timm.layers.resample_abs_pos_embed(model.pos_embed, (4, 4))
    assert torch.allclose(backbone.timm_model.model.pos_embed, expected, atol=1e-6)
    assert torch.equal(backbone.timm_model.model.blocks[1].mlp.fc1.weight, model.blocks[1].mlp.fc1.weight)


def test_final_norm(tmp_path):
    """DINOv2's patch tokens are normalized; timm's maps are not, unless asked for."""
    model = whole(DINO)
    torch.nn.init.normal_(model.norm.weight)
    torch.save(model.state_dict(), tmp_path / 'dino.pth')
    image = torch.randn(2, 3, 56, 56)
    with torch.no_grad():
        tokens = model.forward_features(image)[:, 1:]
        found = build(dict(DINO, norm=True), tmp_path / 'dino.pth')(image)
        first = build(dict(DINO, norm=True, out_indices=(0,)), tmp_path / 'dino.pth')
        block = model.blocks[0](model._pos_embed(model.patch_embed(image)))[:, 1:]
        assert torch.allclose(first(image)[0][:, :, 1, 0], model.norm(block)[:, 4], atol=1e-5)
    assert len(first.timm_model.blocks) == 1
    assert len(found) == 1 and torch.allclose(found[0][:, :, 1, 2], tokens[:, 4 + 2], atol=1e-5)
    with pytest.raises(ValueError, match='norm=True is for maps of transformers'):
        build(dict(model_name='resnet10t', norm=True))


@pytest.mark.parametrize('norm', [False, True])
def test_lora_of_the_fused_layer(tmp_path, norm):
    """timm has one layer for query, key and value: its LoRA adapts all three."""
    pytest.importorskip('peft')
    torch.save(whole(DINO).state_dict(), tmp_path / 'dino.pth')
    image = torch.randn(1, 3, 56, 56)
    config = dict(DINO, norm=norm)
    frozen = build(dict(config, tune='frozen'), tmp_path / 'dino.pth')
    adapted = build(dict(config, tune='lora', lora=dict(rank=2)), tmp_path / 'dino.pth')
    assert torch.equal(adapted(image)[0], frozen(image)[0])
    trained = {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    prefix = 'timm_model.' if norm else 'timm_model.model.'
    assert [name[len(prefix) :] for name in trained] == [
        f'blocks.{i}.attn.qkv.lora_{matrix}.default.weight' for i in (0, 1) for matrix in 'AB'
    ]
    assert trained[f'{prefix}blocks.1.attn.qkv.lora_B.default.weight'].shape == (96, 2)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert all(parameter.requires_grad for parameter in build(config).parameters())


def test_foreign_checkpoint(tmp_path):
    torch.save(whole(dict(model_name='resnet10t')).state_dict(), tmp_path / 'resnet.pth')
    with pytest.raises(
        ValueError, match=r"resnet\.pth does not fit timm's 'swinv2_tiny_window8_256': \d+ of \d+ weights are missing"
    ):
        build(SWIN, tmp_path / 'resnet.pth')
    torch.save(whole(DINO, embed_dim=64).state_dict(), tmp_path / 'wide.pth')
    with pytest.raises(ValueError, match='cannot be loaded'):
        build(DINO, tmp_path / 'wide.pth')


def test_part_of_a_checkpoint_is_not_enough(tmp_path):
    weights = whole(SWIN).state_dict()
    torch.save({name: value for name, value in weights.items() if not name.startswith('layers.3')}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'weights are missing .*layers_3'):
        build(SWIN, tmp_path / 'a.pth')


def test_offline(monkeypatch):
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)  # without it, minutes of retries
    with pytest.raises(ValueError, match='Without internet'):
        build(dict(model_name='resnet10t'), 'timm://')


def test_unknown_model():
    with pytest.raises(ValueError, match=r"no model 'swinv2_tiny_window9_256'.*swinv2_tiny_window8_256"):
        build(dict(model_name='swinv2_tiny_window9_256'))


def test_channels_are_last_in_memory_where_that_is_faster():
    """In training on the CPU; the values are those of the other layout."""
    tower = build(dict(model_name='tf_efficientnet_lite0', out_indices=(2,))).train()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    (features,) = tower(images)
    assert features.is_contiguous(memory_format=torch.channels_last) and not features.is_contiguous()
    (expected,) = tower.timm_model(images)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    assert tower.eval()(images)[0].is_contiguous()
