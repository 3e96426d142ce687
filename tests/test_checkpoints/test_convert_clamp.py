"""Converted models against the outputs of the published CLAMP code (tests/data), array by array."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.apis import init_model
from mmpose.structures import PoseDataSample

from clamp_mmpose.checkpoints.convert_clamp import build_config, convert_clamp
from clamp_mmpose.cli.convert_checkpoint import main as convert_checkpoint
from clamp_mmpose.cli.test import main as run_test
from demos.animals.world.dataset import draw_toy_animals

ARRAY_TOLERANCE, LOSS_TOLERANCE = 1e-4, 1e-5


@pytest.fixture(scope='module', params=['clamp_vit_tiny', 'clamp_resnet_tiny'])
def published(request, parity, tmp_path_factory):
    """(converted model, outputs of the published code)."""
    folder = parity / request.param
    report = convert_clamp(
        str(folder / 'checkpoint.pth'), str(folder / 'config.json'), str(tmp_path_factory.mktemp(request.param))
    )
    model = init_model(str(report.config), str(report.checkpoint), device='cpu')
    expected = {
        name: torch.from_numpy(value) if value.ndim else float(value)
        for name, value in np.load(folder / 'expected.npz').items()
    }
    return model, expected


def assert_equal(got, expected, tolerance=ARRAY_TOLERANCE):
    assert tuple(got.shape) == tuple(expected.shape)
    assert (got - expected).abs().max() < tolerance


@torch.no_grad()
def test_every_array(published):
    model, expected = published
    head = model.head
    feats = model.extract_feat(expected['image'])
    for got, name in zip(feats, ('feature_map', 'dense_embedding', 'cls_embedding')):
        assert_equal(got, expected[name])
    tokens = head.prompt_learner.tokens
    assert torch.equal(tokens, expected['tokens'][:, : tokens.shape[1]])
    assert not expected['tokens'][:, tokens.shape[1] :].any()  # only padding is left
    assert_equal(head.text_encoder.encode(*head.prompt_learner(head.text_encoder)), expected['text_embedding'])
    assert_equal(head.encode_prompts(), expected['encoded_prompts'])
    prompts, score_map = head.adapt_prompts(*feats[1:])
    assert_equal(prompts, expected['prompt_embedding'])
    assert_equal(score_map, expected['score_map'])
    assert_equal(head.score_map(feats), expected['score_map'])
    assert_equal(model(expected['image'], None, mode='tensor'), expected['heatmap'])


def samples(expected, flip_indices=None):
    for i in range(len(expected['image'])):
        sample = PoseDataSample(
            metainfo=dict(
                input_size=(128, 128),
                input_center=np.array([63.5, 63.5]),
                input_scale=np.array([128.0, 128.0]),
                flip_indices=flip_indices,
            )
        )
        sample.gt_instances = InstanceData(bboxes=np.array([[0.0, 0.0, 128.0, 128.0]]), bbox_scores=np.ones(1))
        sample.gt_fields = PixelData(heatmaps=expected['target'][i])
        sample.gt_instance_labels = InstanceData(
            keypoint_labels=expected['joints'][i : i + 1], keypoint_weights=expected['target_weight'][i, None, :, 0]
        )
        yield sample


@torch.no_grad()
def test_losses(published):
    model, expected = published
    losses = model.loss(expected['image'], list(samples(expected)))
    assert abs(losses['loss_kpt'] - expected['loss_mse_loss']) < LOSS_TOLERANCE
    assert abs(losses['loss_spatial'] - expected['loss_spatial_loss']) < LOSS_TOLERANCE
    assert abs(losses['loss_feature'] - expected['loss_feature_loss']) < LOSS_TOLERANCE
    # the feature loss is small compared with the tolerance: also relative
    assert losses['loss_feature'].item() == pytest.approx(expected['loss_feature_loss'], rel=1e-4)


@torch.no_grad()
def test_flip_test_and_decoding(published, parity):
    model, expected = published
    config = json.loads((parity / 'clamp_vit_tiny' / 'config.json').read_text())
    flip_indices = list(range(len(config['keypoint_names'])))
    for first, second in config['flip_pairs']:
        flip_indices[first], flip_indices[second] = second, first
    assert model.dataset_meta['flip_indices'] == flip_indices
    model.test_cfg['output_heatmaps'] = True
    try:
        results = model.predict(expected['image'], list(samples(expected, flip_indices)))
    finally:
        del model.test_cfg['output_heatmaps']
    heatmaps = torch.stack([result.pred_fields.heatmaps for result in results])
    assert_equal(heatmaps, expected['flip_test_heatmap'])
    keypoints = torch.from_numpy(np.concatenate([result.pred_instances.keypoints for result in results]))
    scores = torch.from_numpy(np.concatenate([result.pred_instances.keypoint_scores for result in results]))
    # the input_center and input_scale of samples() shift by half a pixel: (x / 128) * 128 + 63.5 - 64
    keypoints = keypoints + 0.5
    assert (scores - expected['preds'][..., 2]).abs().max() < ARRAY_TOLERANCE
    # the published code omits the quarter-pixel shift at the outermost cells, MMPose does not
    peak = expected['preds'][..., :2] / 4
    inner = ((peak > 2) & (peak < 29)).all(dim=-1)
    assert inner.sum() > 20
    assert (keypoints - expected['preds'][..., :2])[inner].abs().max() < 1e-3


def test_command_lists_what_is_not_used(parity, tmp_path, capsys):
    folder = parity / 'clamp_vit_tiny'
    (tmp_path / 'model.json').write_text(json.dumps(json.loads((folder / 'config.json').read_text())['config']))
    arguments = [
        'clamp',
        str(folder / 'checkpoint.pth'),
        '--model-config',
        str(tmp_path / 'model.json'),
        '--out',
        str(tmp_path / 'out'),
    ]
    assert convert_checkpoint(arguments) == 0
    printed = capsys.readouterr().out
    assert '204 weights converted' in printed
    assert (
        '3 not used by the published model: prompt_encoder.positional_embedding, '
        'prompt_encoder.text_projection, text_projection' in printed
    )
    init_model(str(tmp_path / 'out/config.py'), str(tmp_path / 'out/checkpoint.pth'), device='cpu')


def test_reads_the_authors_python_config(parity, tmp_path):
    """Their configs take the data set from a base file that may be missing."""
    folder = parity / 'clamp_resnet_tiny'
    model = json.loads((folder / 'config.json').read_text())['config']
    (tmp_path / 'clamp.py').write_text(
        "_base_ = ['../../../../_base_/datasets/ap10k.py']\n"
        'channel_cfg = dict(num_output_channels=17)\n'
        f'model = {model!r}\n'
        "model['keypoint_head'].update(out_channels=channel_cfg['num_output_channels'])\n"
        'data_cfg = dict(image_size=[96, 128])\n'
        'data = dict(train=dict(dataset_info={{_base_.dataset_info}}))\n'
    )
    report = convert_clamp(str(folder / 'checkpoint.pth'), str(tmp_path / 'clamp.py'), str(tmp_path / 'out'))
    converted = init_model(str(report.config), str(report.checkpoint), device='cpu')
    assert tuple(converted.cfg.codec.input_size) == (96, 128)
    assert tuple(converted.cfg.codec.heatmap_size) == (24, 32)
    assert converted.dataset_meta['dataset_name'] == 'ap10k'  # recognized by the keypoint names
    assert converted(torch.rand(1, 3, 128, 96), None, mode='tensor').shape == (1, 17, 32, 24)


def test_foreign_checkpoints_fail(parity, tmp_path):
    vit, resnet = parity / 'clamp_vit_tiny', parity / 'clamp_resnet_tiny'
    with pytest.raises(ValueError, match='Is it the config this checkpoint was trained with'):
        convert_clamp(str(resnet / 'checkpoint.pth'), str(vit / 'config.json'), str(tmp_path))
    weights = torch.load(vit / 'checkpoint.pth', weights_only=True)
    weights['state_dict']['surprise.weight'] = torch.zeros(3)
    torch.save(weights, tmp_path / 'extra.pth')
    with pytest.raises(ValueError, match=r"1 weights that the model .* does not have: \['surprise\.weight'\]"):
        convert_clamp(str(tmp_path / 'extra.pth'), str(vit / 'config.json'), str(tmp_path))
    del weights['state_dict']['surprise.weight'], weights['state_dict']['gamma']
    torch.save(weights, tmp_path / 'fewer.pth')
    with pytest.raises(ValueError, match=r"1 of \d+ weights are missing \['head\.cross_attention\.gamma'\]"):
        convert_clamp(str(tmp_path / 'fewer.pth'), str(vit / 'config.json'), str(tmp_path))
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.zeros(3)}), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'other\.pth does not fit .* weights are missing'):
        convert_clamp(str(tmp_path / 'other.pth'), str(vit / 'config.json'), str(tmp_path))
    (tmp_path / 'half.json').write_text((vit / 'config.json').read_text()[:100])
    with pytest.raises(ValueError, match=r'half\.json cannot be read as JSON'):
        convert_clamp(str(vit / 'checkpoint.pth'), str(tmp_path / 'half.json'), str(tmp_path))
    content = json.loads((vit / 'config.json').read_text())
    content['config']['class_names'][0] = '{{'  # MMEngine would replace it
    (tmp_path / 'braces.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r'braces\.json has \{\{ in a setting'):
        convert_clamp(str(vit / 'checkpoint.pth'), str(tmp_path / 'braces.json'), str(tmp_path / 'out'))
    assert not (tmp_path / 'out/config.py').exists()
    with pytest.raises(FileNotFoundError, match=r'nowhere\.json'):
        convert_clamp(str(vit / 'checkpoint.pth'), 'nowhere.json', str(tmp_path))


def test_names_and_flip_pairs_are_the_published_ones(parity):
    content = json.loads((parity / 'clamp_vit_tiny' / 'config.json').read_text())
    names = ['Point A', 'point_B', 'L', 'left paw', 'right paw']
    model = dict(content['config'], class_names=names)
    model['keypoint_head']['in_channels'] += len(names) - 17
    config = build_config(model, (128, 128), [[0, 2]])
    assert list(config.model.head.names) == names
    swaps = [info['swap'] for info in config.test_dataloader.dataset.metainfo.keypoint_info.values()]
    assert swaps == ['L', '', 'Point A', '', '']
    config = build_config(model, (128, 128))
    swaps = [info['swap'] for info in config.test_dataloader.dataset.metainfo.keypoint_info.values()]
    assert swaps == ['', '', '', 'right paw', 'left paw']


def test_converted_model_runs_in_the_test_command(parity, tmp_path):
    folder = parity / 'clamp_vit_tiny'
    convert_clamp(str(folder / 'checkpoint.pth'), str(folder / 'config.json'), str(tmp_path))
    draw_toy_animals(tmp_path / 'data', 27, (96, 72))
    arguments = [
        str(tmp_path / 'config.py'),
        str(tmp_path / 'checkpoint.pth'),
        '--work-dir',
        str(tmp_path),
        '--cfg-options',
        f'test_dataloader.dataset.data_root={tmp_path / "data"}',
        'test_dataloader.dataset.ann_file=annotations/ap10k-test-split1.json',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
    ]
    assert run_test(arguments) == 0
    metrics = json.loads((tmp_path / 'test.json').read_text())['metrics']
    assert 0 <= metrics['coco/AP'] <= 1
