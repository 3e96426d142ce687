"""Points and scores that CapeLLM's answers give for probabilities, by hand."""

from math import exp, log

import pytest
import torch
import torch.nn.functional as F

from clamp_mmpose.models.layers.answers import BinsAnswer, PointerAnswer, TextAnswer, TokenAnswer

STATES = torch.randn(1, 4)


def near(*values):
    return pytest.approx(values, abs=1e-5)


def distribution(number, **probabilities):
    values = torch.full((number,), 1e-12)
    for place, value in probabilities.items():
        values[int(place[1:])] = value
    return values


def bins(x, y, **arguments):
    """An answer with these probabilities, whatever the states."""
    answer = BinsAnswer(4, num_bins=len(x), **arguments)
    answer.classify.weight.data.zero_()
    answer.classify.bias.data = torch.cat([x, y]).log()
    return answer


@pytest.mark.parametrize('coordinates', ['expectation', 'greedy'])
def test_bins(coordinates):
    """40 bins: the bins up to 2 from the best one are within 0.05; their centers are (i + 0.5) / 40."""
    x, y = distribution(40, _10=0.5, _12=0.3, _13=0.1, _30=0.1), distribution(40, _0=0.7, _1=0.3)
    found = bins(x, y, coordinates=coordinates)(STATES, STATES[None], (1, 1))
    expected = ((0.5 * 0.2625 + 0.3 * 0.3125) / 0.8, 0.7 * 0.0125 + 0.3 * 0.0375)
    assert found.points[0].tolist() == near(*(expected if coordinates == 'expectation' else (0.2625, 0.0125)))
    assert found.scores.tolist() == near(0.8)
    assert found.heatmaps is None


def test_soft_labels_of_bins():
    """3 bins; x is the center of the first, y that of the second; the distance to a neighbor is 1 / sigma."""
    logits = torch.tensor([0.0, 1, 2])
    x, y = logits.softmax(0), torch.full((3,), 1 / 3)
    total = log(1 + exp(1) + exp(2))
    for sigma in (1.0, 2.0):
        near_one, far_one = exp(-0.5 / sigma**2), exp(-2 / sigma**2)
        expected = total - (near_one + 2 * far_one) / (1 + near_one + far_one) + log(3)
        loss = bins(x, y, sigma=sigma).loss(STATES, STATES[None], (1, 1), torch.tensor([[1 / 6, 0.5]]))
        assert loss.tolist() == near(expected)


def test_defaults_of_bins():
    answer = BinsAnswer(4)
    assert answer.logits(STATES).shape == (1, 2, 64)
    best = answer.logits(STATES)[0].argmax(dim=-1)
    found = answer(STATES, STATES[None], (1, 1)).points[0]
    assert ((found - (best + 0.5) / 64).abs() < 0.05).all()


@pytest.fixture
def pointer(monkeypatch):
    """An answer with this heatmap ``[h, w]``, whatever the states."""

    def build(heatmap, **arguments):
        answer = PointerAnswer(4, **arguments)
        monkeypatch.setattr(answer, 'logits', lambda states, image: heatmap.log().flatten()[None], raising=True)
        return answer

    return build


@pytest.mark.parametrize(
    'heatmap, point, score',
    [
        # 3 x 5; what is first in the next row is far from the last column
        (
            [[0.05, 0, 0, 0.2, 0.4], [0.05, 0, 0, 0.1, 0.1], [0, 0, 0, 0, 0.1]],
            ((0.3 * 3.5 + 0.6 * 4.5) / 0.9 / 5, (0.6 * 0.5 + 0.2 * 1.5 + 0.1 * 2.5) / 0.9 / 3),
            0.9,
        ),
        # 2 x 4; the first three columns
        (
            [[0, 0.1, 0.1, 0.2], [0.5, 0, 0.1, 0]],
            ((0.5 * 0.5 + 0.1 * 1.5 + 0.2 * 2.5) / 0.8 / 4, (0.2 * 0.5 + 0.6 * 1.5) / 0.8 / 2),
            0.8,
        ),
        # 5 x 3; the three rows in the middle
        (
            [[0.05, 0, 0], [0, 0.1, 0], [0, 0.5, 0.1], [0, 0, 0.2], [0, 0.05, 0]],
            ((0.6 * 1.5 + 0.3 * 2.5) / 0.9 / 3, (0.1 * 1.5 + 0.6 * 2.5 + 0.2 * 3.5) / 0.9 / 5),
            0.9,
        ),
        ([[1.0]], (0.5, 0.5), 1),
    ],
)
def test_pointer(pointer, heatmap, point, score):
    heatmap = torch.tensor(heatmap)
    found = pointer(heatmap)(STATES, torch.randn(1, heatmap.numel(), 4), tuple(heatmap.shape))
    assert found.points[0].tolist() == near(*point)
    assert found.scores.tolist() == near(score)
    torch.testing.assert_close(found.heatmaps, heatmap[None])


