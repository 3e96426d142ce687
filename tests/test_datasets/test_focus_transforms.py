"""The focus heatmap in pipelines: before and after flip, crop and quarter turns, from every source."""

from itertools import permutations

import cv2
import numpy as np
import pytest
import torch
from focus_samples import BOX, CROP, FLIP, Turn, pipeline, sample
from mmpose.registry import DATASETS, TRANSFORMS

from clamp_mmpose.datasets.focus.attention import AttentionHeatmap
from clamp_mmpose.datasets.focus.body_parts import body_parts
from clamp_mmpose.datasets.focus.heatmaps import part_ellipses, sum_of_ellipses
from clamp_mmpose.datasets.transforms.generate_focus_heatmap import update_focus_heatmap


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('degrees', [0, 90, 180, -90])
@pytest.mark.parametrize('scale', [0.8, 1.25])
@pytest.mark.parametrize('mode', ['paper', 'published'])
def test_draw_then_crop_equals_crop_then_draw(flip, degrees, scale, mode):
    draw = dict(type='GenerateFocusHeatmap', mode=mode)
    before = [FLIP] if flip else []
    first = pipeline(sample(), draw, *before, BOX, Turn(degrees, scale), CROP)['focus_heatmap']
    last = pipeline(sample(), *before, BOX, Turn(degrees, scale), CROP, draw)['focus_heatmap']
    assert first.shape == last.shape == (128, 96)
    inside = (
        pipeline(dict(sample(), img=np.full((200, 240, 3), 255, np.uint8)), *before, BOX, Turn(degrees, scale), CROP)[
            'img'
        ].min(axis=2)
        == 255
    )  # outside the image there is nothing to draw
    difference = np.abs(first - last)[inside]
    if mode == 'paper':  # ellipses have sharp edges, at which interpolation mixes; elsewhere it does not
        assert np.quantile(difference, 0.9) < 0.02
        assert difference.mean() < 0.02
    else:  # whole pixels move a center or a sigma by up to one pixel of the crop
        assert difference.max() < 0.2
        assert difference.mean() < 0.04
    assert last.max() > 0.9


def test_other_angles_are_drawn_from_the_rotated_keypoints():
    results = pipeline(sample(), BOX, Turn(30), CROP, dict(type='GenerateFocusHeatmap', mode='paper'))
    factor = 96 / results['input_scale'][0]
    expected = sum_of_ellipses(
        part_ellipses(results['transformed_keypoints'], np.ones((1, 16), bool), body_parts('mpii'), 240 * factor),
        (128, 96),
    )
    np.testing.assert_allclose(results['focus_heatmap'], expected, atol=1e-5)


def test_all_people_of_an_image_or_one_instance():
    draw = dict(type='GenerateFocusHeatmap', mode='paper')
    everyone = pipeline(sample(people=3), draw)['focus_heatmap']
    alone = []
    for i in range(3):
        person = sample(people=3)
        for key in ('keypoints', 'keypoints_visible', 'bbox'):
            person[key] = person[key][i : i + 1]
        alone.append(pipeline(person, draw)['focus_heatmap'])
    np.testing.assert_allclose(everyone, np.minimum(sum(alone), 1), atol=1e-5)
    assert (everyone > alone[0] + 0.1).any()


def test_after_a_bottom_up_crop():
    results = dict(sample(people=2), num_keypoints=[16, 16], area=np.ones(2, np.float32))
    np.random.seed(0)
    affine = dict(
        type='BottomupRandomAffine', input_size=(128, 128), shift_prob=0.0, rotate_factor=0.0, scale_factor=(1.0, 1.0)
    )
    first = pipeline(dict(results), dict(type='GenerateFocusHeatmap', mode='paper'), affine, FLIP)
    np.random.seed(0)
    last = pipeline(dict(results), affine, FLIP, dict(type='GenerateFocusHeatmap', mode='paper'))
    assert first['focus_heatmap'].shape == (128, 128)
    assert np.abs(first['focus_heatmap'] - last['focus_heatmap']).mean() < 0.01
    boxes = pipeline(dict(results), affine, dict(type='GenerateFocusHeatmap', source='bbox'))['focus_heatmap']
    assert boxes.max() == pytest.approx(1, abs=0.01)


