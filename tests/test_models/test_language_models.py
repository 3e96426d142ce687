"""Tokens of any tokenizer, and language models that cannot be used."""

import json
import threading

import gguf
import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from tiny_tokenizers import adds, byte_level, changed, sentence_piece, with_token
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from clamp_mmpose.models.language_models.packing import SHARED, Reader, Row, attention, pack
from clamp_mmpose.models.language_models.published import PublishedTokens
from clamp_mmpose.models.language_models.text_tokens import AnswerTokens, TextTokens

LLAMA = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
TEXTS = ['It’s left 😀 左眼', 'tip </s> of <s>', ' <unk> {name}', '12.5 cm', '\nUser: a', 'a  b']


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return tmp_path_factory.mktemp('tokenizers')


@pytest.fixture(scope='module')
def digits(root):
    """No start; the end is padding too."""
    return byte_level(root / 'digits', triples=False, start=False)


@pytest.fixture(scope='module')
def folders(root, digits):
    return dict(
        digits=digits,
        triples=byte_level(root / 'triples', triples=True, start=True),
        pieces=sentence_piece(root / 'pieces'),
        both=changed(digits, root / 'both', adds('<s>', '$A', '</s>'), bos_token='<s>'),
        end=changed(digits, root / 'end', adds('$A', '</s>'), pad_token=None),
        short=changed(digits, root / 'short', _truncates),
    )


def _truncates(content):
    content['truncation'] = dict(direction='Right', max_length=4, strategy='LongestFirst', stride=0)
    content['padding'] = dict(
        strategy=dict(Fixed=9), direction='Left', pad_to_multiple_of=None, pad_id=1, pad_type_id=0, pad_token='</s>'
    )


def text_tokens(folder):
    return TextTokens(AutoTokenizer.from_pretrained(folder), 'model')


@pytest.mark.parametrize('kind', ['digits', 'triples', 'pieces', 'both', 'end', 'short'])
def test_texts_and_answers_of_any_tokenizer(folders, kind):
    """Texts continue each other without special tokens, whatever is written in them, and are never cut."""
    tokens = text_tokens(folders[kind])
    assert tokens.start == ([0] if kind in ('triples', 'both') else [])
    assert tokens.tokenizer.convert_ids_to_tokens(tokens.end) == '</s>'
    long = [*TEXTS, 'abc ' * 100 + 'z']
    ids = [tokens.encode(text) for text in long]
    assert not {*sum(ids, ())} & {*tokens.tokenizer.all_special_ids}
    for i in range(1, len(long)):
        assert tokens.tokenizer.decode(ids[0] + ids[i], clean_up_tokenization_spaces=False) == long[0] + long[i]
    answers = AnswerTokens(tokens)
    assert answers.steps == (1 if kind == 'triples' else 3)
    for point, text in [
        ((0.1234, 0.5), '[0.123,0.500]'),
        ((0, 1), '[0.000,0.999]'),
        ((0.9996, 0.0994), '[0.999,0.099]'),
        ((-0.0004, 1.01), '[0.000,0.999]'),  # slightly outside
    ]:
        written = answers.answer(*point)
        assert written[-1] == tokens.end
        assert tokens.tokenizer.decode(written[:-1], clean_up_tokenization_spaces=False).strip() == text
        assert len(written) == len(answers.answer(0, 0))


def test_start_of_sentence_pieces(root, folders):
    assert TextTokens(AutoTokenizer.from_pretrained(folders['pieces'], add_bos_token=True)).start == [1]


def test_one_tokenizer_in_four_threads(folders):
    tokens, alone = text_tokens(folders['triples']), text_tokens(folders['triples'])
    texts = [[f'{text} {i} {j}' for j in range(60) for text in TEXTS] for i in range(4)]
    expected = [[alone.encode(text) for text in own] for own in texts]
    found = [None] * 4

    def run(i):
        found[i] = [tokens.encode(text) for text in texts[i]]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_known_texts_are_bounded(digits, monkeypatch):
    monkeypatch.setattr('clamp_mmpose.models.language_models.text_tokens.MAX_KNOWN', 3)
    tokens = text_tokens(digits)
    first = [tokens.encode(text) for text in TEXTS]
    assert len(tokens.known) == 3
    assert [tokens.encode(text) for text in TEXTS] == first
    assert tokens.encode(TEXTS[-1]) is tokens.known[TEXTS[-1]]


