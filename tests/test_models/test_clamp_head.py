import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.runner import load_checkpoint, save_checkpoint
from mmengine.structures import PixelData
from mmengine.utils import digit_version
from mmpose.models.heads import HeatmapHead
from mmpose.registry import MODELS
from tiny import MATRIX, NAMES, RESNET, VIT, build, head_config, samples


def losses_of(model, batch_size=2, **kwargs):
    torch.manual_seed(0)
    return model.loss(torch.rand(batch_size, 3, 64, 64), samples(batch_size, len(model.head.names), **kwargs))


@torch.no_grad()
@pytest.mark.parametrize('arch', [VIT, RESNET], ids=['vit', 'resnet'])
def test_score_map_and_fusion(arch):
    """Eq. 3, 4 and 9, computed from the parts of the head."""
    model = build(arch).eval()
    feature_map, dense, global_ = feats = model.backbone(torch.rand(2, 3, 64, 96))
    prompts, score_map = model.head.adapt_prompts(dense, global_)
    assert prompts.shape == (2, 5, 24)
    b, n, i, j = 1, 3, 1, 2
    expected = torch.dot(dense[b, :, i, j], prompts[b, n]) / (dense[b, :, i, j].norm() * prompts[b, n].norm())
    assert score_map[b, n, i, j].item() == pytest.approx(expected.item(), abs=1e-6)
    fused = torch.cat([feature_map, score_map], dim=1)
    assert torch.equal(model.head(feats), HeatmapHead.forward(model.head, (fused,)))


@torch.no_grad()
def test_gamma_of_zero_leaves_the_prompts_unchanged():
    model = build().eval()
    model.head.cross_attention.gamma.zero_()
    _, dense, global_ = model.backbone(torch.rand(2, 3, 64, 64))
    prompts, _ = model.head.adapt_prompts(dense, global_)
    assert torch.allclose(prompts, model.head.encode_prompts().expand(2, -1, -1))
    model.head.cross_attention.gamma.fill_(1.0)
    adapted, _ = model.head.adapt_prompts(dense, global_)
    assert (adapted[0] - adapted[1]).abs().max() > 1e-4  # now each image has its own prompts


@torch.no_grad()
def test_eval_mode_runs_the_text_tower_once():
    model = build().eval()
    calls = []
    model.head.text_encoder.text.transformer.register_forward_hook(lambda *_: calls.append(1))
    image = torch.rand(2, 3, 64, 64)
    first = model(image, None, mode='tensor')
    assert torch.equal(model(image, None, mode='tensor'), first)
    model(torch.rand(1, 3, 128, 64), None, mode='tensor')
    assert len(calls) == 1
    with torch.enable_grad():
        with_grad = model(image, None, mode='tensor')
    assert with_grad.requires_grad and torch.allclose(with_grad, first, atol=1e-6)


def test_cache_is_cleared_when_outputs_may_change(tmp_path):
    model = build().eval()
    image = torch.rand(1, 3, 64, 64)

    def output():
        with torch.no_grad():
            return model(image, None, mode='tensor')

    first = output()
    model.train()
    model.head.prompt_learner.contexts.data += 1.0
    model.head.cross_attention.gamma.data += 1.0  # so that prompts change the output
    model.eval()
    second = output()
    assert not torch.equal(second, first)

    save_checkpoint(dict(state_dict=build().state_dict()), str(tmp_path / 'first.pth'))
    load_checkpoint(model, str(tmp_path / 'first.pth'))
    assert torch.equal(output(), first)

    model.head.cross_attention.gamma.data += 1.0
    before = output()
    model.head.set_names(['snout', 'left ear', 'right ear', 'tail base', 'left hand'])
    assert not torch.equal(output(), before)
    model.head.set_names(NAMES)
    assert torch.equal(output(), before)
    with pytest.raises(ValueError, match=r'needs prompts="text" and 5 names; .*, got 2 names'):
        model.head.set_names(['a', 'b'])
    model.double()
    with torch.no_grad():
        assert torch.allclose(model(image.double(), None, mode='tensor').float(), before, atol=1e-4)


