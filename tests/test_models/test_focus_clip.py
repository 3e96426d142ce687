"""FocusCLIP and the other image-text models, with tiny random towers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from tiny import VIT

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
TEXTS = ['a person jumps', 'two people sit', 'someone rides a bike', 'a dog']


def config(**kwargs):
    return dict(
        dict(
            type='FocusCLIP',
            data_preprocessor=dict(type='PoseDataPreprocessor', mean=MEAN, std=STD, bgr_to_rgb=True),
            backbone=dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings'),
            in_channels=24,
            text_encoder=dict(type='CLIPTextEncoder', arch=VIT, tune=True),
            embed_dims=16,
        ),
        **kwargs,
    )


def build(**kwargs):
    torch.manual_seed(0)
    return MODELS.build(config(**kwargs))


def batch(model, number=4, heatmap=True, seed=0):
    """Images as a pipeline packs them, through the model's preprocessor."""
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for i in range(number):
        sample = PoseDataSample(metainfo=dict(text=TEXTS[i % 4], img_path=f'{i}.jpg', img_shape=(64, 64)))
        if heatmap:
            sample.gt_focus = PixelData(heatmap=torch.rand(1, 64, 64, generator=generator))
        samples.append(sample)
    images = [torch.randint(0, 256, (3, 64, 64), generator=generator).byte() for _ in range(number)]
    data = model.data_preprocessor(dict(inputs=images, data_samples=samples), True)
    return data['inputs'], data['data_samples'], images


def normalized(images):
    pixels = torch.stack(images).float().flip(1)
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def nt_xent(first, second, tau=0.5):
    """From one matrix of all 2N embeddings, unlike the package."""
    z = F.normalize(torch.cat([first, second]), dim=1)
    logits = z @ z.t() / tau - torch.eye(len(z)) * 1e9
    return F.cross_entropy(logits, torch.arange(len(z)).roll(len(first)))


@pytest.mark.parametrize('alpha', [0.0, 0.5])
def test_losses_are_those_of_the_masked_images(alpha):
    """The ROI branch sees the pixels times alpha + H (1 - alpha), then mean and std."""
    model = build(alpha=alpha, loss_terms=['image-text', 'roi-text', 'roi-image'])
    inputs, samples, images = batch(model)
    losses = model.loss(inputs, samples)

    heatmaps = torch.stack([sample.gt_focus.heatmap for sample in samples])
    masked = [(image.float() * (alpha + heatmap * (1 - alpha))) for image, heatmap in zip(images, heatmaps)]
    image = model.projection(model.backbone(normalized(images))[-1])
    roi = model.projection(model.backbone(normalized(masked))[-1])
    text = model.text_projection(model.text_encoder(TEXTS))
    expected = dict(
        loss_image_text=nt_xent(image, text), loss_roi_text=nt_xent(roi, text), loss_roi_image=nt_xent(roi, image)
    )
    assert {name for name in losses if name.startswith('loss')} == set(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), abs=1e-4)
    assert losses['loss_roi_text'].item() != pytest.approx(losses['loss_image_text'].item(), abs=1e-4)


def test_nothing_is_masked_where_the_heatmap_is_one():
    model = build()
    inputs, samples, _ = batch(model)
    for sample in samples:
        sample.gt_focus.heatmap.fill_(1)
    losses = model.loss(inputs, samples)
    assert losses['loss_roi_text'].item() == pytest.approx(losses['loss_image_text'].item(), abs=1e-5)


def test_heatmap_alone():
    """Table 4a without MIX: the heatmap as a gray image."""
    model = build(roi_input='heatmap')
    inputs, samples, _ = batch(model)
    losses = model.loss(inputs, samples)
    gray = [sample.gt_focus.heatmap.expand(3, -1, -1) * 255 for sample in samples]
    roi = model.projection(model.backbone(normalized(gray))[-1])
    expected = nt_xent(roi, model.text_projection(model.text_encoder(TEXTS)))
    assert losses['loss_roi_text'].item() == pytest.approx(expected.item(), abs=1e-4)


