"""Small tokenizers of three kinds, trained on the spot and saved as transformers expects them."""

import json
from pathlib import Path

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