def test_training_reaches_every_parameter():
    model = build().train()
    sum(value for name, value in losses_of(model).items() if name.startswith('loss')).backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without and all(name.startswith('head.text_encoder.') for name in without)  # the frozen text tower


def test_losses_have_their_weights():
    plain = build(spatial_loss=dict(loss_weight=1.0), feature_loss=dict(loss_weight=1.0)).eval()
    weighted = build(spatial_loss=dict(loss_weight=0.25), feature_loss=dict(loss_weight=5e-4)).eval()
    first, second = losses_of(plain), losses_of(weighted)
    assert second['loss_kpt'].item() == pytest.approx(first['loss_kpt'].item())
    assert second['loss_spatial'].item() == pytest.approx(first['loss_spatial'].item() / 4)
    assert second['loss_feature'].item() == pytest.approx(first['loss_feature'].item() * 5e-4)


@pytest.mark.parametrize(
    'switch, gone',
    [
        (dict(spatial_loss=None), {'loss_spatial'}),
        (dict(feature_loss=None), {'loss_feature'}),
        (dict(prompt_encoder=None), set()),
        (dict(cross_attention=None), set()),
        (MATRIX, set()),
        (dict(spatial_loss=dict(upsample='deconv'), feature_loss=dict(sampling='nearest', average='all')), set()),
    ],
)
def test_ablations_are_one_line(switch, gone):
    model = build(**switch).train()
    losses = losses_of(model)
    assert set(losses) == {'loss_kpt', 'loss_spatial', 'loss_feature', 'acc_pose'} - gone
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    assert all((parameter.grad is not None) == parameter.requires_grad for parameter in model.parameters())
    if switch is MATRIX:
        names = {name.split('.')[0] for name, _ in model.head.named_parameters()}
        assert 'prompt_matrix' in names and not names & {'prompt_learner', 'prompt_encoder', 'cross_attention'}
        assert model.head.encode_prompts() is model.head.prompt_matrix


@pytest.mark.parametrize(
    'backbone, channels',
    [
        (dict(type='ResNet', depth=18), 512),
        (
            dict(type='SwinTransformer', embed_dims=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2), out_indices=(3,)),
            128,
        ),
        (
            dict(
                type='HRNet',
                extra=dict(
                    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(64,)),
                    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 1), num_channels=(8, 16)),
                    stage3=dict(
                        num_modules=1, num_branches=3, block='BASIC', num_blocks=(1, 1, 1), num_channels=(8, 16, 32)
                    ),
                    stage4=dict(
                        num_modules=1, num_branches=4, block='BASIC', num_blocks=(1,) * 4, num_channels=(8, 16, 32, 64)
                    ),
                ),
            ),
            8,
        ),
    ],
)
def test_backbones_without_language(backbone, channels):
    deconvs = () if backbone['type'] == 'HRNet' else (16, 16, 16)
    model = build(
        backbone=backbone,
        in_channels=channels,
        project=True,
        deconv_out_channels=deconvs,
        deconv_kernel_sizes=(4,) * len(deconvs),
    )
    model.init_weights()
    losses = losses_of(model)
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    assert model.head.projection.weight.grad.abs().max() > 0
    assert model.head.projection.weight.std() > 0.02  # not the stock head's 0.001
    assert model.eval()(torch.rand(1, 3, 64, 64), None, mode='tensor').shape == (1, 5, 16, 16)


def test_drop_in_without_keypoint_labels():
    """MMPose's own codec gives no keypoints: the peaks of the target are used, at most 2 pixels away."""
    model = build().eval()
    batch = samples()
    precise = model.loss(torch.ones(2, 3, 64, 64), batch)['loss_feature']
    for sample in batch:
        del sample.gt_instance_labels.keypoint_labels
    from_peaks = model.loss(torch.ones(2, 3, 64, 64), batch)['loss_feature']
    assert not torch.equal(precise, from_peaks) and from_peaks.item() == pytest.approx(precise.item(), rel=0.2)