def test_clip_has_no_second_branch():
    model = build(loss_terms=['image-text'], roi_tower='own', learn_alpha=True)
    inputs, samples, _ = batch(model, heatmap=False)
    losses = model.loss(inputs, samples)
    assert set(losses) == {'loss_image_text', 'acc_image_text'}
    assert not [name for name, _ in model.named_parameters() if 'roi' in name or 'alpha' in name]


def trainable(model):
    return {name.split('.')[0] for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_frozen_image_tower():
    model = build().train()
    assert trainable(model) == {'projection', 'text_projection', 'text_encoder'}
    assert not model.backbone.training and model.text_encoder.training
    inputs, samples, _ = batch(model)
    sum(value for name, value in model.loss(inputs, samples).items() if 'loss' in name).backward()
    assert all((parameter.grad is not None) == parameter.requires_grad for parameter in model.parameters())


def test_trained_image_tower():
    model = build(freeze_image=False).train()
    assert 'backbone' in trainable(model) and model.backbone.training
    inputs, samples, _ = batch(model)
    model.loss(inputs, samples)['loss_roi_text'].backward()
    assert model.backbone.visual.conv1.weight.grad.abs().max() > 0


def test_own_tower_is_trained_and_starts_as_the_image_tower(tmp_path):
    donor = build(freeze_image=False)
    weights = {f'backbone.{name}': value for name, value in donor.backbone.state_dict().items()}
    torch.save(weights, tmp_path / 'weights.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix='backbone.')
    backbone = dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings', init_cfg=init_cfg)
    torch.manual_seed(7)
    model = MODELS.build(config(backbone=backbone, roi_tower='own'))
    model.init_weights()
    for name, value in donor.backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], value)
        assert torch.equal(model.roi_backbone.state_dict()[name], value)
    assert trainable(model) == {'projection', 'text_projection', 'text_encoder', 'roi_backbone', 'roi_projection'}
    inputs, samples, _ = batch(model)
    model.loss(inputs, samples)['loss_roi_text'].backward()
    assert model.roi_backbone.visual.conv1.weight.grad.abs().max() > 0


@pytest.mark.parametrize('freeze_image', [True, False])
def test_learned_alpha_gets_its_gradient_through_a_frozen_tower(freeze_image):
    model = build(alpha=0.5, learn_alpha=True, freeze_image=freeze_image)
    inputs, samples, _ = batch(model)
    model.loss(inputs, samples)['loss_roi_text'].backward()
    epsilon, values = 1e-2, []
    for step in (-epsilon, epsilon):
        with torch.no_grad():
            model.alpha.fill_(0.5 + step)
            values.append(model.loss(inputs, samples)['loss_roi_text'].item())
    assert model.alpha.grad.item() == pytest.approx((values[1] - values[0]) / (2 * epsilon), rel=0.1, abs=2e-4)


def test_one_image():
    model = build().train()
    inputs, samples, _ = batch(model, number=1)
    losses = model.loss(inputs, samples)
    assert losses['loss_image_text'] == losses['loss_roi_text'] == 0
    sum(losses[name] for name in ('loss_image_text', 'loss_roi_text')).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters() if parameter.requires_grad)


def test_unnormalized_images():
    model = build(data_preprocessor=dict(type='PoseDataPreprocessor'))
    inputs, samples, images = batch(model)
    losses = model.loss(inputs.float(), samples)
    masked = torch.stack([image * sample.gt_focus.heatmap for image, sample in zip(images, samples)])
    expected = nt_xent(model.projection(model.backbone(masked)[-1]), model.text_projection(model.text_encoder(TEXTS)))
    assert losses['loss_roi_text'].item() == pytest.approx(expected.item(), abs=1e-4)


def test_map_towers_are_averaged():
    torch.manual_seed(0)
    backbone = dict(type='TIMMBackbone', model_name='resnet10t', out_indices=(4,))
    model = build(backbone=backbone, in_channels=512).eval()
    inputs, _, _ = batch(model)
    expected = model.projection(model.backbone(inputs)[-1].flatten(2).mean(dim=2))
    assert torch.allclose(model(inputs), F.normalize(expected, dim=1), atol=1e-6)


