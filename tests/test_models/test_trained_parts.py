"""A checkpoint without the frozen weights, and where they come from when it is loaded."""

import pytest
import torch
from lora_tower import HEAD, tower_config, write_base
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from tiny import model_config
from torch import nn

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.checkpoints.writer import write_safetensors
from clamp_mmpose.models.utils.freeze import freeze
from clamp_mmpose.models.utils.trained_parts import complete, drop_frozen, load_trained

FROZEN = ['norm.bias', 'norm.weight', 'out.bias', 'out.weight', 'patches.bias', 'patches.weight']
FROZEN += ['q_proj.base_layer.bias', 'q_proj.base_layer.weight']


def build(base, seed=0, initialize=False, **kwargs):
    torch.manual_seed(seed)
    model = MODELS.build(dict(model_config(), backbone=tower_config(base, **kwargs), head=HEAD))
    if initialize:
        model.backbone.init_weights()
    return model


def checkpoint_of(model):
    checkpoint = dict(meta={}, state_dict={name: value.clone() for name, value in model.state_dict().items()})
    drop_frozen(model, checkpoint)
    return checkpoint


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    return write_base(tmp_path_factory.mktemp('base') / 'base.pth')


@pytest.fixture(scope='module')
def trained(base):
    return build(base, seed=1, initialize=True)


def test_frozen_weights_are_left_out(base, trained):
    checkpoint = checkpoint_of(trained)
    removed = trained.state_dict().keys() - checkpoint['state_dict'].keys()
    assert sorted(removed) == [f'backbone.{name}' for name in FROZEN]
    # running statistics are kept: the layer is in training mode
    assert {'backbone.norm.running_mean', 'backbone.q_proj.lora_A.default.weight'} < checkpoint['state_dict'].keys()
    note = checkpoint['meta']['frozen_parts']['backbone']
    weight = read_checkpoint(base)['q_proj.weight']
    assert note['source'] == str(base) and note['stamp'].keys() == {'out.weight', 'patches.weight', 'q_proj.weight'}
    # 1024 values: each 128th, the first of each fourth row
    assert note['stamp']['q_proj.weight'] == weight[::4, 0].tolist()


def test_a_part_that_is_trained_for_the_most_part_is_kept_whole(trained, base):
    model = build(base, initialize=True)
    model.backbone.patches.weight.requires_grad_(True)  # 24,576 of its 26,977 numbers
    checkpoint = checkpoint_of(model)
    assert checkpoint['meta'] == {} and checkpoint['state_dict'].keys() == trained.state_dict().keys()


@pytest.mark.parametrize('initialized', [False, True])
def test_frozen_weights_are_loaded_once(base, trained, initialized):
    model = build(base, seed=2, initialize=initialized)
    load_trained(model, checkpoint_of(trained), 'a.pth')
    assert model.backbone.loads == 1
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in trained.state_dict().items())


def test_a_whole_checkpoint_needs_no_base_model(trained, tmp_path):
    model = build(tmp_path / 'missing.pth', seed=2)
    load_trained(model, dict(state_dict=trained.state_dict(), meta={}), 'a.pth')
    assert model.backbone.loads == 0 and torch.equal(model.backbone.out.weight, trained.backbone.out.weight)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_the_same_base_model_elsewhere_in_another_precision(base, trained, tmp_path, dtype):
    weights = {
        name: value.to(dtype) if value.is_floating_point() else value for name, value in read_checkpoint(base).items()
    }
    torch.save(weights, tmp_path / 'other.pth')
    model = build(tmp_path / 'other.pth')
    load_trained(model, checkpoint_of(trained), 'a.pth')
    assert torch.equal(model.backbone.out.weight, weights['out.weight'].float())


def test_a_safetensors_file_is_a_checkpoint_too(base, trained, tmp_path):
    checkpoint = checkpoint_of(trained)
    write_safetensors(checkpoint['state_dict'], tmp_path / 'a.safetensors', checkpoint['meta'])
    model = build(base, seed=2)
    load_trained(model, read_checkpoint(tmp_path / 'a.safetensors'), 'a.safetensors')
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in trained.state_dict().items())


def test_averaged_weights_are_completed(base, trained):
    """EMAHook loads its state without checking that it is complete."""
    averaged = {f'module.{name}': value + 1 for name, value in trained.state_dict().items()}
    checkpoint = dict(
        meta={}, state_dict=dict(trained.state_dict()), ema_state_dict=dict(averaged, steps=torch.ones(1))
    )
    drop_frozen(trained, checkpoint)
    names = [name for name in averaged if name[len('module.backbone.') :] in FROZEN]
    assert len(names) == 8 and not checkpoint['ema_state_dict'].keys() & set(names)
    complete(build(base), checkpoint, 'a.pth')
    assert checkpoint['ema_state_dict'].keys() == {*averaged, 'steps'}
    assert torch.equal(checkpoint['ema_state_dict']['module.backbone.out.weight'], trained.backbone.out.weight)