def test_peaks_of_a_target_that_is_not_square():
    """Cell (6, 2) of 12 x 16 in an input of 48 x 64 pixels is at (24, 8)."""
    model, seen = build().eval(), []
    [sample] = batch = samples(1)
    del sample.gt_instance_labels.keypoint_labels
    sample.gt_fields = PixelData(heatmaps=torch.zeros(5, 16, 12))
    sample.gt_fields.heatmaps[:, 2, 6] = 1
    sample.set_metainfo(dict(input_size=(48, 64)))
    model.head.feature_loss.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2]))
    losses = model.head.loss(model.backbone(torch.rand(1, 3, 64, 48)), batch, dict(compute_acc=False))
    assert seen[0].tolist() == [[[24, 8]] * 5] and 'acc_pose' not in losses


def test_accuracy_is_a_share_of_labeled_keypoints():
    from clamp_mmpose.models.utils.heatmaps import peak_accuracy

    target, predicted = torch.zeros(1, 4, 40, 40), torch.zeros(1, 4, 40, 40)
    for k, ((x, y), (u, v)) in enumerate([((5, 5), (6, 6)), ((5, 5), (7, 5)), ((5, 5), (9, 5)), ((5, 5), (30, 30))]):
        target[0, k, y, x], predicted[0, k, v, u] = 1, 1
    # within 5 % of 40: 1.41 and 2 (not less than 2), 4, far; the last is not labeled
    weights = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    assert peak_accuracy(predicted, target, weights).item() == pytest.approx(1 / 3)
    assert peak_accuracy(predicted, target, torch.zeros(1, 4)).item() == 0


@torch.no_grad()
def test_flip_test_is_the_stock_one():
    model = build().eval()
    batch = samples()
    image = torch.rand(2, 3, 64, 64)
    heatmaps = model(image, None, mode='tensor')
    flipped = model(image.flip(-1), None, mode='tensor').flip(-1)[:, [0, 2, 1, 3, 4]]
    flipped[..., 1:] = flipped[..., :-1].clone()
    model.test_cfg['output_heatmaps'] = True
    results = model.predict(image, batch)
    assert torch.allclose(torch.stack([r.pred_fields.heatmaps for r in results]), (heatmaps + flipped) / 2, atol=1e-6)


@torch.no_grad()
def test_temperature_calibrates_the_scores():
    """The odds of the scores become their square roots; heatmaps of random weights reach below 0, which is clipped."""
    model = build().eval()
    image = torch.rand(2, 3, 64, 64)
    before = np.concatenate([one.pred_instances.keypoint_scores for one in model.predict(image, samples())])
    model.test_cfg['temperature'] = 2.0
    after = np.concatenate([one.pred_instances.keypoint_scores for one in model.predict(image, samples())])
    clipped = np.clip(before, 1e-6, 1 - 1e-6)
    odds = np.sqrt(clipped / (1 - clipped))
    assert np.allclose(after, odds / (1 + odds), atol=1e-5) and not np.allclose(before, after)


@torch.no_grad()
@pytest.mark.parametrize('flip', [False, True])
def test_score_maps_are_in_the_predictions(flip):
    model = build().eval()
    image = torch.rand(2, 3, 64, 64)
    expected = model.head.score_map(model.backbone(image))
    model.test_cfg.update(output_score_maps=True, flip_test=flip)
    results = model.predict(image, samples())
    assert torch.allclose(torch.stack([r.pred_fields.score_maps for r in results]), expected, atol=1e-6)
    model.test_cfg['output_heatmaps'] = True
    fields = model.predict(image, samples())[0].pred_fields
    assert fields.heatmaps.shape == fields.score_maps.shape == (5, 16, 16)


@torch.no_grad()
def test_keypoint_prompt_similarity_is_eq_7():
    model = build().eval()
    feats = model.backbone(torch.rand(1, 3, 64, 64))
    prompts, _ = model.head.adapt_prompts(*feats[1:])
    keypoints = torch.tensor([[[7.5, 7.5]] * 4 + [[39.5, 23.5]]])
    matched = model.head.keypoint_prompt_similarity(feats, keypoints, (64, 64))
    features = torch.stack([feats[1][0, :, 0, 0]] * 4 + [feats[1][0, :, 1, 2]])
    assert torch.allclose(matched[0], F.normalize(features, dim=1) @ F.normalize(prompts[0], dim=1).T, atol=1e-5)