def test_flipped_maps_can_be_packed():
    results = dict(sample(people=2), num_keypoints=[16, 16], area=np.ones(2, np.float32))
    affine = dict(type='BottomupRandomAffine', input_size=(128, 128))
    for order in ([dict(type='GenerateFocusHeatmap'), affine, FLIP], [affine, dict(type='GenerateFocusHeatmap'), FLIP]):
        packed = pipeline(dict(results), *order, dict(type='PackFocusInputs'))
        assert packed['data_samples'].gt_focus.heatmap.shape == (1, 128, 128)


def test_udp_is_recognized_by_its_keypoints():
    draw, crop = dict(type='GenerateFocusHeatmap', mode='paper'), dict(CROP, input_size=(24, 32), use_udp=True)
    before, behind = (pipeline(sample(), *order)['focus_heatmap'] for order in ([draw, BOX, crop], [BOX, crop, draw]))
    assert np.abs(before - behind).mean() < 0.02


def test_images_of_unknown_changes():
    results = dict(sample(people=2), bbox=None, bbox_score=None)
    results = pipeline(results, dict(type='BottomupRandomCrop', crop_size=(90, 70)), dict(type='GenerateFocusHeatmap'))
    assert results['focus_heatmap'].shape == results['img'].shape[:2] == (70, 90)
    results = pipeline(sample(), dict(type='GenerateFocusHeatmap'))
    results['img'] = results['img'][:50]
    with pytest.raises(ValueError, match=r'has \(200, 240\) pixels and the image \(50, 240\): put Generate'):
        update_focus_heatmap(results)


def test_squashed_images():
    draw = dict(type='GenerateFocusHeatmap', mode='paper')
    resize = dict(type='ResizeToInput', input_size=(112, 60))
    first = pipeline(sample(people=2), draw, resize)
    last = pipeline(sample(people=2), resize, draw)
    assert last['focus_heatmap'].shape == (60, 112)
    assert np.abs(first['focus_heatmap'] - last['focus_heatmap']).mean() < 0.02
    # pixel centers: the middle of the left upper pixel stays the corner's
    np.testing.assert_allclose(
        last['keypoints'], (sample(people=2)['keypoints'] + 0.5) * [112 / 240, 60 / 200] - 0.5, rtol=1e-5
    )


def test_shrunk_images_are_averaged_and_enlarged_ones_interpolated():
    """4 x 4 pixels become one: their mean, not the middle ones'. Two pixels become four: 0, 1/4, 3/4, 1."""
    fine = np.zeros((8, 8, 3), np.uint8)
    fine[::4, ::4] = 160
    fine[:4, :4] += np.uint8([0, 15, 30])
    small = pipeline(dict(img=fine), dict(type='ResizeToInput', input_size=(2, 2)))['img']
    assert small.tolist() == [[[10, 25, 40], [10, 10, 10]], [[10, 10, 10], [10, 10, 10]]]
    pair = np.uint8([[[0] * 3, [200] * 3]])
    wide = pipeline(dict(img=pair), dict(type='ResizeToInput', input_size=(4, 1)))['img']
    assert wide[0, :, 0].tolist() == [0, 50, 150, 200]
    # half as wide and thrice as high is larger: interpolated, so the middle rows are mixed
    column = np.repeat(np.uint8([[[0]], [[240]]]), 4, axis=1).repeat(3, axis=2)
    high = pipeline(dict(img=column), dict(type='ResizeToInput', input_size=(2, 6)))['img']
    assert high[:, 0, 0].tolist() == [0, 0, 80, 160, 240, 240]


@pytest.mark.parametrize('source', ['keypoints', 'bbox'])
def test_squashed_and_flipped_in_any_order(source):
    draw = dict(type='GenerateFocusHeatmap', source=source, mode='paper')
    resize = dict(type='ResizeToInput', input_size=(90, 90))
    boxed = dict(sample(), bbox=np.array([[20, 40, 100, 80]], np.float32))
    squashed = pipeline(dict(boxed), resize, draw)['focus_heatmap']
    for order in permutations([draw, resize, FLIP]):
        heatmap = update_focus_heatmap(pipeline(dict(boxed), *order))
        assert np.abs(heatmap - squashed[:, ::-1]).mean() < 0.01, order
    assert np.abs(squashed - squashed[:, ::-1]).mean() > 0.05  # the order matters


