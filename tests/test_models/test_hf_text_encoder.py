"""HFTextEncoder with a tiny random BERT saved by transformers."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from safetensors.torch import load_file, save_file
from tiny import build as build_clamp
from tiny import model_config, samples
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, BertTokenizerFast, T5Config, T5Model

from clamp_mmpose.apis.export import bake
from clamp_mmpose.models.layers import PromptLearner
from clamp_mmpose.models.text_encoders.hf_text_encoder import _encoder_of

WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'left', 'right', 'eye', 'nose', 'tail', 'base', 'of']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('bert')
    (path / 'vocab.txt').write_text('\n'.join(WORDS))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    BertModel(config).eval().save_pretrained(path)
    BertTokenizerFast(vocab=str(path / 'vocab.txt'), vocab_file=str(path / 'vocab.txt')).save_pretrained(path)
    return path


def build(folder, **kwargs):
    encoder = MODELS.build(dict(type='HFTextEncoder', model=str(folder), **kwargs))
    encoder.init_weights()
    return encoder


def pretrained(folder):
    return dict(type='Pretrained', checkpoint=str(folder))


@pytest.mark.parametrize('pooling', ['mean', 'cls', 'eos'])
def test_as_transformers_one_text_at_a_time(folder, pooling):
    encoder = build(folder, pooling=pooling, init_cfg=pretrained(folder))
    reference, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts = ['left eye', 'base of tail', 'nose']
    embeddings = encoder(texts)
    for text, embedding in zip(texts, embeddings):
        with torch.no_grad():
            hidden = reference(**tokenizer(text, return_tensors='pt')).last_hidden_state[0]
        assert len(hidden) == len(text.split()) + 2
        expected = dict(mean=hidden.mean(dim=0), cls=hidden[0], eos=hidden[-1])[pooling]
        assert torch.allclose(embedding, expected, atol=1e-6)
    assert embeddings.shape == (3, encoder.embed_dims)


@pytest.mark.parametrize('side', ['left', 'right'])
@pytest.mark.parametrize('pooling', ['mean', 'cls', 'eos'])
def test_pooling_with_padding_on_either_side(folder, pooling, side):
    """'nose' has 3 tokens of 5, 'base of tail' has all."""
    encoder = build(folder, pooling=pooling, init_cfg=pretrained(folder))
    encoder.tokenizer.padding_side = side
    texts = ['nose', 'base of tail']
    tokens = encoder.tokenizer(texts, padding=True, return_tensors='pt')
    with torch.no_grad():
        hidden = encoder.text(**tokens).last_hidden_state
    own = hidden[0, 2:] if side == 'left' else hidden[0, :3]
    expected = [dict(mean=rows.mean(dim=0), cls=rows[0], eos=rows[-1])[pooling] for rows in (own, hidden[1])]
    assert torch.allclose(encoder(texts), torch.stack(expected), atol=1e-6)


def test_frozen_or_trained(folder):
    frozen = build(folder, init_cfg=pretrained(folder)).train()
    assert list(frozen.parameters()) and not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not frozen.training and not frozen.text.training
    assert not frozen(['nose']).requires_grad
    trained = build(folder, init_cfg=pretrained(folder), tune=True).train()
    trained(['nose']).square().sum().backward()
    assert not [name for name, parameter in trained.named_parameters() if parameter.grad is None]
    assert set(frozen.state_dict()) >= set(dict(trained.named_parameters()))


def test_head_loads_the_pretrained_text(folder):
    """As at the start of training: the weights are loaded by the model's init_weights."""
    torch.manual_seed(7)
    head = MODELS.build(
        dict(
            type='TextQueryHead',
            in_channels=8,
            width=16,
            num_heads=2,
            decoder=dict(type='RegressionLabel', input_size=(64, 64)),
            text_encoder=dict(type='HFTextEncoder', model=str(folder), init_cfg=pretrained(folder)),
        )
    )
    expected = AutoModel.from_pretrained(folder).state_dict()
    weights = head.text_encoder.encoder.text.state_dict()
    assert not torch.equal(
        weights['encoder.layer.0.output.dense.weight'], expected['encoder.layer.0.output.dense.weight']
    )
    head.init_weights()
    assert all(
        torch.equal(value, expected[name]) for name, value in head.text_encoder.encoder.text.state_dict().items()
    )