@pytest.mark.parametrize('num_keypoints', [1, 2, 5])
@pytest.mark.parametrize('batch_size', [1, 3])
def test_any_k_and_batch(num_keypoints, batch_size):
    model = build(names=NAMES[:num_keypoints])
    losses = losses_of(model, batch_size)
    assert all(math.isfinite(value) for value in losses.values())
    assert (losses['loss_feature'] == 0) == (num_keypoints == 1)
    flips = [0, 2, 1, 3, 4] if num_keypoints == 5 else list(range(num_keypoints))
    batch = samples(batch_size, num_keypoints)
    for sample in batch:
        sample.set_metainfo(dict(flip_indices=flips))
    with torch.no_grad():
        results = model.eval().predict(torch.rand(batch_size, 3, 64, 64), batch)
    assert [r.pred_instances.keypoints.shape for r in results] == [(1, num_keypoints, 2)] * batch_size


def test_image_without_labeled_keypoints():
    model = build()
    losses = losses_of(model, visible=0)
    assert losses['loss_kpt'] == losses['loss_spatial'] == losses['loss_feature'] == losses['acc_pose'] == 0
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


# float16 on the CPU came with PyTorch 2.3
@pytest.mark.parametrize(
    'dtype', [torch.bfloat16, torch.float16][: 1 if digit_version(torch.__version__) < digit_version('2.3') else 2]
)
def test_mixed_precision(dtype):
    model = build().eval()
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        full = model(image, None, mode='tensor')
        with torch.autocast('cpu', dtype=dtype):
            half = model(image, None, mode='tensor')
            results = model.predict(image, samples())
        assert (half - full).abs().max() < 0.05 * full.abs().max().clamp(min=1e-3)
        assert torch.equal(model(image, None, mode='tensor'), full)  # nothing in half precision was cached
    assert np.isfinite(results[0].pred_instances.keypoints).all()
    model.train()
    with torch.autocast('cpu', dtype=dtype):
        losses = losses_of(model)
    assert all(math.isfinite(value) for value in losses.values())
    sum(value.float() for name, value in losses.items() if name.startswith('loss')).backward()


def test_training_stores_nothing_larger_than_the_towers_activations():
    """The authors expand B x K x h x w x D for the feature loss: 61,440 numbers here, more than the tower's 17,408."""
    names = [f'point {letter}' for letter in 'abcdefghijklmnopqrst']
    model = build(names=names).train()
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        feats = model.backbone(torch.rand(8, 3, 64, 64))
        largest_of_tower = 8 * 17 * 128  # the hidden layer of its MLP
        assert largest_of_tower in kept
        kept.clear()
        prompts, _ = model.head.adapt_prompts(*feats[1:])
        model.head.feature_loss(feats[1], prompts, torch.rand(8, 20, 2) * 60, torch.ones(8, 20), (64, 64))
    assert max(kept) <= largest_of_tower


def test_wrong_use_is_explained():
    image = torch.rand(1, 3, 64, 64)
    with pytest.raises(ValueError, match=r"set out='embeddings' on a CLIP tower, or project=True"):
        build(backbone=dict(type='CLIPVisionTransformer', arch=VIT))(image, None, mode='tensor')
    with pytest.raises(ValueError, match=r'has 32 channels, the head in_channels=48'):
        build(in_channels=48)(image, None, mode='tensor')
    with pytest.raises(ValueError, match=r'has 512 channels, the head in_channels=48'):
        build(backbone=dict(type='ResNet', depth=18), in_channels=48, project=True)(image, None, mode='tensor')
    other = dict(VIT, embed_dim=32)
    with pytest.raises(ValueError, match=r'embeds into 24 dimensions, the text encoder into 32'):
        build(text_encoder=dict(type='CLIPTextEncoder', arch=other))(image, None, mode='tensor')
    with pytest.raises(ValueError, match=r"data have 3 keypoints, the head has 5 names \('nose'"):
        build().loss(image, samples(1, 3))
    with pytest.raises(ValueError, match="prompts must be 'text', 'matrix' or 'baked', got 'random'"):
        MODELS.build(head_config(prompts='random'))


