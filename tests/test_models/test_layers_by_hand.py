"""Initial values, dropout masks, peaks, and each attention layer against a plain reimplementation."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from tiny import MATRIX, NAMES, TEXT, VIT, build

from clamp_mmpose.models.layers import (
    GraphDecoder,
    JointEncoder,
    LinearProjector,
    MLPProjector,
    PromptCrossAttention,
    PromptLearner,
)
from clamp_mmpose.models.layers.graph_decoder import GraphDecoderLayer
from clamp_mmpose.models.layers.joint_encoder import JointEncoderLayer
from clamp_mmpose.models.layers.prompt_cross_attention import CrossAttentionLayer
from clamp_mmpose.models.utils.heatmaps import peak_accuracy, peaks

# a normal distribution cut at two standard deviations
CUT = math.sqrt(1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2)))


def spread(weight):
    """Standard deviation, and the largest absolute value."""
    assert weight.numel() > 500 and abs(weight.mean()) < 0.1 * weight.std()
    return weight.std().item(), weight.abs().max().item()


def test_initial_prompts():
    """Contexts: standard deviation 1, cut at 2 of them; a matrix of prompts: rows of length 1."""
    encoder = dict(type='CLIPTextEncoder', arch=dict(VIT, text_cfg=dict(TEXT, context_length=80)))
    learner = PromptLearner(NAMES, MODELS.build(encoder), num_contexts=64)
    deviation, largest = spread(learner.contexts)
    assert deviation == pytest.approx(CUT, rel=0.08) and 1.9 < largest <= 2
    matrix = build(**dict(MATRIX, names=[f'point {i}' for i in range(50)])).head.prompt_matrix
    assert matrix.square().sum(dim=1).mean().item() == pytest.approx(1, rel=0.1)


def test_initial_cross_attention_changes_the_prompts_by_a_thousandth():
    layer = PromptCrossAttention(32, width=64, num_heads=4, num_layers=2)
    assert layer.gamma.tolist() == pytest.approx([1e-3] * 32)
    linear = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
    assert len(linear) == 2 + 1 + 2 * (2 * 4 + 2)
    assert sum(module.bias is None for module in linear) == 2 * 2 * 3  # query, key and value, as in DenseCLIP
    for module in linear:
        assert spread(module.weight)[0] == pytest.approx(0.02, rel=0.1)
        assert module.bias is None or not module.bias.any()


def test_initial_transformers_are_uniform():
    """Xavier: uniform up to sqrt(6 / (inputs + outputs)); the three projections of attention are one matrix."""
    decoder = GraphDecoder(32, 4, 48, 2, 0.1, graph=True)
    assert decoder.layers[0].neighbours.bias is None  # as the graph convolution of GraphCAPE
    for model in (JointEncoder(32, 4, 48, 2, 0.1), decoder):
        for layer in model.layers:
            for weight in (parameter for parameter in layer.parameters() if parameter.ndim == 2):
                bound = math.sqrt(6 / sum(weight.shape))
                deviation, largest = spread(weight)
                assert deviation == pytest.approx(bound / math.sqrt(3), rel=0.1)
                assert 0.95 * bound < largest <= bound


def test_each_image_has_its_own_dropout_mask():
    """Two equal images with dropout after the prompts' self-attention only: their prompts differ."""
    layer = PromptCrossAttention(8, width=8, num_heads=2, num_layers=1, dropout=0.0).train()
    layer.gamma.data.fill_(1.0)
    prompts, dense, global_ = torch.randn(3, 8), torch.randn(1, 8, 2, 2), torch.randn(1, 8)
    pair = prompts, dense.expand(2, -1, -1, -1), global_.expand(2, -1)
    first, second = layer(*pair)
    assert torch.allclose(first, second, atol=1e-6)
    layer.layers[0].self_attn.dropout.p = 0.5
    first, second = layer(*pair)
    assert (first - second).abs().max() > 1e-4


def test_dropout_is_where_the_papers_have_it():
    """On the outputs of attention and MLP (DenseCLIP), inside attention and MLP and on their outputs (DETR)."""
    cross = CrossAttentionLayer(8, 2, 0.3)
    assert [cross.self_attn.dropout.p, cross.cross_attn.dropout.p, cross.mlp[2].p, cross.mlp[4].p] == [0.3] * 4
    joint = JointEncoderLayer(8, 2, 16, 0.3)
    assert [joint.attention.dropout, joint.feedforward[2].p, joint.dropout.p] == [0.3] * 3
    graph = GraphDecoderLayer(8, 2, 16, 0.3, graph=True)
    assert [graph.self_attention.dropout, graph.cross_attention.dropout, graph.dropout.p] == [0.3] * 3


