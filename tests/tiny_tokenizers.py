"""Small tokenizers of three kinds, trained on the spot and saved as transformers expects them."""

import json
import shutil
from pathlib import Path
from typing import Callable, Optional

TEXTS = [
    'User: Where is the left eye of this object in this image? Please provide its coordinates.',
    'Reference: The left eye is the organ of sight on the left side of the face, above the nose.',
    'Assistant: [0.123,0.456]',
    'The object is a chair. It is the front right leg of the seat, below the back rest.',
] * 4


def byte_level(folder: Path, triples: bool, start: bool) -> str:
    """Byte-level BPE as Llama 3 (``triples``: one token for each of 000 to 999) or SmolLM2, with or without a start."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    pattern = r'\d{1,3}|\s?[^\s\d]+|\s+' if triples else r'\d|\s?[^\s\d]+|\s+'
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), 'isolated'),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    numbers = [f'{number:03d}' for number in range(1000)] if triples else []
    trainer = trainers.BpeTrainer(
        vocab_size=4000 if triples else 400,
        special_tokens=['<s>', '</s>'],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS + [number for number in numbers for _ in range(3)], trainer)
    if start:
        tokenizer.post_processor = processors.TemplateProcessing(
            single='<s> $A', special_tokens=[('<s>', tokenizer.token_to_id('<s>'))]
        )
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / 'tokenizer.json'))
    config = dict(tokenizer_class='PreTrainedTokenizerFast', eos_token='</s>', model_max_length=4096)
    if start:
        config['bos_token'] = '<s>'
    else:
        config['pad_token'] = '</s>'  # as SmolLM2
    (folder / 'tokenizer_config.json').write_text(json.dumps(config))
    return str(folder)


def sentence_piece(folder: Path) -> str:
    """SentencePiece as Llama 2: single digits, byte fallback, a space before the first word."""
    import sentencepiece

    folder.mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_prefix=str(folder / 'tokenizer'),
        vocab_size=330,
        model_type='bpe',
        byte_fallback=True,
        split_digits=True,
        remove_extra_whitespaces=False,
        normalization_rule_name='identity',
        hard_vocab_limit=False,
        minloglevel=2,
    )
    config = dict(
        tokenizer_class='LlamaTokenizer', bos_token='<s>', eos_token='</s>', unk_token='<unk>', model_max_length=4096
    )
    (folder / 'tokenizer_config.json').write_text(json.dumps(config))
    return str(folder)


def changed(source: str, folder: Path, change: Optional[Callable[[dict], None]] = None, **config) -> str:
    """A copy of a byte-level tokenizer with other fields in its configuration (None: without it) or tokenizer.json."""
    shutil.copytree(source, folder)
    path = folder / 'tokenizer_config.json'
    fields = dict(json.loads(path.read_text()), **config)
    path.write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
    if change is not None:
        path = folder / 'tokenizer.json'
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return str(folder)


def adds(*names: str) -> Callable[[dict], None]:
    """For :func:`changed`: special tokens that the tokenizer puts around a text, which is '$A'."""

    def change(content: dict) -> None:
        ids = {token['content']: token['id'] for token in content['added_tokens']}
        content['post_processor'] = dict(
            type='TemplateProcessing',
            single=[
                dict(Sequence=dict(id='A', type_id=0)) if name == '$A' else dict(SpecialToken=dict(id=name, type_id=0))
                for name in names
            ],
            pair=[],
            special_tokens={name: dict(id=name, ids=[ids[name]], tokens=[name]) for name in names if name in ids},
        )

    return change


def with_token(content: str, special: bool) -> Callable[[dict], None]:
    """For :func:`changed`: one more token, behind the vocabulary."""

    def change(tokenizer: dict) -> None:
        last = max(tokenizer['model']['vocab'].values())
        flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=special)
        tokenizer['added_tokens'].append(dict(id=last + 1, content=content, **flags))

    return change
