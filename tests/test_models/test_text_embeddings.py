"""Each text is embedded once."""

import pytest
import torch
from mmpose.registry import MODELS
from tiny import VIT

from clamp_mmpose.models.text_encoders import TextEmbeddings


def encoder(seed=0, **kwargs):
    torch.manual_seed(seed)
    return MODELS.build(dict(type='CLIPTextEncoder', arch=VIT, **kwargs))


def count_calls(module):
    texts = []
    module.register_forward_pre_hook(lambda _, args: texts.extend(args[0]))
    return texts


def test_each_text_once():
    embeddings = TextEmbeddings(encoder())
    seen = count_calls(embeddings.encoder)
    first = embeddings(['nose', 'left eye', 'nose'])
    again = embeddings(['tail', 'left eye'])
    assert seen == ['nose', 'left eye', 'tail']
    assert torch.equal(first[0], first[2]) and torch.equal(again[1], first[1])
    with torch.no_grad():
        assert torch.allclose(
            torch.stack([first[0], first[1], again[0]]), embeddings.encoder(['nose', 'left eye', 'tail']), atol=1e-6
        )
    assert not first.requires_grad


def test_many_texts_are_encoded_in_chunks(monkeypatch):
    monkeypatch.setattr('clamp_mmpose.models.text_encoders.text_embeddings.CHUNK', 2)
    embeddings, sizes = TextEmbeddings(encoder()), []
    embeddings.encoder.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    texts = ['nose', 'tail', 'left eye', 'nose', 'hip', 'right eye']
    found = embeddings(texts)
    assert sizes == [2, 2, 1]
    for row, text in zip(found, texts):
        with torch.no_grad():
            assert torch.allclose(row, embeddings.encoder([text])[0], atol=1e-6)


def test_loading_weights_and_moving_clear_the_cache():
    embeddings = TextEmbeddings(encoder())
    first = embeddings(['nose'])
    embeddings.load_state_dict(TextEmbeddings(encoder(seed=1)).state_dict())
    second = embeddings(['nose'])
    assert not torch.allclose(first, second)
    with torch.no_grad():
        assert torch.allclose(second, encoder(seed=1)(['nose']), atol=1e-6)
    embeddings.double()
    seen = count_calls(embeddings.encoder)
    embeddings(['nose'])
    assert seen == ['nose']


def test_frozen_text_stays_cached_in_training():
    embeddings = TextEmbeddings(encoder())
    seen = count_calls(embeddings.encoder)
    for mode in (True, False, True):
        embeddings.train(mode)(['nose'])
    assert seen == ['nose']


def test_trained_text_is_cached_in_eval_mode_only():
    embeddings = TextEmbeddings(encoder(tune=True)).train()
    seen = count_calls(embeddings.encoder)
    assert embeddings(['nose']).requires_grad and embeddings(['nose']).requires_grad
    embeddings.eval()
    with torch.no_grad():
        first = embeddings(['nose'])
        assert torch.equal(embeddings(['nose']), first)
    assert seen == ['nose'] * 3
    embeddings.train()
    with torch.no_grad():
        for parameter in embeddings.parameters():
            parameter.add_(0.1)
        assert not torch.allclose(embeddings.eval()(['nose']), first)


@pytest.mark.parametrize('training', [False, True])
def test_a_change_of_the_frozen_encoder_is_seen(training):
    embeddings = TextEmbeddings(encoder()).train(training)
    first = embeddings(['nose'])
    embeddings.encoder.load_state_dict(encoder(seed=1).state_dict())  # past the wrapper
    second = embeddings(['nose'])
    with torch.no_grad():
        assert not torch.allclose(first, second)
        assert torch.allclose(second, encoder(seed=1)(['nose']), atol=1e-6)


def test_values_written_through_data_are_seen_in_eval_mode():
    embeddings = TextEmbeddings(encoder())
    first = embeddings(['nose'])
    embeddings.encoder.text.ln_final.weight.data.mul_(2)
    assert not torch.allclose(embeddings.eval()(['nose']), first)


def test_texts_kept_in_inference_mode_can_be_trained_with():
    embeddings = TextEmbeddings(encoder())
    with torch.inference_mode():
        first = embeddings(['nose', 'tail']).clone()
    for texts in (['tail', 'nose'], ['nose']):
        found = embeddings.train()(texts)
        weight = torch.ones(embeddings.embed_dims, requires_grad=True)
        (found @ weight).sum().backward()
        assert torch.allclose(weight.grad, found.sum(0))
    assert torch.equal(found, first[:1]) and not embeddings.remember(['tail'])['tail'].is_inference()


class CountingEncoder(torch.nn.Module):
    """The embedding of a text is its number."""

    embed_dims, tune = 1, False

    def __init__(self):
        super().__init__()
        self.encoded = []

    def forward(self, texts):
        self.encoded += texts
        return torch.tensor([[float(text)] for text in texts])


def test_kept_texts_are_bounded(monkeypatch):
    """10,000 different texts, one by one: at most twice KEPT are kept, each as a tensor of its own, none is copied."""
    monkeypatch.setattr('clamp_mmpose.models.text_encoders.text_embeddings.KEPT', 100)
    embeddings = TextEmbeddings(CountingEncoder())
    stacked = []
    stack = torch.stack
    monkeypatch.setattr(torch, 'stack', lambda rows: stacked.append(len(rows)) or stack(rows))
    most = 0
    for i in range(10_000):
        assert embeddings([str(i), '0']).tolist() == [[i], [0]]
        most = max(most, len({**embeddings._kept[1], **embeddings._kept[2]}))
    assert most == 199 and set(stacked) == {2}  # 100 and 100, with '0' in both
    assert embeddings.encoder.encoded == [str(i) for i in range(10_000)]  # '0' was in use all the time
    embeddings(['9950', '9900', '9000'])
    assert embeddings.encoder.encoded[10_000:] == ['9000']
    assert all(row.untyped_storage().nbytes() == 4 for row in embeddings._kept[1].values())


def test_a_call_with_more_texts_than_are_kept(monkeypatch):
    monkeypatch.setattr('clamp_mmpose.models.text_encoders.text_embeddings.KEPT', 10)
    embeddings = TextEmbeddings(CountingEncoder())
    texts = [str(i) for i in range(300)]
    assert embeddings(texts).flatten().tolist() == list(range(300))
    assert len(embeddings._kept[1]) + len(embeddings._kept[2]) <= 20
    assert all(row.untyped_storage().nbytes() == 4 for row in embeddings._kept[1].values())


def test_words_kept_by_the_tokenizer_are_bounded(monkeypatch):
    tokenizer = encoder().tokenizer
    before = len(tokenizer.cache)
    monkeypatch.setattr('clamp_mmpose.models.text_encoders.clip_text_encoder.WORDS', before + 5)
    words = [f'unheard{"x" * i}of' for i in range(20)]
    first = [tokenizer.encode(word) for word in words]
    assert len(tokenizer.cache) <= before + 5
    assert [tokenizer.encode(word) for word in words] == first and len({tuple(ids) for ids in first}) == 20
