import pytest
import torch
from mmpose.registry import MODELS
from tiny import RESNET, VIT, build

from clamp_mmpose.models.backbones.clip_image_tower import resize_positions


@pytest.mark.parametrize('arch, kind, stride', [(VIT, 'CLIPVisionTransformer', 16), (RESNET, 'CLIPResNet', 32)])
@torch.no_grad()
def test_map_does_not_depend_on_the_output(arch, kind, stride):
    """out='map' is the same tower without its language half, on any input size."""
    torch.manual_seed(0)
    full = MODELS.build(dict(type=kind, arch=arch, out='embeddings')).eval()
    bare = MODELS.build(dict(type=kind, arch=arch)).eval()
    bare.load_state_dict({name: value for name, value in full.state_dict().items() if name in bare.state_dict()})
    for height, width in ((64, 64), (96, 32), (32, 160)):
        image = torch.rand(2, 3, height, width)
        feature_map, dense, global_ = full(image)
        assert torch.equal(bare(image)[0], feature_map)
        assert feature_map.shape[2:] == dense.shape[2:] == (height // stride, width // stride)
        assert dense.shape[:2] == global_.shape == (2, 24)
    unused = set(full.state_dict()) - set(bare.state_dict())
    assert unused and all(name.startswith(('visual.ln_post', 'visual.proj', 'visual.attnpool')) for name in unused)


@torch.no_grad()
def test_dense_pool_of_one_query_is_open_clips_pool():
    """CLIP's pool uses only the mean as a query, which gives our global embedding; the dense ones differ."""
    tower = MODELS.build(dict(type='CLIPResNet', arch=RESNET, out='embeddings')).eval()
    feature_map, dense, global_ = tower(torch.rand(2, 3, 64, 64))
    assert torch.allclose(global_, tower.visual.attnpool(feature_map), atol=1e-5)
    # position (1, 0) by hand: its own token is the query
    pool = tower.visual.attnpool
    tokens = torch.cat([feature_map.flatten(2).mean(2, keepdim=True), feature_map.flatten(2)], dim=2).transpose(1, 2)
    tokens = tokens + pool.positional_embedding
    query = pool.q_proj(tokens[:, 3]).unflatten(1, (pool.num_heads, -1))
    key = pool.k_proj(tokens).unflatten(2, (pool.num_heads, -1))
    weights = torch.einsum('bhc,bnhc->bhn', query, key / key.shape[-1] ** 0.5).softmax(dim=-1)
    value = torch.einsum('bhn,bnhc->bhc', weights, pool.v_proj(tokens).unflatten(2, (pool.num_heads, -1)))
    assert torch.allclose(dense[:, :, 1, 0], pool.c_proj(value.flatten(1)), atol=1e-5)


def test_positions_are_resized_as_interpolate_does():
    positions = torch.arange(5.0)[:, None]  # class token 0, grid [[1, 2], [3, 4]]
    resized = resize_positions(positions, (2, 4))
    # columns at -0.25, 0.25, 0.75, 1.25 of the old grid, clamped
    assert resized[:, 0].tolist() == [0, 1, 1.25, 1.75, 2, 3, 3.25, 3.75, 4]
    assert resize_positions(positions, (2, 2)) is positions


def test_stochastic_depth_grows_linearly_and_is_off_in_eval_mode():
    arch = dict(VIT, vision_cfg=dict(VIT['vision_cfg'], layers=5))
    tower = MODELS.build(dict(type='CLIPVisionTransformer', arch=arch, drop_path_rate=0.4))
    rates = [getattr(block.ls_1, 'drop_prob', 0) for block in tower.visual.transformer.resblocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    plain = MODELS.build(dict(type='CLIPVisionTransformer', arch=arch))
    plain.load_state_dict(tower.state_dict())  # it adds no weights
    image = torch.rand(4, 3, 64, 64)
    assert torch.equal(tower.eval()(image)[0], plain.eval()(image)[0])
    assert not torch.equal(tower.train()(image)[0], plain(image)[0])


def test_wrong_use_is_explained():
    with pytest.raises(ValueError, match='not a CLIP ResNet; for vision transformers use CLIPVisionTransformer'):
        MODELS.build(dict(type='CLIPResNet', arch=VIT))
    with pytest.raises(ValueError, match='not a plain CLIP vision transformer; for ResNets use CLIPResNet'):
        MODELS.build(dict(type='CLIPVisionTransformer', arch=RESNET))
    with pytest.raises(ValueError, match="out='all', expected one of 'map', 'embeddings'"):
        MODELS.build(dict(type='CLIPResNet', arch=RESNET, out='all'))
    with pytest.raises(ValueError, match='72x64 pixels cannot be divided into cells of 16'):
        MODELS.build(dict(type='CLIPVisionTransformer', arch=VIT))(torch.rand(1, 3, 64, 72))


@torch.no_grad()
def test_stock_head_on_our_tower():
    tower = dict(type='CLIPResNet', arch=RESNET)
    model = MODELS.build(
        dict(
            type='TopdownPoseEstimator',
            backbone=tower,
            head=dict(type='HeatmapHead', in_channels=256, out_channels=3, deconv_out_channels=(8, 8, 8)),
        )
    ).eval()
    assert model(torch.rand(1, 3, 64, 96), None, mode='tensor').shape == (1, 3, 16, 24)


def test_cached_positions_follow_training():
    """The cache of eval mode is cleared when the weights may change."""
    model = build().backbone
    image = torch.rand(1, 3, 96, 96)  # not the stored size: the positions are resized and cached
    with torch.no_grad():
        before = model.eval()(image)[0]
        assert torch.equal(model(image)[0], before) and model._kept
        model.train()
        assert not model._kept
        model.visual.positional_embedding.add_(1.0)
        model.eval()
        assert not torch.equal(model(image)[0], before)
        other = {name: value + 1 for name, value in model.state_dict().items()}
        kept = model(image)[0]
        model.load_state_dict(other)
        assert not torch.equal(model(image)[0], kept)
        model.double()
        assert model(image.double())[0].dtype == torch.float64