def test_tokenizers_that_cannot_serve(root, digits):
    without = changed(digits, root / 'without', eos_token=None, pad_token=None)
    with pytest.raises(ValueError, match=r'^model has no end-of-text token, .* set eos_token in its files'):
        text_tokens(without)
    several = changed(
        digits,
        root / 'several',
        lambda content: content.update(normalizer=dict(type='Replace', pattern=dict(Regex=r'\d'), content='zz')),
    )
    with pytest.raises(ValueError, match=r"no single token for each digit \(0 becomes .*answer='bins' or 'pointer'"):
        AnswerTokens(text_tokens(several))
    assert build(several).embed_dims == 16  # it serves for other answers


def test_tokenizers_that_end_texts_at_a_name(digits):
    """transformers before 4.42 ignores split_special_tokens."""
    tokenizer = AutoTokenizer.from_pretrained(digits)

    def ignoring(text, add_special_tokens, split_special_tokens=False):
        return tokenizer(text, add_special_tokens=add_special_tokens)

    ignoring.eos_token, ignoring.eos_token_id = '</s>', 1
    with pytest.raises(ValueError, match=r"of model ends a text at '</s>' in a description.*transformers 4\.45"):
        TextTokens(ignoring, 'model')


def build(tokenizer=None, config=None, **kwargs):
    if config is None and 'model' not in kwargs:
        config = dict(LLAMA, model_type='llama')
    return MODELS.build(
        dict(type='CausalLanguageModel', tokenizer=tokenizer, config=config, **dict(dict(tune='full'), **kwargs))
    )


def test_tokens_without_embeddings(root, digits):
    """The table of embeddings may be larger than the vocabulary; special tokens behind it are never written."""
    number = len(AutoTokenizer.from_pretrained(digits))
    table = dict(LLAMA, model_type='llama', vocab_size=number)
    assert build(digits, dict(table, vocab_size=number + 7)).embed(torch.tensor(number + 6)).shape == (16,)
    error = f'tokens of .*digits go up to {number - 1}, .* embeddings of {number - 1}, from 0: give the tokenizer'
    with pytest.raises(ValueError, match=error):
        build(digits, dict(table, vocab_size=number - 1))
    special = changed(digits, root / 'special', with_token('<im_patch>', special=True))
    model = build(special, table)
    assert max(model.tokens.encode('an <im_patch>')) < number
    with pytest.raises(ValueError, match=f'go up to {number}'):
        build(changed(digits, root / 'plain', with_token('<tool>', special=False)), table)


def test_confidence_of_the_published_code(folders):
    """The mean probability at the characters of x, 1 to 5, and of y, 7 to 11; special tokens are no characters."""
    tokenizer = AutoTokenizer.from_pretrained(folders['triples'])
    published, text = PublishedTokens(tokenizer), tokenizer(' [0.123,0.456]', add_special_tokens=False)['input_ids']
    probabilities = [i / 100 for i in range(13)]
    for ids in (text, [tokenizer.bos_token_id, *text]):
        assert published.read(ids, probabilities) == pytest.approx((0.123, 0.456, (0.03 + 0.09) / 2))
    # the second number has no character among the first 12
    assert published.read(tokenizer('[0.123456789,0.5]')['input_ids'][1:], probabilities).score == pytest.approx(0.03)
    assert published.read(tokenizer('[1,2]')['input_ids'], probabilities) == (0, 0, 0)


SAVED = 'a folder with a model'


@pytest.mark.parametrize(
    'arguments, error',
    [
        (dict(dtype='int8'), "dtype='int8', expected one of 'float32', 'bfloat16', 'float16'"),
        (dict(tune='some'), "tune='some', expected one of 'frozen', 'lora', 'full'"),
        (dict(attention='flash_attention_2'), "attention='flash_attention_2', expected one of None, 'sdpa', 'eager'"),
        (dict(lora=dict(rank=4)), 'lora=.* needs tune="lora", not \'full\''),
        (dict(tune='lora', lora=dict(targets=['query'])), r"\['query'\] match no linear layer of Llama.*'q_proj'"),
        (dict(tune='frozen', gradient_checkpointing=True), "needs tune='lora' or 'full'"),
        (dict(model=SAVED, config=dict(model_type='llama')), 'either model= .* or config=, and not both'),
        (dict(model=None), 'either model= .* or config=, and not both'),
        (dict(tokenizer=None), 'from a config needs tokenizer='),
        (dict(config=dict(hidden_size=8)), 'model_type=None is wrong: .*missing .*Expected such as'),
        (dict(config=dict(model_type='nothing')), "model_type='nothing' is wrong: Unrecognized.*Expected such as"),
        (dict(config=dict(LLAMA, model_type='llama', hidden_size=33)), 'wrong: .*33.* is not a multiple'),
        (dict(config=dict(model_type='dinov2')), "kind 'dinov2': expected a causal language model with positions"),
        (dict(config=dict(model_type='bloom')), "kind 'bloom': expected a causal language model with positions"),
        (dict(config=dict(model_type='clip_text_model')), 'cannot be built as a causal language model: Unrec'),
    ],
)
def test_wrong_settings(digits, arguments, error):
    arguments = dict(dict(tokenizer=digits), **arguments)
    with pytest.raises(ValueError, match=error) as caught:
        build(**arguments)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 500