def attend(query, key, value, heads, masked=None):
    """Softmax attention of projected ``[L, C]`` inputs, one head after the other."""
    outputs = []
    for q, k, v in zip(query.chunk(heads, dim=1), key.chunk(heads, dim=1), value.chunk(heads, dim=1)):
        logits = q @ k.T / math.sqrt(q.shape[1])
        if masked is not None:
            logits[:, masked] = -math.inf
        outputs.append(logits.softmax(dim=1) @ v)
    return torch.cat(outputs, dim=1)


def multihead(module, query, key, value, masked=None):
    """:class:`torch.nn.MultiheadAttention` on ``[L, C]``."""
    projected = (
        F.linear(x, weight, bias)
        for x, weight, bias in zip((query, key, value), module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3))
    )
    return module.out_proj(attend(*projected, module.num_heads, masked))


@torch.no_grad()
def randomized(module):
    """In eval mode, with random biases too, which start at 0."""
    for parameter in module.parameters():
        parameter.copy_(0.4 * torch.randn_like(parameter))
    return module.eval()


@torch.no_grad()
def test_joint_encoder_layer():
    layer = randomized(JointEncoderLayer(8, 2, 12, 0.1))
    tokens, positions, mask = torch.randn(5, 8), torch.randn(5, 8), torch.tensor([False, False, True, False, False])
    positioned = tokens + positions
    hidden = layer.norms[0](tokens + multihead(layer.attention, positioned, positioned, tokens, mask))
    first, second = layer.feedforward[0], layer.feedforward[3]
    expected = layer.norms[1](hidden + second(first(hidden).clamp(min=0)))
    assert torch.allclose(layer(tokens[None], positions, mask[None])[0], expected, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize('graph', [True, False])
def test_graph_decoder_layer(graph):
    layer = randomized(GraphDecoderLayer(8, 2, 12, 0.1, graph))
    queries, position, keys, image = (torch.randn(rows, 8) for rows in (3, 3, 6, 6))
    padding, adjacency = torch.tensor([False, False, True]), torch.tensor([[0.0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])
    positioned = queries + position
    hidden = layer.norms[0](queries + multihead(layer.self_attention, positioned, positioned, queries, padding))
    hidden = layer.norms[1](hidden + multihead(layer.cross_attention, hidden + position, keys, image))
    wide = layer.own(hidden) + (adjacency @ layer.neighbours(hidden) if graph else 0)
    expected = layer.norms[2](hidden + layer.out(wide.clamp(min=0)))
    inputs = [x[None] for x in (queries, position, keys, image, padding, adjacency)]
    assert torch.allclose(layer(*inputs)[0], expected, atol=1e-5)


@torch.no_grad()
def test_prompt_cross_attention():
    model = randomized(PromptCrossAttention(8, width=12, num_heads=3, num_layers=2))
    prompts, dense, global_ = torch.randn(4, 8), torch.randn(2, 8, 2, 3), torch.randn(2, 8)

    def attention(module, query, memory):
        return module.proj(attend(module.q_proj(query), module.k_proj(memory), module.v_proj(memory), 3))

    for b in range(2):
        cells = [global_[b], *(dense[b, :, i, j] for i in range(2) for j in range(3))]
        memory, x = model.memory_proj(torch.stack(cells)), model.text_proj(prompts)
        for layer in model.layers:
            normed = layer.norm1(x)
            x = x + attention(layer.self_attn, normed, normed)
            x = x + attention(layer.cross_attn, layer.norm2(x), memory)
            x = x + layer.mlp[3](F.gelu(layer.mlp[0](layer.norm3(x))))
        expected = prompts + model.gamma * model.out_proj(x)
        for prepared in (None, model.prepare(prompts[None])):
            assert torch.allclose(model(prompts, dense, global_, prepared)[b], expected, atol=1e-5)


def test_positions_are_added_to_the_keys_of_the_decoder_alone():
    decoder, seen = GraphDecoder(8, 2, 16, 2, 0.0, graph=False), []
    for layer in decoder.layers:
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    image, positions = torch.randn(1, 6, 8), torch.randn(6, 8)
    decoder(torch.randn(1, 2, 8), torch.rand(1, 2, 2), image, positions, None, None)
    assert len(seen) == 2
    for _, _, keys, values, _, _ in seen:
        assert torch.equal(keys, image + positions) and torch.equal(values, image)


def test_each_decoder_layer_corrects_its_own_input():
    """The second layer's loss trains neither the proposal nor the first layer's step."""
    decoder, points = GraphDecoder(8, 2, 16, 2, 0.0, graph=False), torch.full((1, 2, 2), 0.4, requires_grad=True)
    first, second = decoder(
        torch.randn(1, 2, 8), points, torch.randn(1, 6, 8), torch.randn(6, 8), padding=None, adjacency=None
    )
    second.sum().backward(retain_graph=True)
    bias = [step[-1].bias for step in decoder.steps]
    assert points.grad is None and bias[0].grad is None
    assert bias[1].grad.tolist() == pytest.approx([2 * 0.4 * 0.6] * 2)  # slope of the sigmoid, two keypoints
    first.sum().backward()
    assert points.grad is None and bias[0].grad.tolist() == pytest.approx([2 * 0.4 * 0.6] * 2)


def test_points_at_the_border_can_move():
    """They are moved to 0.001 of it, where the logit is finite."""
    decoder = GraphDecoder(8, 2, 16, 1, 0.0, graph=False)
    points = torch.tensor([[[0.0, 1.0]]])
    [output] = decoder(torch.randn(1, 1, 8), points, torch.randn(1, 6, 8), torch.randn(6, 8), None, None)
    assert output[0, 0].tolist() == pytest.approx([0.001, 0.999], abs=1e-5)


def test_peaks_are_x_and_y():
    """Maps of 3 rows and 5 columns."""
    maps = torch.zeros(1, 2, 3, 5)
    maps[0, 0, 1, 4], maps[0, 1, 2, 0] = 1, 1
    assert peaks(maps).tolist() == [[[4.0, 1.0], [0.0, 2.0]]]


def test_accuracy_is_five_percent_of_each_side():
    """Maps of 20 rows and 200 columns: 5 % are 1 row or 10 columns; as far as that is a miss."""
    target, predicted = torch.zeros(1, 5, 20, 200), torch.zeros(1, 5, 20, 200)
    for k, (x, y) in enumerate([(9, 0), (11, 0), (0, 0), (0, 1), (3, 0)]):
        target[0, k, 10, 50], predicted[0, k, 10 + y, 50 + x] = 1, 1
    accuracy = [peak_accuracy(predicted[:, [k]], target[:, [k]], torch.ones(1, 1)).item() for k in range(5)]
    assert accuracy == [1, 0, 1, 0, 1]
    # any weight above 0 counts in full
    weights = torch.tensor([[0.5, 1.0, 0.0, 1.0, 1.0]])
    assert peak_accuracy(predicted, target, weights).item() == pytest.approx(2 / 4)
    assert peak_accuracy(predicted, target, weights, threshold=0.06).item() == pytest.approx(4 / 4)


def test_defaults_are_those_of_capex():
    """256 channels, 8 heads, 768 hidden, 3 + 3 layers, dropout 0.1, targets of 8 pixels, the heatmap loss twice."""
    encoder, decoder = dict(type='CLIPTextEncoder', arch=VIT), dict(type='RegressionLabel', input_size=(64, 64))
    head = MODELS.build(dict(type='TextQueryHead', in_channels=4, text_encoder=encoder, decoder=decoder))
    joint, graph = head.joint_encoder.layers, head.graph_decoder.layers
    assert (len(joint), len(graph), head.sigma, head.heatmap_weight) == (3, 3, 8, 2)
    assert (joint[0].attention.embed_dim, joint[0].attention.num_heads, joint[0].dropout.p) == (256, 8, 0.1)
    assert joint[0].feedforward[0].out_features == graph[0].neighbours.out_features == 768
    bound = math.sqrt(6 / (4 + 256))
    assert 0.98 * bound < head.image_projection.weight.abs().max() <= bound


@pytest.mark.parametrize('kind', [LinearProjector, MLPProjector])
def test_projectors_give_a_token_per_cell_row_by_row(kind):
    projector = kind(2, 3)
    feature = torch.randn(1, 2, 2, 3)
    tokens = projector(feature)
    assert tokens.shape == (1, 6, 3)
    cell = feature[0, :, 1, 0]  # second row, first column
    if kind is LinearProjector:
        expected = projector.linear.weight @ cell + projector.linear.bias
    else:
        first, _, second = projector.layers
        hidden = first.weight @ cell + first.bias
        hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
        expected = second.weight @ hidden + second.bias
    assert torch.allclose(tokens[0, 3], expected, atol=1e-6)