@pytest.mark.parametrize('sigma', [0.6, 1.2])
def test_target_of_the_pointer(pointer, sigma):
    """2 x 3 tokens; the point is the center of the token in row 1 and column 2."""
    heatmap = torch.tensor([[0.1, 0.1, 0.2], [0.1, 0.3, 0.2]])
    weights = [exp(-squared / (2 * sigma**2)) for squared in (5, 2, 1, 4, 1, 0)]
    expected = -sum(weight * log(p) for weight, p in zip(weights, heatmap.flatten().tolist())) / sum(weights)
    arguments = {} if sigma == 0.6 else dict(sigma=sigma)
    answer = pointer(heatmap, **arguments)
    loss = answer.loss(STATES, torch.randn(1, 6, 4), (2, 3), torch.tensor([[2.5 / 3, 1.5 / 2]]))
    assert loss.tolist() == near(expected)


def test_attention_of_the_pointer():
    """As transformers attend: q k / sqrt(d), behind norms of both."""
    answer, image = PointerAnswer(4, dims=9), torch.randn(2, 3, 4)
    states = torch.randn(2, 4)
    query, keys = answer.query(F.layer_norm(states, (4,))), answer.key(F.layer_norm(image, (4,)))
    expected = torch.einsum('nd,ntd->nt', query, keys) / 3
    torch.testing.assert_close(answer.logits(states, image), expected)
    assert PointerAnswer(4).query.out_features == 128


def token(center, scale):
    """An answer with this center and scale of x and y before they are made positive."""
    answer = TokenAnswer(4)
    answer.layers[-1].weight.data.zero_()
    answer.layers[-1].bias.data = torch.tensor([*center, *scale])
    return answer


def test_token():
    """A Laplace distribution with scale b has the mass 1 - exp(-r / b) within r of its center."""
    answer = token((0.0, log(3)), (0.0, log(exp(1) - 1)))  # softplus: log 2 and 1
    scales = log(2) / 10 + 0.001, 0.101
    found = answer(STATES, STATES[None], (1, 1))
    assert found.points[0].tolist() == near(0.5, 0.75)
    assert found.scores.tolist() == near((1 - exp(-0.05 / scales[0])) * (1 - exp(-0.05 / scales[1])))
    loss = answer.loss(STATES, STATES[None], (1, 1), torch.tensor([[0.6, 0.7]]))
    # minus the logarithm of the density, exp(-distance / b) / 2b
    assert loss.tolist() == near(0.1 / scales[0] + log(2 * scales[0]) + 0.05 / scales[1] + log(2 * scales[1]))


@pytest.mark.parametrize('coordinates', ['expectation', 'greedy'])
def test_text_of_three_digit_tokens(coordinates):
    """.249 is within .05 of .199, and .250 is not."""
    x = distribution(1000, _199=0.5, _200=0.3, _240=0.1, _249=0.05, _250=0.05)
    found = TextAnswer(4, coordinates)([x[None], distribution(1000, _999=1.0)[None]])
    expected = ((0.5 * 0.199 + 0.3 * 0.2 + 0.1 * 0.24 + 0.05 * 0.249) / 0.95, 0.999)
    assert found.points[0].tolist() == near(*(expected if coordinates == 'expectation' else (0.199, 0.999)))
    assert found.scores.tolist() == near(0.95)


@pytest.mark.parametrize('coordinates', ['expectation', 'greedy'])
def test_text_of_single_digits(coordinates):
    """.199 is written. The digits behind another first one are not known: .200 to .299 have 0.4 / 100 each, of which
    .200 to .249 are near; 0.3 of the 0.6 for .1 is .100 to .109, which is not.
    """
    x = [distribution(10, _1=0.6, _2=0.4), distribution(10, _9=0.7, _0=0.3), distribution(10, _9=1.0)]
    y = [distribution(10, _0=1.0)] * 3
    found = TextAnswer(4, coordinates)([digit[None] for digit in x + y])
    expected = ((0.42 * 0.199 + 50 * 0.004 * 0.2245) / 0.62, 0)
    assert found.points[0].tolist() == near(*(expected if coordinates == 'expectation' else (0.199, 0)))
    assert found.scores.tolist() == near(0.62)


def test_expectation_is_the_default():
    assert TextAnswer(4).coordinates == BinsAnswer(4).coordinates == 'expectation'


@pytest.mark.parametrize('kind', [TextAnswer, BinsAnswer])
def test_unknown_coordinates(kind):
    with pytest.raises(ValueError, match="coordinates='mean', expected one of 'expectation', 'greedy'"):
        kind(4, coordinates='mean')
