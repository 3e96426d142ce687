"""A CapeLLM with a frozen language model and LoRA, from a tiny training to the exported folder."""

import shutil
import sys

import cv2
import numpy as np
import pytest
import torch
import transformers
from mmengine.config import Config
from tiny import METAINFO, NAMES, write_config, write_dots
from tiny_tokenizers import byte_level
from two_processes import run_in_two_processes, train_in_parallel

from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.cli import export, predict, train
from clamp_mmpose.cli import test as test_command

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)


def model_of(folder, answer, dropout=0.05):
    def pretrained(name):
        return dict(model=str(folder / name), init_cfg=dict(type='Pretrained', checkpoint=str(folder / name)))

    lora = dict(rank=2, alpha=64, dropout=dropout)
    language_model = dict(type='CausalLanguageModel', tune='lora', lora=lora, **pretrained('llm'))
    return dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(
            type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
        ),
        backbone=dict(type='TransformersBackbone', tune='lora', lora=lora, **pretrained('dinov2')),
        head=dict(
            type='CapeLLMHead',
            in_channels=32,
            names=METAINFO,
            language_model=language_model,
            decoder=dict(type='CoordinateAnswer', input_size=(64, 64)),
            answer=answer,
            questions='random' if dropout else 'fixed',
        ),
        test_cfg=dict(flip_test=False),
    )


EXTRA = """
custom_hooks.append(dict(type='TrainedPartsHook'))
model = {model!r}
codec = dict(type='CoordinateAnswer', input_size=(64, 64))
queries = dict(type='GetTextQueries', names={names!r})
train_dataloader.update(num_workers=0, persistent_workers=False)
train_dataloader['dataset']['pipeline'][-2:] = [
    queries, dict(type='GenerateTarget', encoder=codec), dict(type='PackTextQueries')]
train_dataloader['dataset'] = dict(
    type='KeypointRounds', rounds={rounds}, groups='anew', dataset=train_dataloader['dataset'])
val_dataloader['dataset']['pipeline'][-1:] = [queries, dict(type='PackTextQueries')]
val_evaluator = test_evaluator = dict(type='PCKAccuracy', thr=0.2)
default_hooks.update(checkpoint=dict(interval=1))
train_cfg.update(max_epochs=2)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-2))
"""


# no dropout and no choice of questions, whose random numbers depend on the process; no Adam, which amplifies rounding
DISTRIBUTED = "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9))\n"


@pytest.fixture(scope='module')
def base_models(tmp_path_factory):
    """A folder with a language model and an image tower."""
    folder = tmp_path_factory.mktemp('base')
    torch.manual_seed(0)
    byte_level(folder / 'llm', triples=False, start=True)
    config = transformers.LlamaConfig(
        vocab_size=len(transformers.AutoTokenizer.from_pretrained(folder / 'llm')), **SIZES
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder / 'llm')
    vit = transformers.Dinov2Config(image_size=64, patch_size=16, **SIZES)
    transformers.Dinov2Model(vit).save_pretrained(folder / 'dinov2')
    return folder


@pytest.fixture(scope='module', params=['text', 'pointer'])
def trained(request, base_models, tmp_path_factory):
    """A config, and the work dir of its training."""
    folder = shutil.copytree(base_models, tmp_path_factory.mktemp('cape') / 'run')
    extra = EXTRA.format(model=model_of(folder, request.param), names=NAMES, rounds=3)
    path = write_config(folder / 'dots.py', write_dots(folder / 'data'), extra=extra)
    assert train.main([str(path), '--work-dir', str(folder / 'work')]) == 0
    return path, folder / 'work'


def test_checkpoints_and_resuming(trained, tmp_path):
    """Dropout, questions and groups are drawn as in the run that was not killed, with any number of loader workers."""
    config, work = trained
    content = read_checkpoint(work / 'epoch_2.pth')
    notes = content['meta']['frozen_parts']
    assert notes.keys() == {'backbone', 'head.language_model'}
    assert notes['head.language_model']['source'] == str(config.parent / 'llm')
    frozen = [name for name in content['state_dict'] if name.startswith(tuple(notes)) and 'lora_' not in name]
    assert not frozen
    # A and B of query and value in two layers
    assert sum('language_model' in name for name in content['state_dict']) == 8
    resumed = tmp_path / 'work'
    shutil.copytree(work, resumed)
    (resumed / 'epoch_2.pth').unlink()
    (resumed / 'last_checkpoint').write_text('epoch_1.pth')
    workers = ['--cfg-options', 'train_dataloader.num_workers=2']
    assert train.main([str(config), '--work-dir', str(resumed), '--resume', *workers]) == 0
    again = read_checkpoint(resumed / 'epoch_2.pth')['state_dict']
    assert content['state_dict'].keys() == again.keys()
    assert all(torch.equal(value, again[name]) for name, value in content['state_dict'].items())