def test_half_precision_files_are_used_in_full(folder, tmp_path):
    BertModel.from_pretrained(folder).half().save_pretrained(tmp_path)
    for path in folder.iterdir():
        if path.name not in ('config.json', 'model.safetensors'):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    encoder = build(tmp_path, init_cfg=pretrained(tmp_path), tune=True)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    encoder(['nose']).sum().backward()
    assert torch.allclose(encoder.eval()(['nose']), build(folder, init_cfg=pretrained(folder))(['nose']), atol=5e-3)


def test_only_the_encoder_of_an_encoder_decoder_is_kept():
    model = T5Model(T5Config(vocab_size=12, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    assert _encoder_of(model) is model.encoder


def test_without_weights_it_is_random(folder):
    torch.manual_seed(3)
    assert not torch.allclose(build(folder)(['nose']), build(folder, init_cfg=pretrained(folder))(['nose']))


def test_too_long(folder):
    with pytest.raises(ValueError, match=r'text of 17 tokens.*reads up to 16'):
        build(folder)(['left ' * 15])


def test_offline(tmp_path, monkeypatch):
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)  # without it, minutes of retries
    with pytest.raises(ValueError, match='Without internet, download the model elsewhere'):
        MODELS.build(dict(type='HFTextEncoder', model='someone/a-missing-model'))
    with pytest.raises(ValueError, match='give its folder'):
        MODELS.build(dict(type='HFTextEncoder', model=str(tmp_path / 'nothing')))


def test_code_of_the_model_is_not_run(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / 'config.json').read_text())
    config.update(model_type='mine', auto_map=dict(AutoConfig='evil.Config', AutoModel='evil.Model'))
    (tmp_path / 'config.json').write_text(json.dumps(config))
    (tmp_path / 'evil.py').write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ValueError, match='need their own code are not loaded'):
        MODELS.build(dict(type='HFTextEncoder', model=str(tmp_path)))
    assert not (tmp_path / 'ran').exists()


def test_pickled_weights_are_not_read(folder, tmp_path):
    for path in folder.iterdir():
        if path.suffix != '.safetensors':
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save(BertModel.from_pretrained(folder).state_dict(), tmp_path / 'pytorch_model.bin')
    with pytest.raises(ValueError, match='no safetensors weights'):
        build(folder, init_cfg=pretrained(tmp_path))


def test_weights_of_another_model(folder, tmp_path):
    config = BertConfig.from_pretrained(folder)
    config.hidden_size = 32
    BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match='does not fit'):
        build(folder, init_cfg=pretrained(tmp_path))