def test_drawn_between_flip_and_bottom_up_crop():
    results = dict(sample(people=2), num_keypoints=[16, 16], area=np.ones(2, np.float32))
    draw = dict(type='GenerateFocusHeatmap', mode='paper')
    affine = dict(type='BottomupRandomAffine', input_size=(128, 128), scale_factor=(1.0, 1.0), rotate_factor=0.0)
    np.random.seed(1)
    first = update_focus_heatmap(pipeline(dict(results), FLIP, draw, affine))
    np.random.seed(1)
    last = pipeline(dict(results), FLIP, affine, draw)['focus_heatmap']
    assert np.abs(first - last).mean() < 0.01


def test_weights_with_visibility():
    results = sample()
    results['keypoints_visible'] = np.stack([np.zeros((1, 16)), np.ones((1, 16))], axis=-1)  # as MMPose's codecs do
    assert not pipeline(results, dict(type='GenerateFocusHeatmap'))['focus_heatmap'].any()


def test_auto_takes_the_bones_of_an_unknown_data_set():
    results = sample(kind='mice', num_keypoints=3)
    results.update(
        keypoints=np.array([[[20, 50], [60, 50], [100, 150]]], np.float32),
        skeleton_links=[(0, 1)],
        keypoints_visible=np.ones((1, 3)),
    )
    heatmap = pipeline(results, dict(type='GenerateFocusHeatmap', mode='paper'))['focus_heatmap']
    assert heatmap[50, 40] == 1  # middle of the bone
    assert heatmap[150, 100] == 1  # the keypoint without bone
    assert heatmap[100, 80] == 0


@pytest.mark.parametrize(
    'change, arguments, message',
    [
        (dict(dataset_name='mice', skeleton_links=[]), {}, "comes from 'mice'.*give groups"),
        ({}, dict(groups='coco'), 'has 16 keypoints, but the body parts are for 17'),
        (dict(keypoints=None), {}, 'has no keypoints'),
        (dict(bbox=None), dict(source='bbox'), 'has no bbox'),
    ],
)
def test_samples_that_cannot_be_drawn(change, arguments, message):
    with pytest.raises(ValueError, match=message):
        pipeline(dict(sample(), **change), dict(type='GenerateFocusHeatmap', **arguments))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(source='gaze'), "source='gaze', expected one of 'keypoints', 'bbox'"),
        (dict(mode='code'), "mode='code', expected one of 'published', 'paper'"),
        (dict(source='file'), 'needs path'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='GenerateFocusHeatmap', **arguments))


def test_box():
    results = dict(sample(), bbox=np.array([[20, 40, 100, 80]], np.float32))
    heatmap = pipeline(results, dict(type='GenerateFocusHeatmap', source='bbox'))['focus_heatmap']
    assert heatmap[60, 60] == 1
    assert heatmap[60, 99] == pytest.approx(np.exp(-0.5 * (39 / 40) ** 2))
    assert heatmap[60, 101] == heatmap[81, 60] == 0  # nothing next to the box
    assert heatmap[45, 25] == 0  # an ellipse, not a box


@pytest.mark.parametrize('degrees', [0, 90])
def test_box_after_the_crop(degrees):
    draw = dict(type='GenerateFocusHeatmap', source='bbox')
    first = pipeline(sample(), draw, BOX, Turn(degrees), CROP)['focus_heatmap']
    last = pipeline(sample(), BOX, Turn(degrees), CROP, draw)['focus_heatmap']
    assert np.abs(first - last).mean() < 0.01


@pytest.mark.parametrize('size', [(240, 200), (60, 50)])
@pytest.mark.parametrize('suffix', ['.png', '.npy'])
def test_file_of_any_size_goes_through_the_crop(tmp_path, size, suffix):
    columns = np.tile(np.arange(size[0]), (size[1], 1))
    ramp = (255 * columns / (size[0] - 1)).astype(np.uint8)
    if suffix == '.npy':
        np.save(tmp_path / '007.npy', ramp / 51.0)  # 0 to 5: rescaled
    else:
        cv2.imwrite(str(tmp_path / '007.png'), ramp)
    results = dict(sample(), img_path=str(tmp_path / '007.jpg'))
    draw = dict(type='GenerateFocusHeatmap', source='file', path='{folder}/{stem}' + suffix)
    last = pipeline(dict(results), FLIP, dict(type='ResizeToInput', input_size=(120, 100)), draw)['focus_heatmap']
    assert last.shape == (100, 120)
    np.testing.assert_allclose(last[50], np.linspace(1, 0, 120), atol=0.02)  # mirrored


