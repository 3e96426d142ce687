from typing import Any, Dict, List, Tuple

from clamp_mmpose.codecs.coordinate_answer import LARGEST

SENTINELS = ('\n', ':', '|', '.')  # of which at least one does not merge with the text behind it
MAX_KNOWN = 65536  # texts whose tokens are kept


class TextTokens:
    """The tokens of texts that continue a conversation, for any tokenizer of transformers.

    Texts are tokenized piece by piece, so that no token crosses the border between a question and its answer: what is
    learned, and where the digits of an answer are, does not depend on the tokenizer's merges. Names of special tokens
    inside a text are plain text.

    Args:
        tokenizer: byte-level, SentencePiece or WordPiece, with or without a token for the beginning of a text or for
            padding. Without an end-of-text token, as in BERT's, its separator ends a text.
        name: of the model, for errors.

    Attributes:
        start: the tokens before a text, [] if the tokenizer adds none.
        end: the token behind an answer.

    Raises:
        ValueError: the tokenizer has no token for the end of a text, or finds it in texts that hold its name.
    """

    def __init__(self, tokenizer: Any, name: str = 'the tokenizer'):
        self.tokenizer = tokenizer
        if tokenizer.eos_token_id is None:
            tokenizer.eos_token = tokenizer.sep_token
        if tokenizer.eos_token_id is None:
            raise ValueError(f'{name} has no end-of-text token, which ends an answer: set eos_token in its files.')
        self.end: int = tokenizer.eos_token_id
        whole, own = (tokenizer('a', add_special_tokens=special)['input_ids'] for special in (True, False))
        # some tokenizers add an end as well
        places = [i for i in range(len(whole)) if whole[i : i + len(own)] == own]
        self.start: List[int] = whole[: places[0]] if places else []
        self.known: Dict[str, Tuple[int, ...]] = {}
        if self.end in self._plain(tokenizer.eos_token):
            raise ValueError(
                f'the tokenizer of {name} ends a text at {tokenizer.eos_token!r} in a description, which must be plain '
                'text: install transformers 4.45 or newer.'
            )

    def encode(self, text: str) -> Tuple[int, ...]:
        """The tokens of a text behind another one: without special tokens, and without SentencePiece's first space."""
        ids = self.known.get(text)
        if ids is None:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            ids = self.known[text] = self._encode(text)
        return ids

    def largest(self) -> int:
        """The largest token that a conversation may hold; special tokens but start and end are never written."""
        special = {token for token, added in self.tokenizer.added_tokens_decoder.items() if added.special}
        return max({*self.tokenizer.get_vocab().values()} - special | {self.end, *self.start})

    def _encode(self, text: str) -> Tuple[int, ...]:
        for sentinel in SENTINELS if text else ():
            before, whole = self._plain(sentinel), self._plain(sentinel + text)
            if whole[: len(before)] == before:
                return tuple(whole[len(before) :])
        return tuple(self._plain(text))

    def _plain(self, text: str) -> List[int]:
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)['input_ids']


class AnswerTokens:
    """The tokens of ``' [0.123,0.456]'`` (CapeLLM, section 3.2).

    Args:
        tokens: those of the language model.
        name: of the model, for errors.

    Attributes:
        opening, middle, closing: the fixed parts ``' [0.'``, ``',0.'`` and ``']'``.
        digits: the tokens of 0 to 9, or of 000 to 999 if the tokenizer has one for each.
        steps: how many of them a coordinate takes: three, or one.
        end: the token behind the answer.

    Raises:
        ValueError: the tokenizer has no token for each digit.
    """

    def __init__(self, tokens: TextTokens, name: str = 'the tokenizer'):
        self.opening, self.middle, self.closing = (tokens.encode(text) for text in (' [0.', ',0.', ']'))
        self.end = tokens.end
        threes = [tokens.encode(f'{value:03d}') for value in range(1000)] if len(tokens.encode('123')) == 1 else []
        ones = [tokens.encode(f'{digit}') for digit in range(10)]
        for numbers, self.steps in ((threes, 1), (ones, 3)):
            if numbers and all(len(number) == 1 for number in numbers) and len(set(numbers)) == len(numbers):
                self.digits = [number[0] for number in numbers]
                return
        raise ValueError(
            f'{name} has no single token for each digit (0 becomes {list(ones[0])}), which text answers need: use '
            "answer='bins' or 'pointer', or another language model."
        )

    def number(self, value: float) -> List[int]:
        """The digit tokens of a coordinate, from .000 to .999."""
        thousandths = f'{min(max(value, 0.0), LARGEST):.3f}'[2:]
        return [self.digits[int(part)] for part in ([thousandths] if self.steps == 1 else thousandths)]

    def answer(self, x: float, y: float) -> List[int]:
        """The tokens of a whole answer and of its end."""
        return [*self.opening, *self.number(x), *self.middle, *self.number(y), *self.closing, self.end]
