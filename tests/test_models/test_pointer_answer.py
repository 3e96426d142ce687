import pytest
import torch

from clamp_mmpose.models.layers.answers import PointerAnswer


def test_tokens_that_are_most_likely_together(monkeypatch):
    """Of 5 x 5 tokens, one has 0.4, and three side by side have 0.2 each: together they are the answer."""
    probabilities = torch.full((5, 5), 1e-9)
    probabilities[0, 0] = 0.4
    probabilities[3, 2:] = 0.2
    answer = PointerAnswer(width=8)
    monkeypatch.setattr(answer, 'logits', lambda states, image: probabilities.log().flatten()[None])
    found = answer(torch.zeros(1, 8), torch.zeros(1, 25, 8), (5, 5))
    assert found.points[0].tolist() == pytest.approx([3.5 / 5, 3.5 / 5], abs=1e-6)
    assert found.scores.tolist() == pytest.approx([0.6], abs=1e-6)
    assert found.heatmaps[0].flatten().tolist() == pytest.approx(probabilities.flatten().tolist(), abs=1e-6)


def test_one_token_at_the_border_is_its_center(monkeypatch):
    """The token in row 1, the last column of 3 x 4: x = 3.5 / 4, y = 1.5 / 3."""
    logits = torch.full((3, 4), -100.0)
    logits[1, 3] = 0
    answer = PointerAnswer(width=8)
    monkeypatch.setattr(answer, 'logits', lambda states, image: logits.flatten()[None])
    found = answer(torch.zeros(1, 8), torch.zeros(1, 12, 8), (3, 4))
    assert found.points[0].tolist() == pytest.approx([0.875, 0.5])
    assert found.scores.tolist() == pytest.approx([1.0])
