import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model
from tiny import MATRIX, NAMES, RESNET, model_config, write_config, write_dots

from clamp_mmpose.apis.export import export_clamp

onnxruntime = pytest.importorskip('onnxruntime')


@pytest.mark.parametrize(
    'model',
    [model_config(), model_config(RESNET), model_config(**MATRIX), model_config(cross_attention=None)],
    ids=['vit', 'resnet', 'matrix', 'no-cross-attention'],
)
@pytest.mark.slow
def test_baked_model_is_the_trained_one(model, tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', 1), extra=f'model = {model!r}')
    trained = init_model(str(config), device='cpu')
    for parameter in trained.parameters():  # as if trained: the text matters, heatmaps are not flat
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save(dict(state_dict=trained.state_dict(), meta=dict(epoch=3)), tmp_path / 'trained.pth')
    report = export_clamp(str(config), str(tmp_path / 'trained.pth'), str(tmp_path / 'out'))

    baked = init_model(str(report.config), str(report.checkpoint), device='cpu')
    image = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        expected = trained(image, None, mode='tensor')
        assert torch.equal(baked(image, None, mode='tensor'), expected)
    assert not any('text_encoder' in name or 'prompt_' in name or '_loss' in name for name in baked.state_dict())
    assert report.parameters[1] < report.parameters[0]

    assert set(report.differences) == {1, 2, 5} and max(report.differences.values()) < 1e-4
    session = onnxruntime.InferenceSession(str(report.onnx))
    for batch_size in (1, 2, 5):
        image = torch.rand(batch_size, 3, 64, 64)
        got = session.run(['heatmaps'], {'image': image.numpy()})[0]
        with torch.no_grad():
            expected = trained(image, None, mode='tensor').numpy()
        assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties['keypoint_names']) == NAMES and json.loads(properties['input_size_wh']) == [64, 64]
    assert not list((tmp_path / 'out').glob('*.data'))  # one file
    with pytest.raises(ValueError, match='prompts="text"'):
        baked.head.set_names(NAMES)


def test_other_heads_are_refused(tmp_path):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', 1))
    cfg = Config.fromfile(config)
    cfg.model.head = dict(type='HeatmapHead', in_channels=32, out_channels=5, decoder=cfg.codec)
    cfg.dump(tmp_path / 'stock.py')
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match='has a HeatmapHead; only a CLAMPHead, a TextQueryHead or a CapeLLMHead'):
        export_clamp(str(tmp_path / 'stock.py'), str(tmp_path / 'empty.pth'), str(tmp_path / 'out'))
    with pytest.raises(ValueError, match=r'empty\.pth does not fit this model'):
        export_clamp(str(config), str(tmp_path / 'empty.pth'), str(tmp_path / 'out'))


@pytest.mark.slow
def test_onnx_that_differs_is_refused(tmp_path, monkeypatch):
    """NaN compares as neither larger nor smaller."""
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', 1))
    torch.save(dict(state_dict=init_model(str(config), device='cpu').state_dict()), tmp_path / 'model.pth')
    monkeypatch.setattr('clamp_mmpose.apis.export.write_onnx', lambda *args: None)
    for difference in (float('nan'), 1.0):
        monkeypatch.setattr('clamp_mmpose.apis.export.compare_onnx', lambda *args, value=difference: value)
        with pytest.raises(ValueError, match=r'model\.onnx differ from PyTorch'):
            export_clamp(str(config), str(tmp_path / 'model.pth'), str(tmp_path / 'out'))


def test_batch_sizes_to_compare(tmp_path):
    with pytest.raises(ValueError, match=r'batch_sizes=\[1, 0\], expected at least 1 image each'):
        export_clamp('config', 'checkpoint', str(tmp_path / 'out'), batch_sizes=(1, 0))
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='file'):
        export_clamp('config', 'checkpoint', str(tmp_path / 'file'))
