"""TextQueryHead and its layers against values computed by hand and plain loops."""

import math

import numpy as np
import pytest
import torch
from mmengine.registry import build_from_cfg
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from tiny import VIT
from two_processes import run_in_two_processes

from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.models.heads.text_query_head import _adjacency, _mean
from clamp_mmpose.models.layers import GraphDecoder, JointEncoder, SimilarityProposal
from clamp_mmpose.models.layers.sine_encoding import cell_centers, sine_encoding


def make_head(**kwargs):
    torch.manual_seed(0)
    return build_from_cfg(
        dict(
            dict(
                type='TextQueryHead',
                in_channels=32,
                text_encoder=dict(type='CLIPTextEncoder', arch=VIT),
                decoder=dict(type='RegressionLabel', input_size=(64, 96)),
                width=32,
                num_heads=4,
                feedforward=48,
                encoder_layers=2,
                decoder_layers=2,
            ),
            **kwargs,
        ),
        MODELS,
    ).eval()


def make_sample(names, labels=None, weights=None, **metainfo):
    sample = PoseDataSample(metainfo=dict(keypoint_names=names, **metainfo))
    if labels is not None:
        sample.gt_instance_labels = InstanceData(
            keypoint_labels=torch.tensor([labels]), keypoint_weights=torch.tensor([weights])
        )
    return sample


def ask(names, links=()):
    """Queries of each image, with skeletons for all images or none."""
    return [TextQueries.create(own, skeleton=pairs) for own, pairs in zip(names, links or [()] * len(names))]


def moved(head):
    """The head with a decoder that moves points, which an untrained one does not."""
    for step in head.graph_decoder.steps:
        torch.nn.init.normal_(step[-1].weight, std=0.2)
    return head


def test_cell_centers_are_those_of_their_pixels():
    """A map of 2 x 4 cells over 64 x 32 pixels: the first cell covers pixels 0 to 15, their mean is 7.5."""
    centers = cell_centers((2, 4), (64, 32), torch.device('cpu'))
    assert centers.shape == (8, 2)
    assert (centers * torch.tensor([64.0, 32.0])).tolist() == [
        [7.5, 7.5],
        [23.5, 7.5],
        [39.5, 7.5],
        [55.5, 7.5],
        [7.5, 23.5],
        [23.5, 23.5],
        [39.5, 23.5],
        [55.5, 23.5],
    ]


def test_sine_encoding_by_hand():
    """Width 8: for y, then x, sin and cos of the angle and of a hundredth of it."""
    x, y = 0.25, 0.5
    encoded = sine_encoding(torch.tensor([x, y]), 8)
    expected = [
        wave(2 * math.pi * place / period) for place in (y, x) for wave in (math.sin, math.cos) for period in (1, 100)
    ]
    assert encoded.tolist() == pytest.approx(expected, abs=1e-6)


def test_proposal_by_hand():
    """Four cells in a row, queries and cells that match by one channel only; the gate is zero."""
    proposal = SimilarityProposal(4)
    for layer in (proposal.image, proposal.query):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    for layer in (proposal.gate[0], proposal.gate[2]):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    image = torch.zeros(1, 5, 4)
    image[0, :, 0] = torch.tensor([0.0, 1.0, 4.0, 2.0, 3.0])
    queries = torch.tensor([[[2.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]])
    centers = torch.tensor([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5], [0.7, 0.5], [0.9, 0.5]])
    similarity, mean, local = proposal(image, queries, (1, 5), centers)
    logits = [0.0, 1.0, 4.0, 2.0, 3.0]  # 2 * value / sqrt(4)
    assert similarity[0, 0, 0].tolist() == pytest.approx(logits)
    assert similarity[0, 1].abs().max() == 0
    shares = [math.exp(value) for value in logits]
    expected = sum(share * x for share, x in zip(shares, (0.1, 0.3, 0.5, 0.7, 0.9))) / sum(shares)
    assert mean[0, 0].tolist() == pytest.approx([expected, 0.5])
    around = sum(shares[i] * (0.1 + 0.2 * i) for i in (1, 2, 3)) / sum(shares[1:4])
    assert local[0, 0].tolist() == pytest.approx([around, 0.5])
    assert mean[0, 1].tolist() == pytest.approx([0.5, 0.5])


