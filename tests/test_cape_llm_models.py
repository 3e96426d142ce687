"""Every config of CapeLLM builds with a tiny tower and language model, is trained on MP-100's categories, and asked."""

import json
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS
from mp100_files import write_blank_mp100
from tiny_tokenizers import byte_level
from transformers import AutoTokenizer, Dinov2Config, Dinov2Model, LlamaConfig, LlamaForCausalLM

from clamp_mmpose.engine.launch import build_runner

ROOT = Path(__file__).parents[1]
# the other splits differ in the annotation files alone: test_cape_llm_configs.py
CONFIGS = sorted(path.stem for path in (ROOT / 'configs/cape_llm/mp100').glob('*split1*.py'))
VIT = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=56, patch_size=14)
HIERA = dict(model_type='hiera', embed_dim=4, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), image_size=(224, 224))
# a tiny tower of the same kind, its channels, and those of the published one
TOWERS = {
    'facebook/dinov2-large': (dict(model_type='dinov2', **VIT), 16, 1024),
    'facebook/dinov2-with-registers-large': (dict(model_type='dinov2_with_registers', **VIT), 16, 1024),
    'facebook/hiera-large-224-hf': (HIERA, 32, 1152),
}
LLAMA = dict(model_type='llama', hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
LAYERS = {'token': {'layers'}, 'bins': {'classify'}, 'pointer': {'query_norm', 'key_norm', 'query', 'key'}}


@pytest.fixture(scope='module')
def tokenizer(tmp_path_factory):
    """As Llama 3: the digits of a coordinate are one token."""
    return byte_level(tmp_path_factory.mktemp('tokenizer') / 'triples', triples=True, start=True)


@pytest.fixture(scope='module')
def mp100(tmp_path_factory):
    files = write_blank_mp100(tmp_path_factory.mktemp('mp100'), ('bed', 'horse_body'))  # 10 and 17 keypoints
    return dict(files, serialize_data=False)  # serializing collects garbage, half a second each time


@pytest.fixture(scope='module')
def read(tokenizer, mp100):
    def read_tiny(name):
        cfg = Config.fromfile(ROOT / f'configs/cape_llm/mp100/{name}.py')
        tiny, channels, published = TOWERS[cfg.model.backbone.pop('model')]
        assert cfg.model.head.in_channels == published
        cfg.model.backbone.update(config=tiny, init_cfg=None)
        cfg.model.head.in_channels = channels
        cfg.model.head.language_model.pop('model')
        llama = dict(LLAMA, max_position_embeddings=4096)
        cfg.model.head.language_model.update(config=llama, tokenizer=tokenizer, init_cfg=None)
        cfg.train_dataloader.dataset.dataset.update(mp100)
        if cfg.val_dataloader is not None:
            cfg.val_dataloader.dataset.update(mp100)
        return cfg

    return read_tiny


@pytest.fixture(scope='module')
def run_once(read):
    """Run a config; configs that differ only in names of models compute the same, and run once."""
    done = {}

    def run(name):
        cfg = read(name)
        loaders = [loader.dataset.to_dict() for loader in (cfg.train_dataloader, cfg.val_dataloader) if loader]
        key = json.dumps([cfg.model.to_dict(), loaders], default=str)
        if key not in done:
            done[key] = trained_and_asked(cfg)
        return cfg, *done[key]

    return run


def trained_and_asked(cfg):
    train = DATASETS.build(cfg.train_dataloader.dataset)
    model = MODELS.build(cfg.model).train()
    batch = [train[0], train[len(train) - 1]]
    rounds = [len(sample['data_samples'].rounds) for sample in batch]
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    losses = model.loss(data['inputs'], data['data_samples'])
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    found = None
    if cfg.val_dataloader is not None:
        val = DATASETS.build(cfg.val_dataloader.dataset)
        with torch.no_grad():
            found = model.eval().test_step(pseudo_collate([val[0], val[1]]))
    return model, len(train), rounds, {name: value.item() for name, value in losses.items()}, found


@pytest.mark.parametrize('name', CONFIGS)
def test_config(name, run_once):
    cfg, model, number, rounds, losses, found = run_once(name)
    limit = cfg.train_dataloader.dataset.rounds
    assert number == ceil(10 / limit) + ceil(17 / limit) and all(1 <= count <= limit for count in rounds)
    answer = cfg.model.head.answer if isinstance(cfg.model.head.answer, str) else 'text'
    pretraining = cfg.model.head.instruction.endswith('_qa')
    assert set(losses) == {f'loss_{answer}', 'redraws'} | (set() if pretraining else {'acc_pose'})
    assert np.isfinite(losses[f'loss_{answer}']) and losses[f'loss_{answer}'] > 0
    assert (found is None) == pretraining
    for sample, keypoints in zip(found or (), (10, 17)):
        points = sample.pred_instances.keypoints
        assert points.shape == (1, keypoints, 2) and np.isfinite(points).all()
        # pixels of the original image, inside the crop of the box, or of 1.25 times it
        margin = 90 * 0.125 if 'padding' in name else 0
        assert (points >= 15 - margin).all() and (points <= 105 + margin).all()
    check_what_is_trained(name, model, answer, pretraining)


def check_what_is_trained(name, model, answer, pretraining):
    """Projector and answer; the language model's LoRA; the tower's LoRA, all or nothing of it."""
    with_gradient = {key for key, value in model.named_parameters() if value.grad is not None}
    trained = {key for key, value in model.named_parameters() if value.requires_grad}
    assert with_gradient == trained
    own = {key for key in trained if not key.startswith(('backbone.', 'head.language_model.'))}
    parts = {f'head.answer.{layer}' for layer in LAYERS.get(answer, ())} | {'head.projector.linear'}
    assert {'.'.join(key.split('.')[:3]) for key in own - {'head.answer_embedding'}} == parts
    assert ('head.answer_embedding' in own) == (answer != 'text')
    llm = {key for key in trained if key.startswith('head.language_model.')}
    if '8b-full' in name:  # two embeddings, the last norm, and of its layer 7 matrices and 2 norms
        assert len(llm) == 12 and not any('.lora_' in key for key in llm)
    else:
        assert all('.lora_' in key for key in llm) and len(llm) == (0 if pretraining else 4)
    tower = {key for key in trained if key.startswith('backbone.')}
    if 'full' in name:
        assert len(tower) > 15 and not any('.lora_' in key for key in tower)
    else:
        adapted = 0 if pretraining or 'tower-frozen' in name else 8 if 'hiera' in name else 4
        assert all('.lora_' in key for key in tower) and len(tower) == adapted


def test_fine_tuning_starts_from_the_projector_of_pretraining(tokenizer, mp100, tmp_path, monkeypatch):
    """Table 9: the first stage saves the projector alone, to which the second adds LoRA."""
    monkeypatch.setattr(Config, 'pretty_text', 'formatting the config would take most of the time')
    torch.manual_seed(0)
    vocabulary = AutoTokenizer.from_pretrained(tokenizer)
    vocabulary.save_pretrained(tmp_path / 'llama')
    sizes = {name: value for name, value in LLAMA.items() if name != 'model_type'}
    llama = LlamaConfig(vocab_size=len(vocabulary), max_position_embeddings=4096, **sizes)
    LlamaForCausalLM(llama).save_pretrained(tmp_path / 'llama')
    Dinov2Model(Dinov2Config(**VIT)).save_pretrained(tmp_path / 'dinov2')

    def train(stage, lr, **settings):
        cfg = Config.fromfile(ROOT / f'configs/cape_llm/mp100/cape_llama3.1-8b_dinov2-l_mp100-split1_{stage}.py')
        for part, folder in ((cfg.model.backbone, 'dinov2'), (cfg.model.head.language_model, 'llama')):
            part.model = part.init_cfg.checkpoint = str(tmp_path / folder)
        cfg.model.head.in_channels = 16
        cfg.train_dataloader.dataset.dataset.update(mp100)
        cfg.train_dataloader.update(num_workers=0)
        for name in ('type', 'dtype', 'loss_scale'):
            cfg.optim_wrapper.pop(name)  # bf16 training needs a GPU
        cfg.optim_wrapper.optimizer.lr = lr
        cfg.update(param_scheduler=None)  # an epoch of two batches is too short for its warm-up
        cfg.optim_wrapper.accumulative_counts = 1
        cfg.train_cfg.max_epochs = 1
        cfg.default_hooks.checkpoint.save_best = None
        cfg.update(val_cfg=None, val_dataloader=None, val_evaluator=None, launcher='none', **settings)
        cfg.update(test_cfg=None, test_dataloader=None, test_evaluator=None, work_dir=str(tmp_path / stage))
        runner = build_runner(cfg)
        before = {key: value.cpu().clone() for key, value in runner.model.state_dict().items()}
        runner.train()
        checkpoint = tmp_path / stage / 'epoch_1.pth'
        return before, torch.load(checkpoint, weights_only=False)['state_dict'], str(checkpoint)

    drawn, first, path = train('pretrain-direct-qa', 1e-3)
    assert set(first) == {'head.projector.linear.weight', 'head.projector.linear.bias'}
    assert not torch.equal(first['head.projector.linear.weight'], drawn['head.projector.linear.weight'])
    _, second, _ = train('from-direct-qa', 0.0, load_from=path)
    assert {key for key in second if '.lora_' not in key} == set(first) and len(second) == 2 + 2 * 4
    assert all(torch.equal(second[key], first[key]) for key in first)
