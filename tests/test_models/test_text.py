import open_clip
import pytest
import torch
from mmpose.registry import MODELS
from open_clip.model import CLIP
from tiny import NAMES, TEXT, VIT, build

from clamp_mmpose.models.layers import PromptEncoder, PromptLearner
from clamp_mmpose.models.text_encoders import CLIPTextEncoder


def encoder(arch=VIT) -> CLIPTextEncoder:
    return MODELS.build(dict(type='CLIPTextEncoder', arch=arch))


def test_frozen_through_training_and_optimizer():
    model = build()
    text = model.head.text_encoder
    assert len(list(text.parameters())) > 10 and not any(parameter.requires_grad for parameter in text.parameters())
    model.train()
    assert not any(module.training for module in text.modules())
    before = {name: value.clone() for name, value in text.state_dict().items()}
    prompts = text.encode(*model.head.prompt_learner(text))
    prompts.sum().backward()
    assert all(parameter.grad is None for parameter in text.parameters())
    gradient = model.head.prompt_learner.contexts.grad
    assert gradient is not None and gradient.abs().max() > 0  # it passes through to the contexts
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=1.0)
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in text.state_dict().items())


@torch.no_grad()
def test_padding_and_other_texts_do_not_matter():
    text = encoder()
    alone = text(['nose'])
    assert torch.allclose(text(['the base of a very long tail', 'nose'])[1:], alone, atol=1e-6)
    long = ' '.join(['tail'] * 22)  # 24 with start and end: just fits
    assert text([long]).shape == (1, 24)
    with pytest.raises(ValueError, match='text of 25 tokens with start and end; the tower reads up to 24'):
        text(['nose', long + ' tail'])


@torch.no_grad()
def test_prompt_of_given_contexts_is_a_sentence():
    """With the embeddings of 'a photo of a' as contexts, eq. 2 is the text 'a photo of a nose'."""
    text = encoder()
    learner = PromptLearner(['nose', 'left front paw'], text, num_contexts=4)
    tokens = torch.tensor(text.tokenize(['a photo of a'])[0])
    learner.contexts.copy_(text.text.token_embedding(tokens))
    prompts = text.encode(*learner(text))
    assert torch.allclose(prompts, text(['a photo of a nose', 'a photo of a left front paw']), atol=1e-6)
    assert torch.equal(learner.tokens[0], open_clip.tokenize(['nose'], 5)[0])


def test_encoders_without_token_embeddings_are_refused():
    with pytest.raises(ValueError, match=r'takes token embeddings, .*; Linear has no tokenize, special_tokens, embed_'):
        PromptLearner(['nose'], torch.nn.Linear(2, 2))


def test_bad_names():
    text = encoder()
    with pytest.raises(ValueError, match=r"must differ, got \['nose', 'nose'\]"):
        PromptLearner(['nose', 'nose'], text)
    with pytest.raises(ValueError, match=r"must not be empty, got ' ' in \['nose', ' '\]"):
        PromptLearner(['nose', ' '], text)
    fits = ' '.join(['tail'] * 14)  # 8 contexts, start and end leave 14 of 24
    PromptLearner([fits], text)
    with pytest.raises(ValueError, match='has 15 tokens; the text tower reads 24, which leaves 14 with 8 contexts'):
        PromptLearner([fits + ' tail'], text)


def test_architectures_that_do_not_read_clips_bpe():
    with pytest.raises(ValueError, match="vocab_size=100; CLIP's BPE needs 49408"):
        encoder(dict(VIT, text_cfg=dict(TEXT, vocab_size=100)))
    with pytest.raises(ValueError, match='is not a CLIP text transformer'):
        encoder('roberta-ViT-B-32')


@torch.no_grad()
def test_same_as_open_clip():
    text = encoder()
    clip = CLIP(VIT['embed_dim'], VIT['vision_cfg'], TEXT).eval()
    assert not clip.load_state_dict(text.text.state_dict(), strict=False).unexpected_keys
    expected = clip.encode_text(open_clip.tokenize(NAMES, 24))
    assert torch.allclose(text(NAMES), expected, atol=1e-6)


@torch.no_grad()
def test_prompt_encoder_ignores_the_order():
    layer = PromptEncoder(16, num_heads=4).eval()
    prompts = torch.randn(3, 16)
    encoded = layer(prompts)
    order = [2, 0, 1]
    assert torch.allclose(layer(prompts[order]), encoded[order], atol=1e-6)
    changed = prompts.clone()
    changed[2] += torch.randn(16)
    assert (layer(changed)[0] - encoded[0]).abs().max() > 1e-4


@torch.no_grad()
def test_long_texts_are_cut_and_keep_their_end_token():
    """As open_clip's tokenizer cuts: start, 22 tokens, end."""
    text = MODELS.build(dict(type='CLIPTextEncoder', arch=VIT, truncate=True))
    long = ' '.join(['eye'] * 40)
    assert text.count_tokens(['nose', long]) == [3, 42] and text.max_length == 24
    torch.manual_seed(0)
    clip = CLIP(**VIT).eval()
    own = text.text.state_dict()
    text.text.load_state_dict({name: value for name, value in clip.state_dict().items() if name in own})
    tokens = open_clip.SimpleTokenizer(context_length=24)([long])
    assert torch.allclose(text([long]), clip.encode_text(tokens), atol=1e-5)