@pytest.fixture(scope='module')
def saved(root, digits):
    torch.manual_seed(0)
    number = len(AutoTokenizer.from_pretrained(digits))
    config = LlamaConfig(**LLAMA, vocab_size=number, max_position_embeddings=64)
    AutoModelForCausalLM.from_config(config).save_pretrained(root / 'saved')
    AutoTokenizer.from_pretrained(digits).save_pretrained(root / 'saved')
    return root / 'saved'


def loaded(folder, checkpoint=None, **kwargs):
    checkpoint = dict(type='Pretrained', checkpoint=str(checkpoint or folder))
    model = build(model=str(folder), init_cfg=checkpoint, **kwargs)
    model.init_weights()
    return model


@pytest.mark.parametrize('tune', ['frozen', 'lora', 'full'])
def test_logits_are_those_of_transformers(saved, tune):
    """As the whole model gives them; LoRA begins at zero."""
    ours, whole = loaded(saved, tune=tune).eval(), AutoModelForCausalLM.from_pretrained(saved).eval()
    assert (ours.embed_dims, ours.max_length) == (16, 64)
    ids = torch.randint(0, 300, (2, 9))
    with torch.no_grad():
        hidden, cache = ours(ours.embed(ids))
        expected = whole(input_ids=ids).logits
        assert cache is None
        torch.testing.assert_close(ours.logits(hidden), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.logits(hidden, [5, 3]), expected[..., [5, 3]], atol=1e-5, rtol=1e-5)
        labels = torch.full((2, 9), -100)
        labels[0, 4], labels[1, 0], labels[1, 8] = 7, 1, 2  # nothing stands before the second
        probabilities = expected.log_softmax(dim=-1)
        torch.testing.assert_close(
            ours.token_loss(hidden, labels), -torch.stack([probabilities[0, 3, 7], probabilities[1, 7, 2]])
        )


def test_logits_of_some_tokens(digits):
    """Where the output layer has a bias, or LoRA."""
    targets = dict(tune='lora', lora=dict(targets=('q_proj', 'lm_head')))
    for model in (build(digits, dict(LLAMA, model_type='phi')), build(digits, **targets)):
        model.eval()
        for name, value in model.named_parameters():
            if 'lm_head' in name:
                torch.nn.init.normal_(value)
        hidden = torch.randn(2, 3, 16)
        whole, expected = model.logits(hidden), model.llm.lm_head(hidden)
        torch.testing.assert_close(whole, expected)
        torch.testing.assert_close(model.logits(hidden, [5, 3]), expected[..., [5, 3]])


def test_files_that_cannot_serve(saved, tmp_path, monkeypatch):
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)  # without it, minutes of retries
    for missing in (str(tmp_path / 'gone'), 'nobody/no-model', ''):
        with pytest.raises(ValueError, match=r'has this name .* Without internet, download the model elsewhere'):
            build(model=missing)
    config = json.loads((saved / 'config.json').read_text())
    pickled, code, other, adapter = (tmp_path / name for name in ('pickled', 'code', 'other', 'adapter'))
    for folder in (pickled, code, other, adapter):
        folder.mkdir()
        for name in ('config.json', 'tokenizer.json', 'tokenizer_config.json'):
            (folder / name).write_text((saved / name).read_text())
    torch.save(AutoModelForCausalLM.from_pretrained(saved).state_dict(), pickled / 'pytorch_model.bin')
    with pytest.raises(ValueError, match=r'pickled has no safetensors weights; found .*pytorch_model\.bin'):
        loaded(pickled)
    own = dict(model_type='unheard_of', auto_map=dict(AutoConfig='own.C', AutoModelForCausalLM='own.M'))
    (code / 'config.json').write_text(json.dumps(dict(config, **own)))
    (code / 'own.py').write_text('raise SystemExit("this code ran")')
    with pytest.raises(ValueError, match='Models that need their own code are not loaded'):
        build(model=str(code))
    (adapter / 'adapter_config.json').write_text('{}')
    with pytest.raises(ValueError, match='holds an adapter'):
        build(model=str(adapter))
    (other / 'config.json').write_text(json.dumps(dict(config, num_hidden_layers=3)))
    with pytest.raises(ValueError, match=r'weights are missing .*layers\.2\..* Give the weights of the same model'):
        loaded(other, saved)


