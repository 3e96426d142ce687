import re
from pathlib import Path

from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries
from clamp_mmpose.utils.files import atomic_write, to_json

NAME = 'NAME'


def write_tokenizer(folder: Path, texts: Path) -> Path:
    """Train a byte-level BPE tokenizer on the questions about the toy objects; transformers reads the folder.

    The wording before a name, the one behind it, each word of a name, and each digit is one token: short questions
    train fast on a CPU.

    Args:
        folder: where to write.
        texts: the folder of texts that :func:`write_toy_objects` writes.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    prompt = CapeInstruction(description=False).turns(TextQueries.create([NAME]), 0)[0].prompt
    names = sorted({name for text in load_texts(texts).values() for name in text.names})
    questions = [f'\n{prompt.replace(NAME, name)} [0.123,0.456]' for name in names]
    before, behind = (re.escape(part) for part in f'\n{prompt}'.split(f' {NAME}'))
    pieces = Regex(rf'{before}|{behind}|\d|\s?[^\s\d]+|\s')
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pieces, 'isolated'),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=['</s>'],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(questions, trainer)
    config = dict(tokenizer_class='PreTrainedTokenizerFast', eos_token='</s>', pad_token='</s>', model_max_length=512)
    atomic_write(folder / 'tokenizer.json', tokenizer.to_str().encode())
    atomic_write(folder / 'tokenizer_config.json', to_json(config, 'the tokenizer').encode())
    return folder
