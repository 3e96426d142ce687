"""Which weights are loaded, and what is reported about the others."""

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from clamp_mmpose.checkpoints.fit import check_fit, load_weights, weights_of


@pytest.fixture
def logged(monkeypatch):
    messages = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'info', messages.append)
    return messages


def test_missing_and_mismatched_weights():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    weights = dict(model.state_dict(), surprise=torch.zeros(1))
    assert check_fit(model, weights, 'it') == ([], [], ['surprise'])
    del weights['1.num_batches_tracked']  # a counter, not a weight
    assert check_fit(model, weights, 'it') == ([], [], ['surprise'])
    fewer = {name: value for name, value in weights.items() if name != '0.bias'}
    with pytest.raises(
        ValueError, match=r"it does not fit this model: 1 of 6 weights are missing \['0\.bias'\]\. Give"
    ):
        check_fit(model, fewer, 'it')
    assert check_fit(model, fewer, 'it', partial=True).missing == ['0.bias']
    assert check_fit(model, fewer, 'it', optional=('0.b', 'x')).missing == ['0.bias']
    other = dict(fewer, **{'0.weight': torch.zeros(5, 2)})
    shape = r"1 of 6 weights have another shape \['0\.weight \(5, 2\) instead of \(3, 2\)'\]"
    with pytest.raises(ValueError, match=rf"'0\.bias'\], {shape}\. Give"):
        check_fit(model, other, 'it')
    with pytest.raises(ValueError, match=rf'does not fit a net: {shape}\. Do so\.$'):
        check_fit(model, other, 'it', 'a net', 'Do so.', optional=('0.bias',))
    assert len(check_fit(model, other, 'it', partial=True).mismatched) == 1


def test_at_least_one_weight_must_fit():
    model = nn.Linear(2, 3)
    for options in (dict(partial=True), dict(optional=('weight', 'bias'))):
        with pytest.raises(
            ValueError, match=r"my\.pth does not fit .* 2 of 2 weights are missing \['weight', 'bias'\]"
        ):
            check_fit(model, dict(backbone=torch.zeros(1)), 'my.pth', **options)
    with pytest.raises(ValueError, match='2 of 2 weights have another shape'):
        check_fit(model, nn.Linear(4, 5).state_dict(), 'my.pth', partial=True)


def test_loading_reports_what_it_did(logged):
    model, other = nn.Linear(2, 3), nn.Linear(2, 3)
    load_weights(model, other.state_dict(), 'a.pth', 'a layer')
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)
    extra = dict(other.state_dict(), **{f'x{i:02d}': torch.zeros(1) for i in range(12)})
    load_weights(model, extra, 'b.pth', resized=['bias resized'])
    del extra['x10'], extra['x11']
    load_weights(model, extra, 'c.pth')
    names = ', '.join(f'x{i:02d}' for i in range(10))
    assert logged == [
        '2 tensors of a.pth loaded into a layer',
        f'2 tensors of b.pth loaded into this model; bias resized; not used: {names} and 2 more',
        f'2 tensors of c.pth loaded into this model; not used: {names}',
    ]


def test_nothing_is_loaded_if_a_weight_is_missing():
    model = nn.Linear(2, 3)
    before = model.weight.clone()
    with pytest.raises(ValueError, match='1 of 2 weights are missing'):
        load_weights(model, dict(weight=torch.zeros(3, 2)), 'half.pth')
    assert torch.equal(model.weight, before)


def test_weights_of_every_checkpoint_layout():
    bare = dict(a=torch.zeros(1))
    wrapped = {'module.a': bare['a'], 'epoch': 3}
    for content in (bare, wrapped, dict(state_dict=wrapped, meta={}), dict(model=bare, epoch=1)):
        assert weights_of(content) == bare
    assert list(weights_of({'module.net.module.a': bare['a'], 'submodule.b': bare['a']})) == [
        'net.module.a',
        'submodule.b',
    ]
