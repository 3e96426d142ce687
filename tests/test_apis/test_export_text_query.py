"""TextQueryHead as ONNX, compared with the head's own predictions."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from tiny import NAMES, model_config, text_query_config

from clamp_mmpose.apis.export_text_query import export_text_query
from clamp_mmpose.cli.export import main

onnxruntime = pytest.importorskip('onnxruntime')

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(7))


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config, checkpoint and the model, whose decoder moves points as a trained one does."""
    folder = tmp_path_factory.mktemp('model')
    cfg = Config(text_query_config())
    cfg.dump(folder / 'config.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    for step in model.head.graph_decoder.steps:
        torch.nn.init.normal_(step[-1].weight, std=0.5)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return str(folder / 'config.py'), str(folder / 'model.pth'), model


@torch.no_grad()
def predicted(model, names, links):
    samples = [PoseDataSample(metainfo=dict(keypoint_names=names, skeleton_links=links)) for _ in IMAGES]
    found = model.head.predict(model.extract_feat(IMAGES), samples)
    return [np.concatenate([one[field] for one in found]) for field in ('keypoints', 'keypoint_scores')]


def run(path, **inputs):
    session = onnxruntime.InferenceSession(str(path))
    assert {one.name for one in session.get_inputs()} == set(inputs)
    keypoints, scores = session.run(['keypoints', 'scores'], inputs)
    return keypoints, scores, session.get_modelmeta().custom_metadata_map


@pytest.mark.slow
def test_baked_texts(trained, tmp_path, capsys):
    config, checkpoint, model = trained
    out = ['--out', str(tmp_path), '--keypoints', 'nose, left ear, tail', '--skeleton', '0-1,0-2']
    assert main([config, checkpoint, *out]) == 0
    assert 'batch 5, 3 keypoints: ONNX differs from PyTorch by' in capsys.readouterr().out
    keypoints, scores, notes = run(tmp_path / 'model.onnx', image=IMAGES.numpy())
    expected = predicted(model, ['nose', 'left ear', 'tail'], [(0, 1), (0, 2)])
    np.testing.assert_allclose(keypoints, expected[0], atol=64 * 1e-4)
    np.testing.assert_allclose(scores, expected[1], atol=1e-4)
    assert np.ptp(keypoints, axis=1).min() > 0.5  # the keypoints are apart
    assert np.abs(keypoints - predicted(model, ['nose', 'left ear', 'tail'], [])[0]).max() > 0.1  # the skeleton matters
    assert json.loads(notes['keypoint_names']) == ['nose', 'left ear', 'tail']
    assert json.loads(notes['input_size_wh']) == [64, 64] and json.loads(notes['rgb_mean']) == [123.675, 116.28, 103.53]
    text_tower = sum(value.numel() for value in model.head.text_encoder.parameters())
    assert (tmp_path / 'model.onnx').stat().st_size < 4 * text_tower  # which is not in the file
    assert not (tmp_path / 'embeddings.npz').exists()


@pytest.mark.slow
def test_texts_as_an_input(trained, tmp_path):
    """Exported for the five names of the data; asked for one, and for eight with another skeleton."""
    config, checkpoint, model = trained
    report = export_text_query(config, checkpoint, str(tmp_path), embeddings_input=True)
    assert set(report.differences) == {(1, 5), (2, 3), (5, 1)}
    with np.load(tmp_path / 'embeddings.npz') as example:
        assert list(example['texts']) == NAMES and example['links'].shape == (5, 5)
        np.testing.assert_allclose(example['embeddings'], model.head.text_encoder(NAMES).numpy(), atol=1e-6)
    for names, links in ((['left hand'], []), ([f'spot {i}' for i in range(8)], [(0, 7), (7, 3), (1, 2)])):
        matrix = np.zeros((len(names), len(names)), np.float32)
        for i, j in links:
            matrix[i, j] = matrix[j, i] = 1
        embeddings = model.head.text_encoder(names).numpy()
        inputs = dict(image=IMAGES.numpy(), embeddings=embeddings, links=matrix)
        keypoints, scores, notes = run(tmp_path / 'model.onnx', **inputs)
        expected = predicted(model, names, links)
        assert keypoints.shape == (3, len(names), 2) and 'keypoint_names' not in notes
        np.testing.assert_allclose(keypoints, expected[0], atol=64 * 1e-4)
        np.testing.assert_allclose(scores, expected[1], atol=1e-4)
    assert json.loads(notes['text_encoder'])['type'] == 'CLIPTextEncoder'


def test_onnx_that_differs_is_refused(trained, tmp_path, monkeypatch):
    """NaN compares as neither larger nor smaller."""
    monkeypatch.setattr('clamp_mmpose.apis.export_text_query.write_onnx', lambda *args: None)
    for value in (np.nan, 1e4):
        wrong = lambda path, inputs, value=value: [  # noqa: E731
            np.full((len(inputs['image']), 5, 2), value),
            np.zeros((len(inputs['image']), 5)),
        ]
        monkeypatch.setattr('clamp_mmpose.apis.export_text_query.run_onnx', wrong)
        with pytest.raises(ValueError, match=r"model\.onnx differ from PyTorch's by"):
            export_text_query(*trained[:2], str(tmp_path))


def test_keypoints_must_be_known(trained, tmp_path, capsys):
    cfg = Config.fromfile(trained[0])
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset = dict(type='MP100Dataset')
    cfg.dump(tmp_path / 'many.py')
    out = ['--out', str(tmp_path / 'out')]
    assert main([str(tmp_path / 'many.py'), trained[1], *out]) == 1
    assert 'does not say which keypoints to find: give keypoints or a category' in capsys.readouterr().err
    Config(dict(cfg, model=model_config())).dump(tmp_path / 'clamp.py')
    assert main([str(tmp_path / 'clamp.py'), trained[1], *out, '--keypoints', 'nose']) == 1
    assert '--embeddings-input are for a TextQueryHead' in capsys.readouterr().err
