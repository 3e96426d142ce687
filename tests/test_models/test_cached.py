"""What is cached in eval mode follows the weights."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tiny import MATRIX, RESNET, VIT, build
from torch import nn

from clamp_mmpose.models.text_encoders import TextEmbeddings
from clamp_mmpose.models.utils.cached import MAX_ENTRIES, Cached


class Layer(Cached):
    def __init__(self, size=1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size))

    def total(self):
        return float(self.cached('total', lambda: self.weight.sum()))


@torch.no_grad()
def test_a_value_dropped_by_another_thread_is_not_kept():
    layer = Layer().eval()
    assert layer.cached('a', lambda: layer.drop_cache() or 1) == 1
    assert layer.cached('a', lambda: 2) == 2 and layer.cached('a', lambda: 3) == 2


@torch.no_grad()
def test_each_way_to_change_a_weight_is_seen():
    layer = Layer(4).eval()
    assert layer.total() == 0
    layer.weight.add_(1)
    assert layer.total() == 4
    layer.weight.data.add_(1)  # PyTorch does not count this as a change
    assert layer.total() == 8
    layer.weight.data[2] = 0
    assert layer.total() == 6
    layer.weight = nn.Parameter(torch.full((4,), 5.0))
    assert layer.total() == 20
    layer.weight.data = torch.full((4,), 6.0)
    assert layer.total() == 24
    layer.load_state_dict(dict(weight=torch.ones(4)))
    assert layer.total() == 4
    layer.weight.grad = torch.ones(4)
    torch.optim.SGD(layer.parameters(), lr=1).step()
    assert layer.total() == 0


@torch.no_grad()
def test_a_large_weight_is_seen_too():
    layer = Layer(100_000).eval()
    assert layer.total() == 0
    layer.weight[77] = 3
    assert layer.total() == 3
    layer.weight.data += 1
    assert layer.total() == 100_003
    layer.weight.data[60_000:] += 1  # samples are of the whole weight, not of its start
    assert layer.total() == 140_003


LAYOUTS = [lambda values: values.to(memory_format=torch.channels_last), lambda values: values.mT]


@pytest.mark.parametrize('layout', LAYOUTS)
@torch.no_grad()
def test_a_weight_in_another_order_of_memory_is_seen_too(layout):
    layer = Layer().eval()
    layer.weight = nn.Parameter(layout(torch.zeros(2, 3, 4, 5)))
    assert layer.total() == 0
    layer.weight.data += 1  # not tracked: seen by the values
    assert layer.total() == 120


def test_weights_of_inference_mode_have_no_version():
    with torch.inference_mode():
        layer = Layer(4).eval()
        assert layer.total() == layer.total() == 0
        layer.weight.add_(1)
        assert layer.total() == 4
    with torch.no_grad():
        assert layer.total() == 4


@torch.no_grad()
def test_copies_and_replicas_have_their_own_cache():
    layer = Layer(4).eval()
    layer.total()
    for other in (copy.deepcopy(layer), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
        assert layer._kept and not other._kept
    replica = layer._replicate_for_data_parallel()
    replica.weight = layer.weight + 2  # as torch.nn.parallel.replicate sets it
    assert replica.total() == 8 and layer.total() == 0


@torch.no_grad()
def test_the_number_of_entries_is_limited():
    layer = Layer().eval()
    for key in range(3 * MAX_ENTRIES):
        assert layer.cached(key, lambda key=key: key) == key
    assert list(layer._kept) == list(range(2 * MAX_ENTRIES, 3 * MAX_ENTRIES))


@torch.no_grad()
def test_threads_share_the_cache():
    layer = Layer().eval()
    with ThreadPoolExecutor(4) as pool:
        keys = [i % 40 for i in range(2000)]
        assert list(pool.map(lambda key: layer.cached(key, lambda: key), keys)) == keys


IMAGE = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))  # the positions of 64x64 are resized
CHANGES = [
    lambda model: model.head.prompt_learner.load_state_dict(dict(contexts=torch.ones(8, 16))),
    lambda model: model.head.prompt_encoder.norm.weight.data.mul_(-1),
    lambda model: model.head.text_encoder.text.transformer.resblocks[0].mlp.c_fc.weight.data.mul_(-1),
    lambda model: model.head.cross_attention.register_buffer('unused', torch.ones(1)),
    lambda model: model.head.prompt_learner.set_names(['a', 'b', 'c', 'd', 'e'], model.head.text_encoder),
    lambda model: model.backbone.visual.positional_embedding.data.mul_(2),
    lambda model: model.head.text_encoder.bfloat16().float(),
]


@pytest.mark.parametrize('change', CHANGES)
@torch.no_grad()
def test_a_model_follows_a_change_of_a_part(change):
    model = build().eval()
    before = model(IMAGE, None, mode='tensor')
    change(model)
    after = model(IMAGE, None, mode='tensor')
    fresh = copy.deepcopy(model)
    assert not fresh.head._kept and torch.equal(after, fresh(IMAGE, None, mode='tensor'))
    assert torch.equal(after, before) == (change is CHANGES[3])


@pytest.mark.parametrize('arch, options', [(VIT, MATRIX), (RESNET, {})])
@torch.no_grad()
def test_other_models_follow_too(arch, options):
    model = build(arch, **options).eval()
    before = model(IMAGE[..., :64], None, mode='tensor')
    for parameter in model.parameters():
        parameter.data.mul_(0.9)
    after = model(IMAGE[..., :64], None, mode='tensor')
    assert not torch.equal(before, after)
    assert torch.equal(after, copy.deepcopy(model)(IMAGE[..., :64], None, mode='tensor'))


@torch.no_grad()
def test_a_replica_embeds_texts_itself():
    embeddings = TextEmbeddings(build().head.text_encoder)
    expected = embeddings(['nose'])
    replica = embeddings._replicate_for_data_parallel()
    for parameter in embeddings.encoder.parameters():  # the table of the original is not read
        parameter.data.zero_()
    assert not torch.equal(replica(['nose']), expected)
    assert not copy.deepcopy(embeddings)._kept[1]
