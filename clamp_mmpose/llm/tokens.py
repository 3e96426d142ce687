"""How many tokens requests have, for estimates and limits: servers count by tokenizers that we do not have."""

import math
from typing import Any, Callable, List, Sequence

from .request import Message

CHARACTERS_PER_TOKEN = 4  # of English text; numbers take more tokens
TOKENS_PER_MESSAGE = 8  # role and separators
TOKENS_PER_IMAGE = 1000  # differs widely between models

Count = Callable[[str], int]


def approximate(text: str) -> int:
    """Four characters per token."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def at_most(text: str) -> int:
    """A token has at least one byte."""
    return len(text.encode('utf-8', errors='surrogatepass'))


def prompt_tokens(messages: Sequence[Message], count: Count = approximate) -> int:
    """Tokens of a request, by ``count`` of its texts."""
    total = 0
    for message in messages:
        texts = texts_of(message['content'])
        images = 0 if isinstance(message['content'], str) else len(message['content']) - len(texts)
        total += sum(map(count, texts)) + TOKENS_PER_MESSAGE + TOKENS_PER_IMAGE * images
    return total


def texts_of(content: Any) -> List[str]:
    """The texts of a message: a text, or the parts of a list that are texts."""
    if isinstance(content, str):
        return [content]
    parts = [part.get('text') for part in content or () if isinstance(part, dict)] if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, str)]


def tokenizer_count(folder_or_name: str) -> Count:
    """Count by a tokenizer of Hugging Face, such as the one of the model that a local server runs.

    Raises:
        ImportError: transformers is missing.
        ValueError: the tokenizer cannot be loaded.
    """
    from clamp_mmpose.checkpoints.hub import from_hub

    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise ImportError('counting by a tokenizer needs transformers: pip install "clamp_mmpose[llm]"') from error
    tokenizer = from_hub(AutoTokenizer, folder_or_name)
    return lambda text: len(tokenizer(text, add_special_tokens=False)['input_ids'])