def test_local_proposal_ignores_a_second_peak():
    proposal = SimilarityProposal(4)
    image, queries = torch.randn(2, 24, 4), torch.randn(2, 3, 4)
    similarity, _, local = proposal(image, queries, (4, 6), cell_centers((4, 6), (96, 64), torch.device('cpu')))
    for b in range(2):
        for k in range(3):
            peak = divmod(int(similarity[b, k].argmax()), 6)
            near = [(i, j) for i in range(4) for j in range(6) if abs(i - peak[0]) <= 1 and abs(j - peak[1]) <= 1]
            shares = np.exp([float(similarity[b, k, i, j]) for i, j in near])
            x = sum(share * (16 * j + 7.5) / 96 for share, (_, j) in zip(shares, near)) / shares.sum()
            y = sum(share * (16 * i + 7.5) / 64 for share, (i, _) in zip(shares, near)) / shares.sum()
            assert local[b, k].tolist() == pytest.approx([x, y], abs=1e-5)


def test_adjacency_rows_sum_to_one():
    """A chain 0-1-2, and a sample without skeleton."""
    adjacency = _adjacency([[(0, 1), (1, 2)], []], torch.zeros(2, 3, 4))
    assert adjacency[0].tolist() == [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]]
    assert adjacency[1].abs().sum() == 0


def test_joint_encoder_mixes_image_and_texts():
    """Texts see the image and the image sees the texts, but not the padding."""
    encoder = JointEncoder(8, 2, 16, 1, 0.0)
    image, queries, positions = torch.randn(1, 6, 8), torch.randn(1, 3, 8), torch.randn(6, 8)
    padding = torch.tensor([[False, False, True]])
    seen, texts = encoder(image, positions, queries, padding)
    other = queries.clone()
    other[0, 2] += 5
    unseen, unchanged = encoder(image, positions, other, padding)
    assert torch.allclose(seen, unseen, atol=1e-6) and torch.allclose(texts[:, :2], unchanged[:, :2], atol=1e-6)
    other[0, 1, 0] += 5  # (a shift of all channels would be lost in the norm)
    assert (encoder(image, positions, other, padding)[0] - seen).abs().max() > 1e-3
    assert (encoder(image + torch.randn(1, 6, 8), positions, queries, padding)[1] - texts)[:, :2].abs().max() > 1e-3


def test_untrained_decoder_returns_the_proposals():
    decoder = GraphDecoder(8, 2, 16, 3, 0.0, graph=True)
    points = torch.rand(2, 4, 2) * 0.9 + 0.05
    outputs = decoder(torch.randn(2, 4, 8), points, torch.randn(2, 6, 8), torch.randn(6, 8), None, torch.zeros(2, 4, 4))
    assert len(outputs) == 3 and all(torch.allclose(output, points, atol=1e-6) for output in outputs)


def test_decoder_steps_add_up_in_logit_space():
    """With steps of a constant 0.5 and -1: sigmoid(logit(x) + 0.5), then another."""
    decoder = GraphDecoder(8, 2, 16, 2, 0.0, graph=False)
    for step in decoder.steps:
        step[-1].bias.data[:] = torch.tensor([0.5, -1.0])
    outputs = decoder(
        torch.randn(1, 1, 8), torch.tensor([[[0.5, 0.5]]]), torch.randn(1, 6, 8), torch.randn(6, 8), None, None
    )
    for i, output in enumerate(outputs, 1):
        assert output[0, 0].tolist() == pytest.approx([1 / (1 + math.exp(-0.5 * i)), 1 / (1 + math.exp(1.0 * i))])