def error_of(model, checkpoint):
    with pytest.raises(ValueError) as caught:
        load_trained(model, checkpoint, 'a.pth')
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_another_base_model(base, trained, tmp_path):
    other = write_base(tmp_path / 'other.pth', seed=1)
    text = error_of(build(other), checkpoint_of(trained))
    assert f"a.pth was trained on '{base}', but 'backbone' of this config comes from '{other}'" in text
    assert 'out.weight: [' in text


def test_a_base_model_that_is_not_there(base, trained, tmp_path):
    text = error_of(build(tmp_path / 'missing.pth'), checkpoint_of(trained))
    assert "a.pth holds only what was trained, and 'backbone' cannot be loaded from" in text
    assert 'missing.pth does not exist' in text and 'model.backbone.init_cfg.checkpoint=FOLDER' in text


def test_trained_weights_that_do_not_fit(base, trained):
    checkpoint = checkpoint_of(trained)
    text = error_of(build(base, rank=0), dict(checkpoint))
    assert "it trained 2 weights of 'backbone' that this config does not have ['backbone.q_proj.lora_A" in text
    text = error_of(build(base, rank=4), dict(checkpoint))
    assert '2 of 24 weights have another shape' in text and '(2, 32) instead of (4, 32)' in text
    frozen = checkpoint_of(build(base, rank=0, initialize=True))
    assert "2 of 24 weights are missing ['backbone.q_proj.lora_A" in error_of(build(base), frozen)


def test_a_model_without_pretrained_weights(base, trained):
    model = build(base)
    model.backbone.init_cfg = None
    text = error_of(model, checkpoint_of(trained))
    assert f"takes 'backbone' from '{base}', but the model of this config has no pretrained 'backbone'" in text


@pytest.mark.parametrize('notes', [[1], dict(backbone='x'), dict(backbone=dict(source='a', stamp=dict(a=['x'])))])
def test_damaged_notes(base, trained, notes):
    checkpoint = dict(checkpoint_of(trained), meta=dict(frozen_parts=notes))
    assert 'a.pth: its notes of frozen parts are damaged' in error_of(build(base), checkpoint)


class Tied(BaseModule):
    """A part whose two layers share a frozen weight, beside one that is trained."""

    def __init__(self):
        super().__init__(init_cfg=dict(type='Pretrained', checkpoint='base'))
        self.embedding, self.output, self.trained = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False), nn.Linear(3, 3)
        self.output.weight = self.embedding.weight
        self.register_buffer('table', torch.zeros(2))
        self.embedding.requires_grad_(False)


def test_shared_weights_and_buffers(tmp_path):
    model = nn.ModuleDict(dict(part=Tied()))
    checkpoint = checkpoint_of(model)
    assert checkpoint['state_dict'].keys() == {'part.table', 'part.trained.bias', 'part.trained.weight'}
    freeze(model['part'])
    checkpoint = checkpoint_of(model)
    assert not checkpoint['state_dict'] and checkpoint['meta']['frozen_parts']['part']['source'] == 'base'
    model.requires_grad_(True)  # safetensors refuses tensors that share memory
    model['part'].__dict__.pop('train')
    checkpoint = checkpoint_of(model)
    assert 'frozen_parts' not in checkpoint['meta'] and len(checkpoint['state_dict']) == 5
    write_safetensors(model.state_dict(), tmp_path / 'a.safetensors', dict(epoch=1))
    read = read_checkpoint(tmp_path / 'a.safetensors')
    assert read['meta'] == dict(epoch=1) and read['state_dict'].keys() == model.state_dict().keys()


def test_modules_that_fsdp_has_wrapped(base):
    """With its ``use_orig_params``, parameters have the wrapper in their names, those of the state dict do not."""
    model = build(base, initialize=True)
    weights = dict(model.state_dict())
    whole = model.backbone.out
    model.backbone.out = nn.Module()
    model.backbone.out._fsdp_wrapped_module = whole
    checkpoint = dict(meta={}, state_dict=dict(weights))
    drop_frozen(model, checkpoint)
    assert sorted(weights.keys() - checkpoint['state_dict'].keys()) == [f'backbone.{name}' for name in FROZEN]
