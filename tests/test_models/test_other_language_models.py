"""Mistral and Qwen in the place of LLaMA."""

import numpy as np
import pytest
import torch
from tiny_cape_llm import build, sample
from tiny_tokenizers import byte_level

SIZES = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
NAMES, POINTS = ['nose', 'left eye', 'tip of the tail'], [[0.2, 0.3], [0.7, 0.1], [0.5, 0.9]]


@pytest.fixture(scope='module')
def tokenizer(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp('other') / 'tokenizer', triples=False, start=False)


@pytest.mark.parametrize('answer', ['text', 'pointer'])
@pytest.mark.parametrize('kind', ['mistral', 'qwen2'])
def test_asked_and_trained_alike(tokenizer, kind, answer):
    """Together and alone, with LoRA on q and v, which in Qwen have a bias."""
    config = dict(model_type=kind, max_position_embeddings=512, **SIZES)
    head = build(tokenizer, dict(config=config, tune='lora'), answer=answer)
    feats, name = (torch.randn(1, 8, 4, 4),), head.answer.loss_name
    with torch.no_grad():
        (together,) = head.predict(feats, [sample(NAMES)])
        for i, keypoint in enumerate(NAMES):
            (alone,) = head.predict(feats, [sample([keypoint])])
            np.testing.assert_allclose(together.keypoints[0, i], alone.keypoints[0, 0], atol=1e-3)
    losses = [head.loss(feats, [sample(NAMES, None, POINTS, rounds)])[name] for rounds in (None, [0], [1], [2])]
    assert losses[0].item() == pytest.approx(float(sum(losses[1:])) / 3, rel=1e-5)
    losses[0].backward()
    trained = [key for key, weight in head.language_model.named_parameters() if weight.grad is not None]
    assert sum('q_proj.lora_B' in key for key in trained) == sum('v_proj.lora_B' in key for key in trained) == 2