def test_half_of_the_weights_is_not_enough(folder, tmp_path):
    """transformers itself fills them with random numbers and only warns."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights, name = load_file(tmp_path / 'model.safetensors'), 'encoder.layer.1.output.dense.weight'
    del weights[name]
    save_file(weights, tmp_path / 'model.safetensors', {'format': 'pt'})
    with pytest.raises(ValueError, match=rf"does not fit .*: 1 of \d+ weights are missing \['{name}'\]"):
        build(folder, init_cfg=pretrained(tmp_path))


def test_unknown_pooling(folder):
    with pytest.raises(ValueError, match="pooling='max', expected one of"):
        build(folder, pooling='max')


def test_half_precision_gives_the_same(folder):
    encoder = build(folder, init_cfg=pretrained(folder))
    full = encoder(['left eye'])
    with torch.autocast('cpu', torch.bfloat16):
        assert np.array_equal(encoder(['left eye']).numpy(), full.numpy())


def test_last_token_wherever_the_tokenizer_pads(folder):
    encoder = build(folder, pooling='eos', init_cfg=pretrained(folder))
    texts = ['left eye', 'nose']
    expected = encoder(texts)
    encoder.tokenizer.padding_side = 'left'
    shorter = encoder.tokenizer(texts, padding=True)['attention_mask'][1]
    assert shorter[0] == 0  # padded in front: its positions differ, its last token is still at the end
    left = encoder(texts)
    assert torch.allclose(left[0], expected[0], atol=1e-6) and not torch.allclose(left[1], left[0])


def test_long_texts_are_cut(folder):
    long, room = ' '.join(['eye'] * 30), 16
    encoder = build(folder, init_cfg=pretrained(folder), truncate=True)
    assert encoder.count_tokens(['nose', long]) == [3, 32] and encoder.max_length == room
    cut = ' '.join(['eye'] * (room - 2))
    assert torch.allclose(encoder([long, 'nose']), encoder([cut, 'nose']), atol=1e-6)
    with pytest.raises(ValueError, match='text of 32 tokens'):
        build(folder)([long])


@pytest.mark.parametrize('pooling', ['mean', 'cls', 'eos'])
def test_prompt_of_given_contexts_is_a_sentence(folder, pooling):
    """With the embeddings of 'base of' as contexts, prompts are texts; names of other lengths do not matter."""
    encoder = build(folder, pooling=pooling, init_cfg=pretrained(folder)).train()
    learner = PromptLearner(['nose', 'left eye of tail'], encoder, num_contexts=2)
    assert learner.tokens.tolist() == [[2, 8, 3, 0, 0, 0], [2, 5, 7, 11, 9, 3]]  # [CLS] nose [SEP] [PAD] ...
    with torch.no_grad():
        learner.contexts.copy_(encoder.embed_tokens(torch.tensor(encoder.tokenize(['base of'])[0])))
    with torch.autocast('cpu', torch.bfloat16):
        prompts = encoder.encode(*learner(encoder))
    torch.testing.assert_close(prompts, encoder(['base of nose', 'base of left eye of tail']), atol=1e-6, rtol=0)
    prompts.square().sum().backward()
    assert learner.contexts.grad.abs().max() > 0  # through the frozen encoder
    assert all(parameter.grad is None for parameter in encoder.parameters())
    with pytest.raises(ValueError, match='has 13 tokens; the text tower reads 16, which leaves 12 with 2 contexts'):
        learner.set_names(['eye ' * 13], encoder)


def test_clamp_trains_with_it(folder):
    """No CLIP: a tower of timm, a learned projection, and this encoder; and the prompts can be baked in."""
    parts = dict(
        backbone=dict(type='TIMMBackbone', model_name='resnet10t', out_indices=(3,)),
        in_channels=256,
        project=True,
        text_encoder=dict(type='HFTextEncoder', model=str(folder), init_cfg=pretrained(folder)),
    )
    model = build_clamp(**parts)
    model.head.init_weights()
    before = model.head.text_encoder(['nose'])
    losses = model.train().loss(torch.rand(2, 3, 64, 64), samples(2, 5))
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert 'head.prompt_learner.contexts' in trained and 'head.projection.weight' in trained
    without = {name for name, _ in model.named_parameters()} - trained
    assert all(name.startswith('head.text_encoder.') for name in without)
    torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=1.0).step()
    assert torch.equal(model.head.text_encoder(['nose']), before)

    cfg, baked = bake(Config(dict(model=model_config(**parts))), model.eval())
    image = torch.rand(1, 3, 64, 64)
    assert 'text_encoder' not in cfg.model.head and not hasattr(baked.head, 'text_encoder')
    with torch.no_grad():
        assert torch.equal(baked(image, None, mode='tensor'), model(image, None, mode='tensor'))