def test_file_by_image_id(tmp_path):
    np.save(tmp_path / '7.npy', np.eye(3))
    draw = dict(type='GenerateFocusHeatmap', source='file', path=str(tmp_path) + '/{img_id}.npy')
    heatmap = pipeline(sample(), draw)['focus_heatmap']
    assert heatmap[0, 0] == 1
    assert heatmap[0, -1] == 0


def test_files_that_are_not_maps(tmp_path):
    draw = dict(type='GenerateFocusHeatmap', source='file', path=str(tmp_path) + '/{stem}.npy')
    with pytest.raises(FileNotFoundError, match=r'heatmap .*007\.npy does not exist'):
        pipeline(sample(), draw)
    np.save(tmp_path / '007.npy', np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match=r'must be finite numbers \[h, w\], got float64 of shape \(2, 3, 4\)'):
        pipeline(sample(), draw)
    (tmp_path / '007.npy').write_bytes(b'')
    with pytest.raises(ValueError, match='cannot be read'):
        pipeline(sample(), draw)
    np.save(tmp_path / '007.npy', np.array([[object()]]), allow_pickle=True)
    with pytest.raises(ValueError, match='cannot be read'):
        pipeline(sample(), draw)


def test_attention_is_that_of_the_class_token(monkeypatch):
    """Against softmax(q k^T / sqrt(d)) of the last block's own queries and keys."""
    torch.manual_seed(0)
    attention = AttentionHeatmap('vit_tiny_patch16_224', checkpoint=None)
    with torch.no_grad():
        for parameter in attention.model.parameters():
            parameter.mul_(3)
    block = attention.model.blocks[-1].attn
    seen = []
    block.qkv.register_forward_hook(lambda module, inputs, output: seen.append(output))
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3)).astype(np.uint8)
    heatmap = attention(image)
    assert heatmap.shape == (150, 200)
    queries, keys, _ = seen[-1][0].reshape(197, 3, 3, 64).unbind(1)  # three heads of 64
    scores = torch.einsum('hd,nhd->hn', queries[0], keys) / 8
    weights = scores.softmax(dim=1)[:, 1:].mean(dim=0).reshape(14, 14).numpy()
    expected = cv2.resize((weights - weights.min()) / np.ptp(weights), (200, 150))
    np.testing.assert_allclose(heatmap, expected, atol=1e-4)
    results = dict(sample(), img=image)
    transform = TRANSFORMS.build(
        dict(type='GenerateFocusHeatmap', source='attention', model='vit_tiny_patch16_224', checkpoint=None)
    )
    assert transform(results)['focus_heatmap'].shape == (150, 200)


def test_attention_needs_a_vision_transformer():
    with pytest.raises(ValueError, match='no attention from a class token'):
        AttentionHeatmap('resnet10t', checkpoint=None)


def test_mask():
    results = dict(sample(), img=np.full((200, 240, 3), 200, np.uint8))
    draw = dict(type='GenerateFocusHeatmap', source='bbox')
    masked = pipeline(results, draw, dict(type='FocusMask', prob=1.0, alpha=0.25))
    weights = 0.25 + 0.75 * masked['focus_heatmap']
    assert masked['img'].dtype == np.uint8
    np.testing.assert_allclose(masked['img'], 200 * weights[..., None].repeat(3, axis=2), atol=0.5)
    assert masked['img'][0, 0].tolist() == [50, 50, 50]


def test_mask_drawn_before_the_crop_masks_the_crop():
    draw, mask = dict(type='GenerateFocusHeatmap', mode='paper'), dict(type='FocusMask', prob=1.0)
    white = dict(sample(), img=np.full((200, 240, 3), 255, np.uint8))
    masked = pipeline(white, draw, BOX, CROP, mask)
    np.testing.assert_allclose(masked['img'][..., 0] / 255, masked['focus_heatmap'], atol=0.01)
    assert masked['focus_heatmap'].shape == (128, 96)


def test_mask_at_random():
    np.random.seed(0)
    changed = []
    for _ in range(200):
        results = sample()
        before = results['img'].copy()
        after = pipeline(results, dict(type='GenerateFocusHeatmap'), dict(type='FocusMask', prob=0.3))['img']
        changed.append(not np.array_equal(before, after))
    assert 0.2 < np.mean(changed) < 0.4