@pytest.mark.parametrize('graph', [True, False])
def test_skeleton_counts_with_graph_only(graph):
    head, feats = moved(make_head(graph=graph)), (torch.randn(1, 32, 6, 4),)
    texts = [['nose', 'left eye', 'tail']]
    with torch.no_grad():
        without, linked = (head(feats, ask(texts, [links])).points[-1] for links in ((), [(0, 2)]))
    difference = (without - linked).abs().amax(dim=(0, 2))[[0, 2]]
    assert (difference > 1e-4).all() if graph else difference.max() == 0


def test_padding_changes_nothing():
    """The predictions of an image do not depend on the number of keypoints of other images in the batch."""
    head, feature = moved(make_head()), torch.randn(2, 32, 6, 4)
    texts, links = [['nose', 'left eye', 'tail', 'mouth'], ['tail', 'nose']], [[(0, 1)], [(0, 1)]]
    with torch.no_grad():
        together = head((feature,), ask(texts, links))
        alone = head((feature[1:],), ask(texts[1:], links[1:]))
    assert torch.allclose(together.points[-1][1, :2], alone.points[-1][0], atol=1e-5)
    assert torch.allclose(together.similarity[1, :2], alone.similarity[0], atol=1e-4)


def test_order_of_the_texts_does_not_matter():
    head, feats = moved(make_head()), (torch.randn(1, 32, 6, 4),)
    with torch.no_grad():
        one = head(feats, ask([['nose', 'left eye', 'tail']], [[(0, 1)]])).points[-1]
        other = head(feats, ask([['tail', 'nose', 'left eye']], [[(1, 2)]])).points[-1]
    assert torch.allclose(one[0, [2, 0, 1]], other[0], atol=1e-5)


def test_losses_by_plain_loops():
    """Two instances: one with 3 of 4 keypoints labeled, one with a hidden keypoint that is known to be absent."""
    head, feature = moved(make_head()), torch.randn(3, 32, 6, 4)
    samples = [
        make_sample(['a', 'b', 'c', 'd'], [[0.2, 0.3], [0.7, 0.9], [0.5, 0.5], [0.0, 0.0]], [1.0, 1.0, 1.0, 0.0]),
        make_sample(['b', 'e'], [[0.4, 0.1], [0.0, 0.0]], [1.0, 0.0], hidden_is_absent=True),
        make_sample(['a'], [[0.0, 0.0]], [0.0]),
    ]  # nothing labeled: it has no weight
    with torch.no_grad():
        losses = head.loss((feature,), samples)
        predictions = head((feature,), ask([sample.keypoint_names for sample in samples]))
    maps = predictions.similarity.sigmoid().numpy()

    def heatmap(x, y):
        distances = np.array(
            [[(64 * x - (16 * j + 7.5)) ** 2 + (96 * y - (16 * i + 7.5)) ** 2 for j in range(4)] for i in range(6)]
        )
        return np.exp(-(distances - distances.min()) / (2 * 8**2))

    def squared(b, k, target):
        return ((maps[b, k] - target) ** 2).mean()

    first = np.mean(
        [squared(0, 0, heatmap(0.2, 0.3)), squared(0, 1, heatmap(0.7, 0.9)), squared(0, 2, heatmap(0.5, 0.5))]
    )
    second = np.mean([squared(1, 0, heatmap(0.4, 0.1)), squared(1, 1, np.zeros((6, 4)))])
    assert losses['loss_heatmap'].item() == pytest.approx(2 * (first + second) / 2, rel=1e-4)
    for name, points in zip(('loss_proposal', 'loss_layer0', 'loss_layer1'), predictions.points):
        first = np.mean(
            [np.abs(points[0, k].numpy() - label).sum() for k, label in enumerate([[0.2, 0.3], [0.7, 0.9], [0.5, 0.5]])]
        )
        second = np.abs(points[1, 0].numpy() - [0.4, 0.1]).sum()
        assert losses[name].item() == pytest.approx((first + second) / 2, rel=1e-4)
    assert set(losses) == {'loss_heatmap', 'loss_proposal', 'loss_layer0', 'loss_layer1', 'acc_pose'}