def test_pooled_timm_tower():
    backbone = dict(type='TIMMBackbone', model_name='vit_tiny_patch16_224', pooled=True, img_size=64)
    model = build(backbone=backbone, in_channels=192).eval()
    inputs, _, _ = batch(model)
    timm_model = model.backbone.timm_model
    with torch.no_grad():
        expected = model.projection(timm_model.forward_features(inputs)[:, 0])  # timm pools by the class token
    assert torch.allclose(model(inputs), F.normalize(expected, dim=1), atol=1e-5)


def zero_shot(number, class_texts):
    return [PoseDataSample(metainfo=dict(class_texts=class_texts, img_shape=(64, 64))) for _ in range(number)]


def test_class_scores_are_cosines_with_the_mean_of_the_templates():
    model = build().eval()
    inputs, _, _ = batch(model)
    class_texts = [['a photo of a cat', 'one cat'], ['a photo of a dog', 'one dog']]
    with torch.no_grad():
        samples = model(inputs, zero_shot(4, class_texts), mode='predict')
        image = F.normalize(model.embed_images(inputs), dim=1)
        for c, texts in enumerate(class_texts):
            mean = sum(F.normalize(model.embed_texts([text])[0], dim=0) for text in texts)
            expected = F.cosine_similarity(image, mean[None])
            found = torch.stack([sample.class_scores[c] for sample in samples])
            assert torch.allclose(found, expected, atol=1e-5)


def test_classes_are_encoded_once(monkeypatch):
    model = build().eval()
    inputs, _, _ = batch(model)
    calls = []
    encode = model.text_encoder.forward
    monkeypatch.setattr(model.text_encoder, 'forward', lambda texts: calls.extend(texts) or encode(texts))
    with torch.no_grad():
        for _ in range(3):
            model(inputs, zero_shot(4, [['a cat'], ['a dog']]), mode='predict')
        assert calls == ['a cat', 'a dog']
        model(inputs, zero_shot(4, [['a cow'], ['a dog']]), mode='predict')
        assert calls[2:] == ['a cow', 'a dog']
        model.train()
        model.eval()
        model(inputs, zero_shot(4, [['a cat'], ['a dog']]), mode='predict')
    assert len(calls) == 6


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(loss_terms=[]), 'loss_terms must be one or more'),
        (dict(loss_terms=['text-image']), 'got .*text-image'),
        (dict(loss_terms=['roi-text', 'roi-text']), 'each once'),
        (dict(roi_tower='none'), "roi_tower='none', expected one of 'shared', 'own'"),
        (dict(loss_terms=['roi-text'], roi_tower='own'), "leave a tower untrained.*add 'image-text'"),
        (dict(loss_terms=['roi-image']), 'leave a tower untrained'),
        (dict(roi_input='heatmap', learn_alpha=True), 'nothing to learn from'),
        (dict(roi_input='both'), "roi_input='both', expected one of 'masked', 'heatmap'"),
        (dict(alpha=1.5), 'alpha must be from 0 to 1, got 1.5'),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(config(**change))


def test_samples_that_lack_something():
    model = build()
    inputs, samples, _ = batch(model, heatmap=False)
    with pytest.raises(ValueError, match=r"need focus heatmaps.*loss_terms=\['image-text'\]"):
        model.loss(inputs, samples)
    inputs, samples, _ = batch(model)
    samples[2].set_metainfo(dict(text='  '))
    with pytest.raises(ValueError, match=r'2\.jpg has no text'):
        model.loss(inputs, samples)
    del samples[1].text
    with pytest.raises(ValueError, match=r'1\.jpg has no text'):
        model.loss(inputs, samples)
    inputs, samples, _ = batch(model)
    for sample in samples:
        sample.gt_focus = PixelData(heatmap=torch.ones(1, 32, 64))
    with pytest.raises(ValueError, match=r'heatmaps of \(32, 64\) pixels, images of \(64, 64\)'):
        model.loss(inputs, samples)
    with pytest.raises(ValueError, match="mode='fit', expected one of"):
        model(inputs, samples, mode='fit')