def test_mask_without_map():
    with pytest.raises(ValueError, match='put GenerateFocusHeatmap before'):
        pipeline(sample(), dict(type='FocusMask'))
    with pytest.raises(ValueError, match='alpha must be from 0 to 1'):
        TRANSFORMS.build(dict(type='FocusMask', alpha=2))


def test_packed_for_the_model():
    codec = dict(type='KeypointHeatmap', input_size=(96, 128), heatmap_size=(24, 32), sigma=2)
    draw, target = dict(type='GenerateFocusHeatmap', mode='paper'), dict(type='GenerateTarget', encoder=codec)
    drawn = pipeline(sample(), draw, BOX, CROP)['focus_heatmap']
    for order in ([draw, BOX, CROP, target], [BOX, CROP, draw, target], [BOX, CROP, target, draw]):
        data_sample = pipeline(sample(), *order, dict(type='PackFocusInputs'))['data_samples']
        assert data_sample.gt_focus.heatmap.shape == (1, 128, 96)
        assert data_sample.gt_fields.heatmaps.shape == (16, 32, 24)
        assert np.abs(data_sample.gt_focus.heatmap[0].numpy() - drawn).mean() < 0.02


def test_in_the_pipeline_of_a_real_data_set(shared_data):
    """COCO as MMPose reads it, top-down and bottom-up: the subject's keypoints are bright, the corners are not."""
    root = shared_data / 'mmpose_coco'
    for mode, load in (('topdown', [BOX, CROP]), ('bottomup', [])):
        dataset = DATASETS.build(
            dict(
                type='CocoDataset',
                ann_file=str(root / 'test_coco.json'),
                data_prefix=dict(img=str(root) + '/'),
                data_mode=mode,
                pipeline=[dict(type='LoadIntactImage'), *load, dict(type='GenerateFocusHeatmap', mode='paper')],
            )
        )
        results = dataset[0]
        heatmap = results['focus_heatmap']
        assert heatmap.shape == results['img'].shape[:2]
        points = results.get('transformed_keypoints', results['keypoints'])[results['keypoints_visible'] > 0]
        height, width = heatmap.shape
        inside = ((points > 0) & (points < (width - 1, height - 1))).all(axis=1)
        columns, rows = points[inside].round().astype(int).T
        assert heatmap[rows, columns].min() > 0.3
        assert heatmap[0, 0] < 0.1


def test_attention_gets_the_input_of_timm():
    """RGB, in the model's own mean and std, shrunk by area."""
    torch.manual_seed(0)
    attention, seen = AttentionHeatmap('vit_tiny_patch16_224', checkpoint=None), []
    attention.model.patch_embed.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    image = np.random.default_rng(0).integers(0, 256, (448, 448, 3)).astype(np.uint8)
    attention(image)
    small = image.reshape(224, 2, 224, 2, 3).mean(axis=(1, 3))[..., ::-1]
    config = attention.model.pretrained_cfg
    np.testing.assert_allclose(seen[0][0].permute(1, 2, 0), (small / 255 - config['mean']) / config['std'], atol=0.02)


def test_attention_skips_every_token_that_is_not_a_patch():
    torch.manual_seed(0)
    attention = AttentionHeatmap('deit_tiny_distilled_patch16_224', checkpoint=None)  # class and distillation token
    assert attention(np.full((60, 80, 3), 99, np.uint8)).shape == (60, 80)


@pytest.mark.parametrize('name', ['beit_base_patch16_224', 'eva02_tiny_patch14_224'])
def test_attention_of_other_transformers(name):
    """Their weights sum to 1 over the class token and all patches."""
    attention = AttentionHeatmap(name, checkpoint=None)
    assert attention(np.full((60, 80, 3), 99, np.uint8)).shape == (60, 80)
    weights = attention.attention(torch.zeros(1, 3, *attention.size))
    assert torch.allclose(weights.sum(dim=3), torch.ones(()), atol=1e-5)


def test_boxes_without_width_and_no_boxes():
    draw = dict(type='GenerateFocusHeatmap', source='bbox')
    heatmap = pipeline(dict(sample(), bbox=np.array([[30, 40, 30, 80]], np.float32)), draw)['focus_heatmap']
    assert np.isfinite(heatmap).all() and heatmap[60, 30] == 1 and heatmap[60, 32] == heatmap[81, 30] == 0
    nobody = pipeline(dict(sample(), bbox=np.zeros((0, 4), np.float32)), draw)['focus_heatmap']
    assert nobody.shape == (200, 240) and not nobody.any()