def test_accuracy_within_a_twentieth_of_the_input():
    head, feats = moved(make_head()), (torch.randn(1, 32, 6, 4),)
    with torch.no_grad():
        first, second = head(feats, ask([['a', 'b']])).points[-1][0].tolist()
        sample = make_sample(['a', 'b'], [[first[0] + 0.04, first[1]], [second[0], second[1] - 0.06]], [1.0, 1.0])
        assert head.loss(feats, [sample])['acc_pose'] == 0.5


def test_global_embedding_after_the_map_is_ignored():
    head, feature = make_head(), torch.randn(1, 32, 6, 4)
    with torch.no_grad():
        alone, followed = (
            head(feats, ask([['a']])).points[-1] for feats in ((feature,), (feature, torch.randn(1, 24)))
        )
    assert torch.equal(alone, followed)


def test_heatmap_between_cells_is_one_at_all_of_them():
    """A keypoint where four cells meet is equally near to each."""
    heatmap = make_head()._heatmaps(torch.tensor([[[31.5 / 64, 31.5 / 96]]]), torch.ones(1, 1), (6, 4))[0, 0]
    assert heatmap[1:3, 1:3].tolist() == pytest.approx(np.ones((2, 2)))
    assert heatmap[1, 0].item() == pytest.approx(math.exp(-(24**2 - 8**2) / 128), rel=1e-4)


def test_mean_weighs_instances_equally():
    """One instance with one keypoint of 4, one with two of 1 and 3, one with none: (4 + 2) / 2."""
    values = torch.tensor([[4.0, 9.0], [1.0, 3.0], [7.0, 7.0]])
    assert _mean(values, torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])).item() == pytest.approx(3)
    assert _mean(values, torch.zeros(3, 2)).item() == 0


def test_predict_gives_pixels_and_scores():
    head, feature = moved(make_head()), torch.randn(2, 32, 6, 4)
    samples = [make_sample(['nose', 'left eye', 'tail']), make_sample(['tail'])]
    with torch.no_grad():
        instances, fields = head.predict((feature,), samples, dict(output_score_maps=True))
        predictions = head((feature,), head.queries(samples, 2))
    assert [one.keypoints.shape for one in instances] == [(1, 3, 2), (1, 1, 2)]
    expected = predictions.points[-1].numpy() * [64, 96]
    assert np.allclose(instances[0].keypoints[0], expected[0])
    assert np.allclose(instances[1].keypoints[0], expected[1, :1])
    highest = 1 / (1 + np.exp(-predictions.similarity.numpy().max(axis=(2, 3))))
    assert np.allclose(instances[0].keypoint_scores[0], highest[0], atol=1e-6)
    assert np.allclose(instances[1].keypoint_scores[0], highest[1, :1], atol=1e-6)
    assert [tuple(field.score_maps.shape) for field in fields] == [(3, 6, 4), (1, 6, 4)]
    with torch.no_grad():
        cold = head.predict((feature,), samples, dict(temperature=0.5))
    odds = instances[0].keypoint_scores / (1 - instances[0].keypoint_scores)
    assert np.allclose(cold[0].keypoint_scores, odds**2 / (1 + odds**2), atol=1e-5)
    assert np.array_equal(cold[0].keypoints, instances[0].keypoints)


def test_flip_test_mirrors_positions_maps_and_names():
    head, feature, mirrored = moved(make_head()), torch.randn(1, 32, 6, 4), torch.randn(1, 32, 6, 4)
    sample = make_sample(['nose', 'left eye', 'right eye'])  # partners follow from the names
    with torch.no_grad():
        instances, fields = head.predict(
            ((feature,), (mirrored,)), [sample], dict(flip_test=True, output_score_maps=True)
        )
        one, other = (head((x,), head.queries([sample], 1)) for x in (feature, mirrored))
    position = other.points[-1][0].numpy() * [64, 96]
    position[:, 0] = 63 - position[:, 0]  # pixel 0 goes to pixel 63
    expected = (one.points[-1][0].numpy() * [64, 96] + position[[0, 2, 1]]) / 2
    assert np.allclose(instances[0].keypoints[0], expected, atol=1e-4)
    maps = (one.similarity.sigmoid()[0] + other.similarity.sigmoid()[0].flip(-1)[[0, 2, 1]]) / 2
    assert torch.allclose(fields[0].score_maps, maps, atol=1e-6)
    assert np.allclose(instances[0].keypoint_scores[0], maps.amax((1, 2)).numpy(), atol=1e-6)