@pytest.mark.parametrize(
    'arguments, error',
    [
        (
            dict(prompts='matrix', embed_dims=24),
            "'matrix' does not use text_encoder, prompt_encoder, cross_attention",
        ),
        (dict(MATRIX, cross_attention=dict(num_layers=2)), "'matrix' does not use cross_attention: leave out"),
        (dict(MATRIX, prompts='baked', prompt_learner=dict(num_contexts=2)), "'baked' does not use prompt_learner"),
        (dict(MATRIX, prompts='baked', prompt_encoder='Mine'), "'baked' does not use prompt_encoder"),
        (dict(prompts='baked', embed_dims=24), "'baked' does not use text_encoder"),
        (dict(MATRIX, embed_dims=None), "'matrix' with embed_dims=None: give embed_dims"),
        (dict(embed_dims=24), "'text' with embed_dims=24"),
        (dict(text_encoder=None), "'text' needs a text_encoder"),
        (dict(prompt_learner=None), "'text' needs a text_encoder and a prompt_learner"),
    ],
)
def test_unused_arguments_are_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        MODELS.build(head_config(**arguments))


def test_defaults_are_the_papers():
    """Eq. 2 with k = 8, one layer of 8 heads over the prompts, 3 layers of 4 heads and 256 channels, both losses."""
    arch = dict(VIT, embed_dim=32)
    encoder = dict(type='CLIPTextEncoder', arch=arch)
    head = MODELS.build(
        dict(type='CLAMPHead', in_channels=32, names=NAMES, text_encoder=encoder, decoder=head_config()['decoder'])
    )
    assert head.prompt_learner.contexts.shape == (8, 16)
    assert [layer.attn.num_heads for layer in head.prompt_encoder.layers] == [8]
    assert [layer.cross_attn.num_heads for layer in head.cross_attention.layers] == [4, 4, 4]
    assert head.cross_attention.text_proj[1].out_features == 256
    assert head.spatial_loss.upsampler is None and head.spatial_loss.loss_module.loss_weight == 1
    assert (head.feature_loss.sampling, head.feature_loss.average) == ('bilinear', 'labeled')


@MODELS.register_module()
class DoubledPrompts(torch.nn.Module):
    """A user-defined cross-attention without ``prepare``."""

    def __init__(self, embed_dims, factor=2.0):
        super().__init__()
        self.embed_dims, self.factor = embed_dims, factor

    def forward(self, prompts, dense, global_):
        return self.factor * prompts.expand(len(dense), -1, -1)


@torch.no_grad()
@pytest.mark.parametrize('config, factor', [('DoubledPrompts', 2), (dict(type='DoubledPrompts', factor=3.0), 3)])
def test_sub_layers_are_swapped_by_type(config, factor):
    model = build(cross_attention=config).eval()
    _, dense, global_ = model.backbone(torch.rand(2, 3, 64, 64))
    prompts, _ = model.head.adapt_prompts(dense, global_)
    assert model.head.cross_attention.embed_dims == 24
    assert torch.equal(prompts, factor * model.head.encode_prompts().expand(2, -1, -1))


@torch.no_grad()
@pytest.mark.parametrize('flip, runs', [(False, 1), (True, 2)])
def test_score_maps_need_no_second_pass(flip, runs):
    model, calls = build().eval(), []
    model.head.cross_attention.register_forward_hook(lambda *_: calls.append(1))
    model.test_cfg.update(output_score_maps=True, flip_test=flip)
    model.predict(torch.rand(2, 3, 64, 64), samples())
    assert len(calls) == runs


def test_number_of_channels_follows_from_the_names():
    with pytest.raises(ValueError, match=r'out_channels follows from names: remove it'):
        MODELS.build(dict(head_config(VIT), out_channels=17))
