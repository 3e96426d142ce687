"""Low-rank adaptation by peft: its numbers by hand, and which weights are trained."""

import builtins

import pytest
import torch
from mmengine.utils import digit_version
from torch import nn
from transformers import Dinov2Config, Dinov2Model, LlamaConfig, LlamaForCausalLM

from clamp_mmpose.models.utils.lora import (
    add_lora,
    base_name,
    load_base_weights,
    lora_names,
    merge_lora,
    query_value_names,
)

pytest.importorskip('peft')
# older PyTorch does not multiply float16 on the CPU
HALF = [torch.bfloat16] + [torch.float16] * (digit_version(torch.__version__) >= digit_version('2.3.0'))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2, bias=False)

    def forward(self, x):
        return self.q_proj(x) + self.k_proj(x) * self.v_proj(x)


def tiny(kind):
    torch.manual_seed(3)
    if kind == 'llama':
        config = LlamaConfig(
            vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2
        )
        return LlamaForCausalLM(config), torch.tensor([[1, 5, 7]]), lambda out: out.logits
    config = Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14)
    return Dinov2Model(config), torch.randn(1, 3, 28, 28), lambda out: out.last_hidden_state


def randomize(module):
    for name, parameter in module.named_parameters():
        if 'lora_B' in name:
            nn.init.normal_(parameter, std=0.3)


def test_by_hand():
    """W x + b + alpha / rank B A x: alpha 6, rank 2, so the factor is 3."""
    module = nn.Sequential()
    module.q_proj, module.other = nn.Linear(2, 2), nn.Linear(2, 2)
    layer = module.q_proj
    layer.weight.data, layer.bias.data = torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([10.0, 20])
    add_lora(module, rank=2, alpha=6, dropout=0.0, targets=('q_proj',))
    x = torch.tensor([[1.0, 2]])
    assert module.q_proj(x).tolist() == [[11, 22]]  # B starts at zero
    module.q_proj.lora_A['default'].weight.data = torch.tensor([[1.0, 1], [0, 2]])
    module.q_proj.lora_B['default'].weight.data = torch.tensor([[1.0, 0], [1, -1]])
    # A x = (3, 4), B A x = (3, -1)
    assert module.q_proj(x).tolist() == [[11 + 9, 22 - 3]]
    merge_lora(module)
    assert type(module.q_proj) is nn.Linear and module.q_proj(x).tolist() == [[20, 19]]
    # 3 B A = 3 ((1, 1), (1, -1))
    assert module.q_proj.weight.tolist() == [[4, 3], [3, -2]]
    assert lora_names(module) == [] and not hasattr(module, 'peft_config')


def test_names_and_what_is_trained():
    module = Attention()
    plain = list(module.state_dict())
    add_lora(module, rank=1)
    assert [name for name, parameter in module.named_parameters() if parameter.requires_grad] == [
        'q_proj.lora_A.default.weight',
        'q_proj.lora_B.default.weight',
        'v_proj.lora_A.default.weight',
        'v_proj.lora_B.default.weight',
    ]
    kept = [name for name in module.state_dict() if name not in lora_names(module)]
    assert kept[:2] == ['q_proj.base_layer.weight', 'q_proj.base_layer.bias']
    assert [base_name(name) for name in kept] == plain


@pytest.mark.parametrize('kind', ['llama', 'dinov2'])
def test_merged_equals_unmerged(kind):
    model, inputs, read = tiny(kind)
    model.eval()
    before = read(model(inputs))
    names = list(model.state_dict())
    targets = {name.rsplit('.', 1)[-1] for name, _ in model.named_modules()} & {'q_proj', 'v_proj', 'query', 'value'}
    add_lora(model, targets=tuple(targets))
    assert len(lora_names(model)) == 2 * 2 * 2  # A and B of q and v in two layers
    assert torch.equal(read(model(inputs)), before)
    randomize(model)
    adapted = read(model(inputs))
    assert not torch.allclose(adapted, before, atol=1e-2)
    merge_lora(model)
    assert list(model.state_dict()) == names
    assert torch.allclose(read(model(inputs)), adapted, atol=1e-5)


@pytest.mark.parametrize('dtype', HALF)
def test_lora_stays_float32_over_half_precision(dtype):
    model, ids, _ = tiny('llama')
    model.to(dtype)
    add_lora(model, dropout=0.0)
    randomize(model)
    assert {value.dtype for name, value in model.state_dict().items() if name in lora_names(model)} == {torch.float32}
    hidden = model.model(ids).last_hidden_state
    assert hidden.dtype == dtype
    hidden.float().square().sum().backward()
    grads = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert all(grad.dtype == torch.float32 and grad.isfinite().all() for grad in grads)
    merge_lora(model)
    assert {value.dtype for value in model.state_dict().values()} == {dtype}
    assert torch.allclose(model.model(ids).last_hidden_state.float(), hidden.float(), atol=0.05)


def test_drawn_from_torchs_generator():
    draws = []
    for seed in (1, 1, 2):
        module = Attention()
        torch.manual_seed(seed)
        add_lora(module)
        draws.append(module.q_proj.lora_A['default'].weight.detach())
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_dropout_only_while_training():
    module = Attention()
    add_lora(module, dropout=0.9)
    randomize(module)
    x = torch.randn(50, 2)
    assert torch.equal(module.eval()(x), module(x)) and not torch.equal(module.train()(x), module(x))


def test_pretrained_weights_after_lora():
    module, source = Attention(), Attention()
    add_lora(module)
    randomize(module)
    lora = {name: module.state_dict()[name].clone() for name in lora_names(module)}
    load_base_weights(module, source.state_dict(), 'weights', 'attention')
    assert all(torch.equal(module.state_dict()[name], value) for name, value in lora.items())
    merged = {base_name(name): value for name, value in module.state_dict().items() if name not in lora}
    assert all(torch.equal(merged[name], value) for name, value in source.state_dict().items())
    with pytest.raises(ValueError, match=r"1 of 9 weights are missing \['q_proj.base_layer.weight'\]"):
        lacking = {name: value for name, value in source.state_dict().items() if name != 'q_proj.weight'}
        load_base_weights(module, lacking, 'weights', 'attention')


@pytest.mark.parametrize('targets', [('query', 'v_proj'), ('proj',), ()])
def test_targets_that_match_nothing(targets):
    with pytest.raises(
        ValueError, match=r"match no linear layer of Attention; choose among \['k_proj', 'q_proj', 'v_p"
    ):
        add_lora(Attention(), targets=targets)


def test_names_of_query_and_value():
    assert query_value_names(Attention()) == ('q_proj', 'v_proj')
    module = nn.ModuleDict(dict(query=nn.Linear(1, 1), key=nn.Linear(1, 1), value=nn.Linear(1, 1)))
    assert query_value_names(module) == ('query', 'value')
    with pytest.raises(ValueError, match=r"give the targets of LoRA, out of \['key', 'query'\]"):
        del module['value']
        query_value_names(module)


def test_twice():
    module = Attention()
    add_lora(module, targets=('q_proj',))
    with pytest.raises(ValueError, match='has LoRA already'):
        add_lora(module, targets=('v_proj',))


def test_without_peft(monkeypatch):
    load = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.split('.')[0] == 'peft':
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', refuse)
    with pytest.raises(ImportError, match=r'clamp_mmpose\[llm\]'):
        add_lora(Attention())
    merge_lora(Attention())  # nothing to merge
