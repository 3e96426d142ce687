from pathlib import Path
from typing import Iterable, Sequence

from clamp_mmpose.utils.files import atomic_write, to_json


def train_tokenizer(
    folder: Path, texts: Iterable[str], pieces: str, special: Sequence[str], vocab_size: int, **settings
) -> Path:
    """Train a byte-level BPE tokenizer; transformers reads the folder.

    Args:
        folder: where to write.
        texts: what it is trained on.
        pieces: regular expression of what becomes one token if it is frequent enough.
        special: tokens of their own; the first ends a text, and pads unless ``settings`` name another.
        vocab_size: number of tokens at most.
        settings: of ``tokenizer_config.json``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pieces), 'isolated'),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    config = dict(tokenizer_class='PreTrainedTokenizerFast', eos_token=special[0], pad_token=special[0])
    atomic_write(folder / 'tokenizer.json', tokenizer.to_str().encode())
    atomic_write(folder / 'tokenizer_config.json', to_json(dict(config, **settings), 'the tokenizer').encode())
    return folder