def write_gguf(path, architecture):
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tensor('token_embd.weight', np.ones((300, 16), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_gguf_files_that_cannot_serve(saved, tmp_path):
    whole = write_gguf(tmp_path / 'whole.gguf', 'llama')
    cut, noise = tmp_path / 'cut.gguf', tmp_path / 'noise.gguf'
    cut.write_bytes(whole.read_bytes()[:-5000])
    noise.write_bytes(b'no model at all')
    other = write_gguf(tmp_path / 'other.gguf', 'whisper')
    for file, error in [
        (cut, 'cannot be loaded from .*cut.gguf'),
        (noise, 'cannot be loaded from .*noise.gguf'),
        (other, 'cannot be loaded from .*other.gguf.*whisper.* Check that it is such a model'),
        (whole, 'cannot be loaded from .*whole.gguf'),  # a table of another size
    ]:
        with pytest.raises(ValueError, match=error):
            loaded(saved, file)
    for file in (cut, noise, other):
        with pytest.raises(ValueError, match='cannot be loaded from'):
            build(model=str(file))
    with pytest.raises(FileNotFoundError, match=r'gone\.gguf does not exist'):
        loaded(saved, tmp_path / 'gone.gguf')


def test_a_round_sees_what_is_shared_and_itself():
    row = Row()
    row.add([5, 6])
    row.add([7, 8], segment=1)
    row.add([9], segment=1, learned=True)
    row.add([7], segment=2)
    other = Row()
    other.add([5, 6, 7])
    packed = pack([row, other], 'cpu')
    assert packed.ids.tolist() == [[5, 6, 7, 8, 9, 7], [5, 6, 7, 0, 0, 0]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 4, 2], [0, 1, 2, 0, 0, 0]]
    assert packed.labels.tolist() == [[-100] * 4 + [9, -100], [-100] * 6]
    allowed = attention(packed.segments, packed.segments)
    assert allowed[0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]
    assert allowed[1, :3].int().tolist() == [[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]
    assert allowed[1, 3:].int().tolist() == [[1, 1, 1, 0, 0, 0]] * 3  # never nothing, which would give NaN
    assert attention(packed.segments[1:, :3], packed.segments[1:, :3]) is None  # causal
    later = attention(packed.segments[:, 4:], packed.segments)
    assert torch.equal(later, allowed[:, 4:])


@pytest.mark.parametrize('kind', ['llama', 'mistral', 'qwen2', 'phi', 'gemma'])
@pytest.mark.parametrize('attention', ['sdpa', 'eager'])
def test_reading_on_equals_reading_at_once(digits, attention, kind):
    torch.manual_seed(0)
    config = dict(LLAMA, model_type=kind, head_dim=8, num_key_value_heads=1)
    model = build(digits, config, attention=attention).eval()
    row = Row()
    row.add(range(5))
    for segment in (1, 2):
        row.add(range(7, 10), segment)
    packed, expected = pack([row], 'cpu'), []
    with torch.no_grad():
        for own in ([*range(5)], [*range(5), 7, 8, 9]):  # each round behind what is shared, without the other
            expected.append(model(model.embed(torch.tensor([own])))[0])
        reader = Reader(model, keep=True)
        embeddings = model.embed(packed.ids)
        first = reader.read(embeddings[:, :5], packed.segments[:, :5], packed.positions[:, :5])
        for _ in range(2):  # a copy leaves the cache as it is
            copies = [part.repeat(2, *[1] * (part.ndim - 1)) for part in (embeddings, *packed[1:3])]
            second = reader.copied(2).read(*(part[:, 5:] for part in copies))
            assert reader.segments.tolist() == [[SHARED] * 5]
    torch.testing.assert_close(first, expected[0], atol=1e-6, rtol=1e-5)
    for found in second.split(3, dim=1):
        torch.testing.assert_close(found, expected[1][:, 5:].expand(2, -1, -1), atol=1e-6, rtol=1e-5)


def test_no_cache_with_gradient_checkpointing(digits):
    model = build(digits, gradient_checkpointing=True).train()
    embeddings = model.embed(torch.tensor([[1, 2]]))
    with pytest.raises(ValueError, match=r'keeps no cache, .*: call eval\(\) first'):
        model(embeddings, use_cache=True)
    assert model.eval()(embeddings, use_cache=True)[1] is not None
