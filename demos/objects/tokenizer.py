import re
from pathlib import Path

from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.language.text_queries import TextQueries
from demos.common.tokenizer import train_tokenizer

NAME = 'NAME'


def write_tokenizer(folder: Path, texts: Path) -> Path:
    """Train a byte-level BPE tokenizer on the questions about the toy objects; transformers reads the folder.

    The wording before a name, the one behind it, each word of a name, and each digit is one token: short questions
    train fast on a CPU.

    Args:
        folder: where to write.
        texts: the folder of texts that :func:`write_toy_objects` writes.
    """
    prompt = CapeInstruction(description=False).turns(TextQueries.create([NAME]), 0)[0].prompt
    names = sorted({name for text in load_texts(texts).values() for name in text.names})
    questions = [f'\n{prompt.replace(NAME, name)} [0.123,0.456]' for name in names]
    before, behind = (re.escape(part) for part in f'\n{prompt}'.split(f' {NAME}'))
    pieces = rf'{before}|{behind}|\d|\s?[^\s\d]+|\s'
    return train_tokenizer(folder, questions, pieces, ['</s>'], 1000, model_max_length=512)
