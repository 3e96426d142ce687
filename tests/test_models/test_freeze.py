"""Frozen parameters: no gradient, eval mode, not in the optimizer, but still parameters."""

import copy
import pickle

import pytest
import torch
import torch.distributed.fsdp
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from tiny import build, samples
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from two_processes import run_in_two_processes

from clamp_mmpose.models.utils.freeze import freeze

CONSTRUCTOR = 'TrainableOptimWrapperConstructor'


def network():
    torch.manual_seed(0)
    frozen = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)))
    model = nn.Sequential(frozen, nn.Linear(3, 1))
    names = list(model.state_dict())
    freeze(frozen)
    assert list(model.state_dict()) == names  # so that older checkpoints load
    assert not any(part.training for part in frozen.modules())  # before anybody calls train()
    return model, frozen


def test_dropout_and_batch_norm_stay_as_in_eval_mode():
    model, frozen = network()
    model.train()
    frozen.train()
    frozen[2].train()  # a part alone
    frozen[2][0].train(True)
    assert model.training and model[1].training and not any(part.training for part in frozen.modules())
    frozen[1].running_mean.fill_(1.0)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    hidden = (frozen[0](x) - 1) / (1 + 1e-5) ** 0.5  # by the running statistics, nothing dropped
    assert torch.allclose(frozen(x), frozen[2][1](hidden), atol=1e-6)
    assert frozen[1].running_mean.tolist() == [1.0] * 4 and frozen[1].num_batches_tracked == 0


def test_parameters_stay_parameters_and_the_gradient_passes():
    model, frozen = network()
    assert len(list(frozen.parameters())) == 6 and not any(p.requires_grad for p in frozen.parameters())
    x = torch.ones(1, 2, requires_grad=True)
    model.train()(x).sum().backward()
    matrix = model[1].weight @ frozen[2][1].weight @ (frozen[0].weight / (1 + 1e-5) ** 0.5)
    assert torch.allclose(x.grad, matrix, atol=1e-6)
    assert all(p.grad is None for p in frozen.parameters()) and model[1].weight.grad is not None


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_frozen_independently(duplicate):
    model, frozen = network()
    other = duplicate(model)
    frozen.__dict__['training'] = True  # to see that the copy's train() does not reach the original
    other.train()
    assert frozen.training and other.training and not any(part.training for part in other[0].modules())


def groups_of(model, **optim_wrapper):
    optimizer = dict(type='AdamW', lr=0.1, weight_decay=1.0)
    return build_optim_wrapper(model, dict(constructor=CONSTRUCTOR, optimizer=optimizer, **optim_wrapper))


@pytest.mark.parametrize('paramwise', [{}, dict(paramwise_cfg=dict(norm_decay_mult=0.0))])
def test_optimizer_holds_what_is_trained(paramwise, monkeypatch):
    model, logged = build(), []
    monkeypatch.setattr(
        'mmengine.optim.optimizer.default_constructor.print_log', lambda text, *_, **__: logged.append(text)
    )
    wrapper = groups_of(model, **paramwise)
    held = [id(p) for group in wrapper.optimizer.param_groups for p in group['params']]
    trained = [id(p) for p in model.parameters() if p.requires_grad]
    assert sorted(held) == sorted(trained) and len(trained) < len(list(model.parameters()))
    assert len(wrapper.optimizer.param_groups) == (len(trained) if paramwise else 1)
    assert not [text for text in logged if 'is skipped' in text]  # one line for each frozen parameter


def test_optimizer_and_average_leave_it_unchanged():
    model = build().train()
    average = ExponentialMovingAverage(model, momentum=0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wrapper = groups_of(model)
    losses = model.loss(torch.rand(2, 3, 64, 64), samples(2, 5))
    wrapper.update_params(sum(value for name, value in losses.items() if name.startswith('loss')))
    average.update_parameters(model)
    average.update_parameters(model)
    assert not any(part.training for part in average.module.head.text_encoder.modules())
    averaged = average.module.state_dict()
    frozen = [name for name in before if name.startswith('head.text_encoder.')]
    assert len(frozen) > 10
    for name, value in model.state_dict().items():
        if name in frozen:
            assert torch.equal(value, before[name]) and torch.equal(averaged[name], before[name])
    assert not torch.equal(model.head.prompt_learner.contexts, before['head.prompt_learner.contexts'])


def test_training_state_from_before_is_resumed():
    """A checkpoint from when frozen weights were buffers: the same names, without optimizer state for them."""
    model = build()
    text = dict(model.head.text_encoder.text.named_parameters())
    trained = [p for name, p in model.named_parameters() if not name.startswith('head.text_encoder.')]
    optimizer = torch.optim.AdamW(trained, lr=0.1, weight_decay=1.0)
    groups_of(build()).optimizer.load_state_dict(optimizer.state_dict())
    assert not build().head.text_encoder.text.load_state_dict(
        {name: p.detach() for name, p in text.items()}, strict=False
    )[0]


def share_of_a_process(rank, folder):
    init_default_scope('mmpose')
    encoder = build().head.text_encoder
    whole = sum(p.numel() for p in encoder.parameters())
    torch.distributed.fsdp.fully_shard(encoder, mesh=init_device_mesh('cpu', (2,)))
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not any(part.training for part in encoder.train().modules())
    torch.save((whole, sum(p.to_local().numel() for p in encoder.parameters())), folder / f'{rank}.pth')


@pytest.mark.skipif(not hasattr(torch.distributed.fsdp, 'fully_shard'), reason='PyTorch before 2.6')
@pytest.mark.slow
def test_each_of_two_processes_holds_half(tmp_path):
    run_in_two_processes(share_of_a_process, tmp_path)
    shares = [torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in range(2)]
    assert shares[0][0] == shares[0][1] + shares[1][1] and shares[0][1] == pytest.approx(shares[1][1], rel=0.01)