def test_towers_without_projection():
    """CLIP's cosines, from the towers themselves."""
    towers = dict(type='CLIPTowers', backbone=config()['backbone'], text_encoder=config()['text_encoder'])
    torch.manual_seed(0)
    model = MODELS.build(towers).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        samples = model(images, zero_shot(2, [['a cat'], ['a dog']]), mode='predict')
        embeddings, texts = model.backbone.visual(images), model.text_encoder(['a cat', 'a dog'])
        expected = F.normalize(embeddings, dim=1) @ F.normalize(texts, dim=1).t()
    np.testing.assert_allclose(torch.stack([sample.class_scores for sample in samples]), expected, atol=1e-5)
    with pytest.raises(NotImplementedError, match='train FocusCLIP'):
        model(images, [], mode='loss')


def test_closed_form_through_the_model():
    """All embeddings equal: ln(2N - 1) for each term."""
    model = build()
    inputs, samples, _ = batch(model)
    for part in (model.projection, model.text_projection):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.ones_(part.bias)
    losses = model.loss(inputs, samples)
    assert losses['loss_image_text'].item() == pytest.approx(math.log(7), abs=1e-5)
    assert losses['loss_roi_text'].item() == pytest.approx(math.log(7), abs=1e-5)


def test_accuracy_counts_images_closest_to_their_text(monkeypatch):
    model = build(loss_terms=['image-text'])
    inputs, samples, _ = batch(model, number=3)
    image = torch.tensor([[1.0, 0, 0], [0.9, 0.1, 0], [0, 0, 1]])  # the second is closest to the first's text
    text = torch.tensor([[1.0, 0, 0], [0, 0.5, 0], [9, 0, 10]])  # the third is long, but points elsewhere
    monkeypatch.setattr(model, 'embed_images', lambda _: image)
    monkeypatch.setattr(model, 'embed_texts', lambda _: text)
    assert model.loss(inputs, samples)['acc_image_text'].item() == pytest.approx(2 / 3)


def test_own_tower_gets_the_masked_images():
    model = build(roi_tower='own')
    inputs, samples, images = batch(model)
    masked = [image * sample.gt_focus.heatmap for image, sample in zip(images, samples)]
    roi = model.roi_projection(model.roi_backbone(normalized(masked))[-1])
    expected = nt_xent(roi, model.text_projection(model.text_encoder(TEXTS)))
    losses = model.loss(inputs, samples)
    assert losses['loss_roi_text'].item() == pytest.approx(expected.item(), abs=1e-4)
    losses['loss_roi_text'].backward()
    assert model.roi_projection.weight.grad.abs().max() > 0 and model.projection.weight.grad is None


def test_loss_of_the_config_is_used():
    model = build(loss=dict(type='NTXentLoss', temperature=0.07))
    inputs, samples, images = batch(model)
    image = model.projection(model.backbone(normalized(images))[-1])
    expected = nt_xent(image, model.text_projection(model.text_encoder(TEXTS)), tau=0.07)
    assert model.loss(inputs, samples)['loss_image_text'].item() == pytest.approx(expected.item(), abs=1e-4)


def test_frozen_tower_is_in_eval_mode_from_the_start():
    assert not build().backbone.training


def test_many_texts_are_encoded_in_chunks(monkeypatch):
    model = build().eval()
    monkeypatch.setattr('clamp_mmpose.models.image_text.image_text_model.TEXTS_AT_ONCE', 3)
    classes = tuple((f'a {word}', f'one {word}') for word in ('cat', 'dog', 'cow', 'hen'))  # 3 + 3 + 2
    with torch.no_grad():
        found = model.embed_classes(classes)
        for row, texts in zip(found, classes):
            mean = F.normalize(model.embed_texts(texts), dim=1).mean(dim=0)
            assert torch.allclose(row, F.normalize(mean, dim=0), atol=1e-5)


def test_no_graph_of_a_trained_tower_in_tests():
    with torch.no_grad():
        assert not build(freeze_image=False).embed_images(torch.zeros(1, 3, 64, 64)).requires_grad