@pytest.mark.cpu
def test_two_processes_equal_one(base_models, tmp_path):
    """Both ranks together learn from 12 images with 1 to 5 labeled keypoints as one process does."""
    extra = EXTRA.format(model=model_of(base_models, 'text', dropout=0.0), names=NAMES, rounds=5) + DISTRIBUTED
    config = write_config(tmp_path / 'dots.py', write_dots(tmp_path / 'data'), augment=False, extra=extra)
    config.write_text(config.read_text().replace("groups='anew'", "groups='published'"))
    assert train.main([str(config), '--work-dir', str(tmp_path / 'one')]) == 0
    run_in_two_processes(train_in_parallel, tmp_path, [config])
    one, two = (read_checkpoint(tmp_path / folder / 'epoch_2.pth') for folder in ('one', 'two'))
    assert two['meta']['num_processes'] == 2 and two['meta']['iter'] == one['meta']['iter'] == 6
    assert one['state_dict'].keys() == two['state_dict'].keys()
    for name, value in one['state_dict'].items():
        assert (value - two['state_dict'][name]).abs().max() <= 1e-5 * value.abs().max(), name
        assert value.abs().max() > 0, name  # B starts at zero


def predictions(config, checkpoint):
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    inferencer = TextPoseInferencer(str(config), str(checkpoint), device='cpu', det_model='whole_image')
    return next(inferencer(image, return_datasamples=True))['predictions'][0].pred_instances


def test_the_exported_model_is_the_trained_one(trained, tmp_path, monkeypatch, capsys):
    config, work = trained
    out = tmp_path / 'out'
    expected = predictions(config, work / 'epoch_2.pth')
    assert export.main([str(config), str(work / 'epoch_2.pth'), '--out', str(out)]) == 0
    assert f'Wrote {out}/language_model, {out}/vision_tower, {out}/config.py and' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        'checkpoint.pth',
        'config.py',
        'language_model',
        'vision_tower',
    ]
    moved = shutil.move(str(out), str(tmp_path / 'moved'))
    for name in ('llm', 'dinov2'):  # the base models are not needed
        (config.parent / name).rename(config.parent / f'{name}_away')
    monkeypatch.setitem(sys.modules, 'peft', None)
    try:
        found = predictions(f'{moved}/config.py', f'{moved}/checkpoint.pth')
        np.testing.assert_allclose(found.keypoints, expected.keypoints, atol=1e-3)
        np.testing.assert_allclose(found.keypoint_scores, expected.keypoint_scores, atol=1e-4)
        llm = transformers.AutoModelForCausalLM.from_pretrained(f'{moved}/language_model')
        tokenizer = transformers.AutoTokenizer.from_pretrained(f'{moved}/language_model')
        assert test_command.main([f'{moved}/config.py', f'{moved}/checkpoint.pth', '--work-dir', str(tmp_path)]) == 0
    finally:
        for name in ('llm', 'dinov2'):
            (config.parent / f'{name}_away').rename(config.parent / name)
    assert llm.config.use_cache and tokenizer.eos_token == '</s>'
    # W + alpha / rank * B A
    weights = read_checkpoint(work / 'epoch_2.pth')['state_dict']
    layer = 'head.language_model.llm.model.layers.1.self_attn.q_proj'
    update = 32 * weights[f'{layer}.lora_B.default.weight'] @ weights[f'{layer}.lora_A.default.weight']
    base = (
        transformers.AutoModelForCausalLM.from_pretrained(config.parent / 'llm').model.layers[1].self_attn.q_proj.weight
    )
    merged = llm.model.layers[1].self_attn.q_proj.weight
    assert update.abs().max() > 1e-3 and torch.allclose(merged, base + update, atol=1e-6)
    assert Config.fromfile(f'{moved}/config.py').model.head.language_model.tune == 'frozen'


def test_a_base_model_in_another_folder(trained, tmp_path):
    config, work = trained
    base, moved, part = config.parent / 'llm', tmp_path / 'llm', 'model.head.language_model'
    options = ['--cfg-options', f'{part}.model={moved}', f'{part}.init_cfg.checkpoint={moved}']
    image, out = tmp_path / 'photo.png', str(tmp_path / 'out')
    cv2.imwrite(str(image), np.full((64, 64, 3), 127, np.uint8))
    files = [str(config), str(work / 'epoch_2.pth')]
    shutil.move(str(base), str(moved))
    try:
        assert predict.main([*files, str(image), '--out-dir', out, '--device', 'cpu', *options]) == 0
        assert export.main([*files, '--out', out, *options]) == 0
    finally:
        shutil.move(str(moved), str(base))
    assert (tmp_path / 'out/predictions/photo.json').is_file()
    assert (tmp_path / 'out/language_model/model.safetensors').is_file()
