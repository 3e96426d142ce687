"""What happens where a config leaves a value out, or gives a layer that is built already."""

import inspect

import open_clip
import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from tiny import NAMES, RESNET, VIT, build, samples, text_query_config

from clamp_mmpose.evaluation.metrics import CapePCK
from clamp_mmpose.evaluation.mp100.score_file import score_file
from clamp_mmpose.models.heads.text_query_head import _adjacency
from clamp_mmpose.models.losses import FeatureContrastiveLoss, NTXentLoss, SpatialContrastiveLoss


@torch.no_grad()
def test_clamp_head_predicts_instances_alone():
    """Neither maps nor a flip test unless asked for; a flip test moves no pixel unless asked to."""
    model, batch = build().eval(), samples()
    feats, mirrored = (model.backbone(torch.rand(2, 3, 64, 64)) for _ in range(2))
    for test_cfg in (None, {}, dict(flip_test=False)):
        instances = model.head.predict(feats, batch, test_cfg)
        assert [type(one) for one in instances] == [InstanceData] * 2
    both, fields = model.head.predict((feats, mirrored), batch, dict(flip_test=True, output_heatmaps=True))
    swapped = model.head(mirrored).flip(-1)[:, [0, 2, 1, 3, 4]]
    assert torch.allclose(fields[0].heatmaps, (model.head(feats) + swapped)[0] / 2, atol=1e-6) and len(both) == 2
    assert 'score_maps' not in fields[0]
    _, fields = model.head.predict(feats, batch, dict(output_score_maps=True))
    assert 'heatmaps' not in fields[0]
    assert 'acc_pose' in model.head.loss(feats, batch)


@torch.no_grad()
def test_text_query_head_predicts_instances_alone():
    head = MODELS.build(text_query_config()['model']['head']).eval()
    asked = [PoseDataSample(metainfo=dict(keypoint_names=['nose', 'tail']))]
    for test_cfg in (None, {}):
        [instance] = head.predict((torch.randn(1, 32, 4, 4),), asked, test_cfg)
        assert isinstance(instance, InstanceData) and instance.keypoints.shape == (1, 2, 2)


@torch.no_grad()
def test_text_query_head_flips_each_image_of_a_batch():
    """Two images with other numbers of keypoints: as each alone."""
    head = MODELS.build(text_query_config()['model']['head']).eval()
    asked = [PoseDataSample(metainfo=dict(keypoint_names=names)) for names in (['nose', 'tail'], ['tail'])]
    feature, mirrored = torch.randn(2, 32, 4, 4), torch.randn(2, 32, 4, 4)
    both = head.predict(((feature,), (mirrored,)), asked, dict(flip_test=True))
    for i, sample in enumerate(asked):
        one = slice(i, i + 1)
        [alone] = head.predict(((feature[one],), (mirrored[one],)), [sample], dict(flip_test=True))
        assert both[i].keypoints.shape == alone.keypoints.shape == (1, 2 - i, 2)
        assert both[i].keypoints == pytest.approx(alone.keypoints, abs=1e-3)
        assert both[i].keypoint_scores == pytest.approx(alone.keypoint_scores, abs=1e-5)


@torch.no_grad()
def test_projection_reads_the_last_of_several_maps():
    head = build(backbone=dict(type='ResNet', depth=18), in_channels=512, project=True).head.eval()
    maps = torch.rand(1, 512, 4, 4), torch.rand(1, 512, 2, 2)
    for one, other in zip(head.embed(maps), head.embed(maps[1:])):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    'kind, arch', [('CLIPVisionTransformer', VIT), ('CLIPResNet', RESNET), ('CLIPTextEncoder', VIT)]
)
def test_activation_is_gelu_unless_the_architecture_says_quickgelu(kind, arch):
    assert MODELS.build(dict(type=kind, arch=arch)).quick_gelu is False
    assert MODELS.build(dict(type=kind, arch=dict(arch, quick_gelu=True))).quick_gelu is True


@pytest.mark.parametrize(
    'config',
    [
        dict(type='TIMMBackbone', model_name='resnet10t'),
        dict(type='CLIPResNet', arch=RESNET),
        dict(type='CLIPTextEncoder', arch=VIT, tune=True),
    ],
    ids=lambda config: config['type'],
)
def test_other_initialization_is_mmengines(config):
    model = MODELS.build(dict(config, init_cfg=dict(type='Constant', layer=['Conv2d', 'Linear'], val=0.25)))
    model.init_weights()
    layers = [module for module in model.modules() if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))]
    assert layers and all((layer.weight == 0.25).all() for layer in layers)


def test_towers_may_be_built_already():
    backbone = MODELS.build(dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings'))
    encoder = MODELS.build(dict(type='CLIPTextEncoder', arch=VIT))
    model = MODELS.build(dict(type='CLIPTowers', backbone=backbone, text_encoder=encoder))
    assert model.backbone is backbone and model.text_encoder is encoder


def test_open_clip_model_without_weights(monkeypatch):
    """Nothing is downloaded, and its activation is the architecture's, GELU unless that says else."""
    calls = []

    def create_model(arch, **kwargs):
        calls.append((arch, kwargs))
        return torch.nn.Linear(2, 2)

    monkeypatch.setattr(open_clip, 'create_model', create_model)
    model = MODELS.build(dict(type='OpenCLIPModel', arch='ViT-B-32'))
    assert calls == [('ViT-B-32', dict(pretrained_hf=False))] and isinstance(model.model, torch.nn.Linear)
    model.init_weights()  # random
    for arch, own in (('ViT-B-32', False), ('ViT-B-32-quickgelu', True)):
        model.arch = arch
        for quick in (None, own):
            model._check_activation('a.pt', quick)
        with pytest.raises(ValueError, match='a.pt was trained with ' + ('GELU' if own else 'QuickGELU')):
            model._check_activation('a.pt', not own)


def test_no_skeleton_in_the_whole_batch():
    assert _adjacency([[], []], torch.zeros(2, 3, 4)).tolist() == [[[0] * 3] * 3] * 2


def test_losses():
    """CLIP's temperature, FocusCLIP's; both losses of CLAMP with weight 1."""
    feature, nt_xent = FeatureContrastiveLoss(), NTXentLoss()
    assert feature.logit_scale.exp().item() == pytest.approx(1 / 0.07) and feature.loss_weight == 1
    assert nt_xent.temperature.item() == pytest.approx(0.5) and nt_xent.loss_weight == 1
    assert nt_xent.same_modality_negatives and not list(nt_xent.parameters())
    assert SpatialContrastiveLoss(len(NAMES), 1).loss_module.loss_weight == 1
    # colder than 0.01 is not reached, as in CLIP
    assert NTXentLoss(temperature=0.001).temperature.item() == pytest.approx(0.01)


def test_mp100_is_scored_as_published():
    """200 episodes, and 0 for a pair without a common visible point."""
    metric = CapePCK()
    assert (metric.protocols, metric.num_episodes, metric.empty) == (('query_only',), 200, 'zero')
    defaults = {name: value.default for name, value in inspect.signature(score_file).parameters.items()}
    assert {name: defaults[name] for name in ('num_episodes', 'empty', 'missing', 'out')} == dict(
        num_episodes=200, empty='zero', missing='error', out=None
    )
