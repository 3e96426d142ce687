"""Settings that cannot work end in one line that names them."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from tiny import write_config, write_dots

from clamp_mmpose.cli import train
from clamp_mmpose.engine.settings import check_settings
from clamp_mmpose.models.backbones import TIMMBackbone


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(train_cfg=dict(val_interval=0)), r'train_cfg\.val_interval must be a whole number of at least 1, got 0'),
        (dict(train_cfg=dict(max_epochs=1.5)), r'train_cfg\.max_epochs must be .*, got 1\.5'),
        (dict(train_cfg=dict(max_epochs='3')), r"train_cfg\.max_epochs must be .*, got '3'"),
        (dict(train_dataloader=dict(batch_size=0)), r'train_dataloader\.batch_size must be .*least 1, got 0'),
        (dict(test_dataloader=dict(num_workers=-1)), r'test_dataloader\.num_workers must be .*least 0, got -1'),
        (dict(optim_wrapper=dict(accumulative_counts=0)), r'optim_wrapper\.accumulative_counts must be'),
        (dict(optim_wrapper=dict(optimizer=dict(lr=-1))), r'optim_wrapper\.optimizer\.lr must be a number .*got -1'),
        (dict(optim_wrapper=dict(optimizer=dict(lr='1e-3x'))), r"optimizer\.lr must be a number .*got '1e-3x'"),
    ],
)
def test_numbers(settings, message):
    with pytest.raises(ValueError, match=message):
        check_settings(Config(settings))


def test_good_numbers():
    loop = dict(train_cfg=dict(max_epochs=1, val_interval=3, by_epoch=True))
    check_settings(Config(dict(loop, val_dataloader=None, optim_wrapper=dict(optimizer=dict(lr=0.0)))))


@pytest.mark.parametrize(
    'onebit, message', [(None, 'it is not installed'), (False, 'MMEngine cannot use this release'), (True, '')]
)
def test_deepspeed(tmp_path, monkeypatch, onebit, message):
    """MMEngine imports optimizers that DeepSpeed has no more."""
    folder = tmp_path / 'deepspeed'
    (folder / 'runtime/fp16' / ('onebit' if onebit else '')).mkdir(parents=True)
    spec = None if onebit is None else SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr('clamp_mmpose.engine.settings.find_spec', lambda name: spec)
    cfg = Config(dict(strategy=dict(type='DeepSpeedStrategy')))
    if not message:
        check_settings(cfg)
        return
    with pytest.raises(ImportError, match=f'needs DeepSpeed, and {message}: pip install "deepspeed<0.19"'):
        check_settings(cfg)


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without a GPU')
def test_mixed_precision_without_a_gpu(tmp_path, capsys):
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data', num_images=4))
    assert train.main([str(config), '--work-dir', str(tmp_path / 'work'), '--amp']) == 1
    assert capsys.readouterr().err == (
        'error: --amp (AmpOptimWrapper) needs a GPU, and PyTorch finds none: train without it.\n'
    )


def test_timm_arguments():
    with pytest.raises(ValueError, match=r"timm cannot build 'resnet10t' with .*out_indices"):
        TIMMBackbone('resnet10t', out_indices=(9,))
    with pytest.raises(ValueError, match=r"timm cannot build 'resnet10t' with .*img_sizes"):
        TIMMBackbone('resnet10t', img_sizes=3)
    backbone = TIMMBackbone('vit_tiny_patch16_224', img_size=32, depth=1).eval()
    with pytest.raises(ValueError, match=r'vit_tiny_patch16_224 does not take images of 48x32 pixels: .*input_size'):
        backbone(torch.zeros(1, 3, 32, 48))