def test_one_side_alone_is_not_mixed_with_the_other():
    """'left eye' without 'right eye': the mirrored image shows the right one."""
    head, feature, mirrored = moved(make_head()), torch.randn(1, 32, 6, 4), torch.randn(1, 32, 6, 4)
    sample = make_sample(['nose', 'left eye'])
    with torch.no_grad():
        both = head.predict(((feature,), (mirrored,)), [sample], dict(flip_test=True))[0]
        one = head.predict((feature,), [sample])[0]
    assert np.allclose(both.keypoints[0, 1], one.keypoints[0, 1]) and not np.allclose(
        both.keypoints[0, 0], one.keypoints[0, 0]
    )
    assert both.keypoint_scores[0, 1] == pytest.approx(one.keypoint_scores[0, 1])


def test_given_flip_indices_override_those_of_the_names():
    head, feats = moved(make_head()), ((torch.randn(1, 32, 6, 4),), (torch.randn(1, 32, 6, 4),))
    with torch.no_grad():
        swapped, kept = (
            head.predict(feats, [make_sample(['left a', 'right a'], flip_indices=partners)], dict(flip_test=True))[
                0
            ].keypoints
            for partners in ([1, 0], [0, 1])
        )
    assert np.abs(swapped - kept).max() > 1e-3


def test_any_number_of_keypoints():
    """300 texts, more than any data set has."""
    head = make_head()
    samples = [make_sample([f'point {i}' for i in range(300)]), make_sample(['nose'])]
    with torch.no_grad():
        instances = head.predict((torch.randn(2, 32, 6, 4),), samples)
    assert instances[0].keypoints.shape == (1, 300, 2) and np.isfinite(instances[0].keypoints).all()


def test_half_precision():
    head, feature = moved(make_head()), torch.randn(2, 32, 6, 4)
    samples = [make_sample(['a', 'b'], [[0.2, 0.3], [0.7, 0.9]], [1.0, 1.0]), make_sample(['b'], [[0.4, 0.1]], [1.0])]
    with torch.no_grad():
        full = head.loss((feature,), samples)
        with torch.autocast('cpu', torch.bfloat16):
            half = head.loss((feature.bfloat16(),), samples)
            instances = head.predict((feature.bfloat16(),), samples)
            predictions = head((feature.bfloat16(),), head.queries(samples, 2))
    assert {points.dtype for points in predictions.points} == {torch.float32}  # bfloat16 would round to whole pixels
    for name in full:
        assert half[name].item() == pytest.approx(full[name].item(), rel=0.05, abs=0.05)
    assert np.isfinite(instances[0].keypoints).all()


def test_all_but_the_frozen_text_encoder_gets_gradients():
    head = make_head().train()
    samples = [make_sample(['a', 'b'], [[0.2, 0.3], [0.7, 0.9]], [1.0, 1.0])]
    losses = head.loss((torch.randn(1, 32, 6, 4),), samples)
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    without = {name for name, parameter in head.named_parameters() if parameter.grad is None}
    assert without == {name for name, _ in head.named_parameters() if name.startswith('text_encoder.encoder.')} != set()


def test_trained_text_encoder_learns():
    head = make_head(text_encoder=dict(type='CLIPTextEncoder', arch=VIT, tune=True)).train()
    before = head.text_encoder.encoder.text.token_embedding.weight.detach().clone()
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    samples = [make_sample(['nose', 'tail'], [[0.2, 0.3], [0.7, 0.9]], [1.0, 1.0])]
    losses = head.loss((torch.randn(1, 32, 6, 4),), samples)
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    optimizer.step()
    changed = (
        (head.text_encoder.encoder.text.token_embedding.weight - before).abs().amax(dim=1).nonzero().flatten().tolist()
    )
    tokenizer = head.text_encoder.encoder.tokenizer
    expected = {tokenizer.sot_token_id, tokenizer.eot_token_id, *tokenizer.encode('nose'), *tokenizer.encode('tail')}
    assert set(changed) - {0} == expected  # 0 fills up shorter texts
    head.eval()
    with torch.no_grad():
        assert torch.allclose(head.text_encoder(['nose']), head.text_encoder.encoder(['nose']))


