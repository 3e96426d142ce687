"""NT-Xent against closed forms, a loop over anchors, and two processes against one."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from two_processes import run_in_two_processes


def build(**kwargs):
    return MODELS.build(dict(type='NTXentLoss', **kwargs))


@pytest.mark.parametrize('number', [1, 2, 5, 32])
@pytest.mark.parametrize('temperature', [0.07, 0.5])
def test_all_embeddings_equal(number, temperature):
    same = torch.ones(number, 8)
    assert build(temperature=temperature)(same, same).item() == pytest.approx(math.log(2 * number - 1), abs=1e-5)


@pytest.mark.parametrize('number, expected', [(2, 0.239545), (32, 2.239729)])
def test_aligned_orthonormal_pairs(number, expected):
    eye = torch.eye(number)
    loss = build(temperature=0.5)(eye, 3 * eye).item()  # lengths do not matter
    assert loss == pytest.approx(expected, abs=1e-6)
    assert loss == pytest.approx(math.log(1 + (2 * number - 2) * math.exp(-2)), abs=1e-6)


def test_other_modality_only():
    eye = torch.eye(4)
    # one positive of 1 / tau = 2, three negatives of 0
    assert build(same_modality_negatives=False)(eye, eye).item() == pytest.approx(
        math.log(1 + 3 * math.exp(-2)), abs=1e-6
    )


def by_hand(first, second, temperature, same_modality):
    """Eq. 5 anchor by anchor, in double precision."""
    count = len(first)
    everything = [row / row.norm() for row in [*first.double(), *second.double()]]
    total = 0.0
    for i, anchor in enumerate(everything):
        partner = (i + count) % (2 * count)
        negatives = [k for k in range(2 * count) if k != i and (same_modality or (k < count) != (i < count))]
        exponents = [float(anchor @ everything[k]) / temperature for k in negatives]
        total += math.log(sum(map(math.exp, exponents))) - float(anchor @ everything[partner]) / temperature
    return total / (2 * count)


@pytest.mark.parametrize('same_modality', [True, False])
@pytest.mark.parametrize('temperature', [0.1, 0.5])
def test_as_a_loop_over_anchors(temperature, same_modality):
    torch.manual_seed(0)
    first, second = torch.randn(7, 5), torch.randn(7, 5)
    loss = build(temperature=temperature, same_modality_negatives=same_modality)(first, second)
    assert loss.item() == pytest.approx(by_hand(first, second, temperature, same_modality), abs=1e-5)


def test_weight():
    torch.manual_seed(0)
    pair = torch.randn(4, 6), torch.randn(4, 6)
    assert build(loss_weight=3.0)(*pair).item() == pytest.approx(3 * build()(*pair).item(), rel=1e-6)


def test_a_batch_of_one_has_no_loss():
    one = torch.randn(1, 8, requires_grad=True)
    for same_modality in (True, False):
        loss = build(same_modality_negatives=same_modality)(one, torch.randn(1, 8))
        loss.backward()
        assert loss.item() == 0
        assert one.grad.abs().max() < 1e-6


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    torch.manual_seed(0)
    first, second = torch.randn(16, 32).to(dtype), torch.randn(16, 32).to(dtype)
    first.requires_grad_(True)
    loss = build(temperature=0.01)(first, second)  # e^100 is beyond half precision
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(by_hand(first.detach().float(), second.float(), 0.01, True), rel=1e-4)
    assert torch.isfinite(first.grad).all()


def test_half_precision_under_autocast():
    torch.manual_seed(0)
    first, second = torch.randn(16, 32), torch.randn(16, 32)
    with torch.autocast('cpu', torch.bfloat16):
        loss = build(temperature=0.05)(first, second)
    assert loss.item() == pytest.approx(by_hand(first, second, 0.05, True), rel=1e-5)


def test_learned_temperature():
    loss = build(temperature=0.5, learn_temperature=True)
    assert [name for name, _ in loss.named_parameters()] == ['log_temperature']
    torch.manual_seed(0)
    first = torch.randn(6, 4)
    loss(first, first).backward()
    assert loss.log_temperature.grad > 0  # aligned pairs lower the temperature
    with torch.no_grad():
        loss.log_temperature.fill_(-50)
    assert loss.temperature.item() == pytest.approx(0.01)
    assert not list(build().parameters()) and not build().state_dict()


def test_memory_grows_with_the_square():
    """No tensor kept for the gradient is larger than twice the logits of one side."""
    number, sizes = 64, []
    first, second = torch.randn(number, 4, requires_grad=True), torch.randn(number, 4, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: sizes.append(tensor.numel()) or tensor, lambda x: x):
        build()(first, second)
    assert max(sizes) <= 2 * number**2


def test_bad_input():
    with pytest.raises(ValueError, match=r'two \[N, D\], got \(2, 3\) and \(3, 3\)'):
        build()(torch.ones(2, 3), torch.ones(3, 3))
    with pytest.raises(ValueError, match='temperature must be positive, got 0'):
        build(temperature=0)


def loss_of_a_process(rank, folder, sizes):
    init_default_scope('mmpose')
    torch.manual_seed(0)
    weight = torch.randn(6, 4, requires_grad=True)
    inputs = torch.randn(2, sum(sizes), 6)
    own = slice(sum(sizes[:rank]), sum(sizes[: rank + 1]))
    loss = build()(inputs[0, own] @ weight, (inputs[1, own] @ weight).tanh())
    loss.backward()
    torch.distributed.all_reduce(weight.grad)
    torch.distributed.all_reduce(loss.detach_())
    if rank == 0:
        torch.save(dict(loss=loss / 2, grad=weight.grad / 2), folder / 'result.pth')


@pytest.mark.parametrize('sizes', [(4, 4), (5, 1)])
def test_two_processes_match_one(tmp_path, sizes):
    """With uneven batches too; MMEngine applies the mean of the processes' gradients."""
    run_in_two_processes(loss_of_a_process, tmp_path, sizes)
    found = torch.load(tmp_path / 'result.pth', weights_only=True)

    torch.manual_seed(0)
    weight = torch.randn(6, 4, requires_grad=True)
    inputs = torch.randn(2, sum(sizes), 6)
    loss = build()(inputs[0] @ weight, (inputs[1] @ weight).tanh())
    loss.backward()
    assert found['loss'].item() == pytest.approx(loss.item(), abs=1e-6)
    assert torch.allclose(found['grad'], weight.grad, atol=1e-6)
    assert F.cosine_similarity(found['grad'].flatten(), weight.grad.flatten(), dim=0) > 0.9999
