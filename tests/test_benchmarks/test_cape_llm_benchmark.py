import json

import numpy as np
import pytest
import torch

from benchmarks import cape_llm, run
from benchmarks.cape_llm import ask_as_published, build_model, sample_of, training, without_layers

TINY = dict(cape_llm.LANGUAGE_MODEL, hidden_size=36, intermediate_size=64, num_hidden_layers=2, vocab_size=600)
TINY_TOWER = dict(cape_llm.TOWER, hidden_size=12, num_hidden_layers=1, image_size=28)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(cape_llm, 'LANGUAGE_MODEL', TINY)
    monkeypatch.setattr(cape_llm, 'TOWER', TINY_TOWER)


def test_both_ways_write_the_same(monkeypatch):
    """In batches, padded on the left, and through the shared image."""
    monkeypatch.setattr(cape_llm, 'PUBLISHED_BATCH', 5)
    model, sample = build_model('frozen', decoding='published').eval(), sample_of(17)
    image = torch.rand(1, 3, 28, 28)
    written = []
    monkeypatch.setattr(
        'clamp_mmpose.models.language_models.published.PublishedTokens.read',
        lambda _, ids, probabilities: written.append(ids) or (0, 0, 0),
    )
    with torch.no_grad():
        model.head.predict(model.extract_feat(image), [sample])
    assert ask_as_published(model, image, sample).tolist() == written[:17]  # the rest is padding


def test_the_questions_are_as_long_as_with_smollm2():
    """Its own tokenizer needs 53 tokens on average for a person's keypoint and 62 for a face's."""
    head = build_model('frozen').head
    for keypoints, expected in ((17, 52.6), (68, 64.6)):
        (query,) = head.queries([sample_of(keypoints)], 1)
        texts = [f'\n{head.instruction.turns(query, k)[0].prompt}' for k in range(keypoints)]
        assert np.mean(list(map(len, head.tokens.tokenizer(texts)['input_ids']))) == pytest.approx(expected, abs=0.1)


def test_the_head_alone_does_all_but_the_layers():
    """Its loss is that of the given logits, and no layer of tower or language model runs."""
    model = without_layers(build_model('lora'))
    layers = [*model.backbone.model.modules(), *model.head.language_model.decoder.layers]
    for layer in layers:
        layer.register_forward_pre_hook(lambda *_: pytest.fail('a layer runs'))
    loss = model.loss(torch.rand(1, 3, 28, 28), [sample_of(17, range(8))])['loss_text']
    loss.backward()
    assert np.log(600) - 1 < loss.item() < np.log(600) + 1
    assert model.head.projector.linear.weight.grad is not None


def test_training_by_hand(monkeypatch):
    steps = []
    monkeypatch.setattr(cape_llm, 'train_on', lambda model, image, samples: (model, samples[0].rounds))
    monkeypatch.setattr(cape_llm, 'alternate', lambda functions, *_, **__: steps.extend(functions) or [None] * 4)
    training(3)
    assert [model.head.rounds_mask for model, _ in steps] == ['isolated', 'chained', 'isolated', 'isolated']
    assert [len(rounds) for _, rounds in steps] == [8, 8, 1, 8]


def test_commands(tmp_path, capsys):
    for kind in ('asking', 'training'):
        run.main([f'cape-{kind}', '--pairs', '3', '--json', str(tmp_path / f'{kind}.json')])
    asking, trained = (json.loads((tmp_path / f'{kind}.json').read_text()) for kind in ('asking', 'training'))
    assert (asking['keypoints'], asking['runs'], asking['threads']) == (17, 3, 1)
    assert asking['ratio'] == asking['published_ms'] / asking['median_ms']
    assert trained['isolated_ratio'] == trained['isolated_ms'] / trained['chained_ms']
    assert trained['keypoints_ratio'] == 8 * trained['single_ms'] / trained['isolated_ms']
    assert trained['head_share'] == trained['head_alone_ms'] / trained['isolated_ms']
    assert f'{asking["ratio"]:.2f} times' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run.main(['cape-asking', '--pairs', '2'])


def test_memory():
    """In this process, since another one would build the large model."""
    assert 0 <= cape_llm._asking_memory(8, 17) < 1000