def test_names_of_the_head_are_the_default():
    head = make_head(names='AP10KDataset')
    with torch.no_grad():
        assert head((torch.randn(2, 32, 6, 4),)).points[-1].shape == (2, 17, 2)
    assert head.names[4] == 'root of tail'


@MODELS.register_module()
class MeanProposal(SimilarityProposal):
    """Starts from the mean over all cells instead of those around the maximum."""

    def forward(self, *inputs):
        similarity, mean, _ = super().forward(*inputs)
        return similarity, mean, mean


def test_layers_are_swapped_by_type():
    """An untrained decoder returns its start: the mean with this proposal, another point by default."""
    feats, queries = (torch.randn(1, 32, 6, 4),), ask([['nose', 'tail']])
    with torch.no_grad():
        proposal, *points = make_head(proposal='MeanProposal')(feats, queries).points
        default, *others = make_head()(feats, queries).points
    assert torch.allclose(points[-1], proposal, atol=1e-6) and not torch.allclose(others[-1], default, atol=1e-3)


def test_config_of_a_layer_wins_over_the_sizes_of_the_head():
    head = make_head(joint_encoder=dict(num_layers=3), graph_decoder=dict(type='GraphDecoder', graph=False))
    assert (len(head.joint_encoder.layers), len(head.graph_decoder.layers)) == (3, 2)
    assert head.graph_decoder.layers[0].neighbours is None
    assert head.joint_encoder.layers[0].attention.num_heads == 4


@pytest.mark.parametrize(
    'change, error',
    [
        (dict(width=30), 'multiple of 4'),
        (dict(width=36, num_heads=8), 'width=36 must be a multiple of 4 and of num_heads=8'),
        (dict(names=['nose', 'Nose']), 'must differ'),
        (dict(names=['']), 'not be empty'),
    ],
)
def test_unusable_settings(change, error):
    with pytest.raises(ValueError, match=error):
        make_head(**change)


def test_unusable_input():
    head = make_head()
    feats = (torch.randn(1, 32, 6, 4),)
    with pytest.raises(ValueError, match='has no keypoint names'):
        head.predict(feats, [make_sample([])])
    with pytest.raises(ValueError, match='has no keypoint names'):
        make_head(names=['tail']).predict((torch.randn(2, 32, 6, 4),), [make_sample(['a']), PoseDataSample()])
    with pytest.raises(ValueError, match='add GenerateTarget'):
        head.loss(feats, [make_sample(['a'])])
    with pytest.raises(ValueError, match='no keypoint_names and the head has no names'):
        head(feats)
    with pytest.raises(ValueError, match='3 keypoints and 2 names'):
        head.loss(feats, [make_sample(['a', 'b'], [[0.1, 0.1]] * 3, [1.0] * 3)])
    with pytest.raises(ValueError, match=r'16 channels.*in_channels=32'):
        head((torch.randn(1, 16, 6, 4),), ask([['a']]))


def _mean_of_a_process(rank, folder, values, weights):
    torch.save(_mean(values[rank::2], weights[rank::2]), folder / f'{rank}.pth')


def test_mean_over_two_processes(tmp_path):
    """The mean of both processes is that of one process with all five instances, one of them unlabeled."""
    values, weights = torch.rand(5, 3), torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
    run_in_two_processes(_mean_of_a_process, tmp_path, values, weights)
    results = [torch.load(tmp_path / f'{rank}.pth', weights_only=True).item() for rank in range(2)]
    assert np.mean(results) == pytest.approx(_mean(values, weights).item(), rel=1e-5)
