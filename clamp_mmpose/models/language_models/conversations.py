from typing import List, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.text_queries import TextQueries

from .packing import ANSWER, IMAGE, SHARED, Row
from .published import PublishedTokens
from .text_tokens import AnswerTokens, TextTokens


class Asked(NamedTuple):
    """Where the answer about a keypoint is in its row.

    ``x`` and ``y`` are the indices of the first digits of a text answer; for other answers both are that of the token
    whose state gives it.
    """

    row: int
    keypoint: int
    x: int
    y: int


class Conversations:
    """Turns the texts of an instruction into rows of tokens (CapeLLM, section 3.2).

    Args:
        instruction: the texts.
        tokens: of the language model.
        answer_tokens: of text answers; None: an answer is one token.
        published: questions are tokenized as in the published program, and the answer is not begun.
    """

    def __init__(
        self,
        instruction: CapeInstruction,
        tokens: TextTokens,
        answer_tokens: Optional[AnswerTokens],
        published: Optional[PublishedTokens] = None,
    ):
        self.instruction, self.tokens, self.answer_tokens = instruction, tokens, answer_tokens
        self.published = published

    def prefix(self, queries: TextQueries, num_image_tokens: int) -> Row:
        """What all rounds share: the image, and what is said about all keypoints."""
        row = Row()
        row.add([*self.tokens.start, *[IMAGE] * num_image_tokens])
        opening = self.instruction.opening(queries)
        row.add(self.tokens.encode(f'\n{opening}') if opening else ())
        return row

    def add_question(
        self,
        row: Row,
        queries: TextQueries,
        keypoint: int,
        segment: int,
        point: str = '',
        wording: int = 0,
        first: bool = True,
    ) -> None:
        """Append a round up to the answer that is a position.

        Args:
            row: what the round follows.
            queries, keypoint, point, wording: as for :meth:`CapeInstruction.turns`.
            segment: the round.
            first: no other round stands between it and what is shared.
        """
        for turn in self.instruction.turns(queries, keypoint, point, wording):
            row.add(self.tokens.encode(f'\n{turn.prompt}' if first else turn.prompt), segment)
            first = False
            if turn.answer is not None:
                row.add([*self.tokens.encode(f' {turn.answer}'), self.tokens.end], segment, learned=True)

    def question(self, queries: TextQueries, keypoint: int, segment: int, row: Row) -> int:
        """Append a round up to ``' [0.'`` or to the answer's token; returns the index of its last token."""
        if self.published is not None:
            (turn,) = self.instruction.turns(queries, keypoint)
            row.add(self.published.prompt(f'\n{turn.prompt}'), segment)
            return len(row) - 1
        self.add_question(row, queries, keypoint, segment)
        row.add([ANSWER] if self.answer_tokens is None else self.answer_tokens.opening, segment)
        return len(row) - 1

    def training_row(
        self,
        queries: TextQueries,
        num_image_tokens: int,
        rounds: Sequence[Tuple[int, Tuple[float, float]]],
        chained: bool,
        wordings: Sequence[int],
        number: int,
    ) -> Tuple[Row, List[Asked]]:
        """A whole conversation, with the answers.

        Args:
            queries: the keypoints of the image.
            num_image_tokens: of the image.
            rounds: indices of keypoints, with their positions as fractions of the input.
            chained: a round sees those before it.
            wordings: of each question.
            number: of the row.
        """
        row, asked = self.prefix(queries, num_image_tokens), []
        for i, ((keypoint, (x, y)), wording) in enumerate(zip(rounds, wordings)):
            segment = SHARED if chained else i + 1
            text = f'[{x:.3f},{y:.3f}]'
            self.add_question(row, queries, keypoint, segment, text, wording, first=not (chained and i))
            if not self.instruction.answers_with_points:
                continue
            start = len(row)
            if self.answer_tokens is None:
                row.add([ANSWER], segment)
                asked.append(Asked(number, keypoint, start, start))
            else:
                row.add(self.answer_tokens.answer(x, y), segment, learned=True)
                start += len(self.answer_tokens.opening)
                second = start + self.answer_tokens.steps + len(self.answer_tokens.middle)
                asked.append(Asked(number, keypoint, start, second))
        return row, asked


def check_length(row: Row, limit: int, queries: TextQueries, model: str) -> None:
    """Check that a row fits the context of the language model.

    Raises:
        ValueError: it does not; the longest text is named.
    """
    needed = max(row.positions) + 1
    if needed > limit:
        longest = max(queries.texts, key=len)
        raise ValueError(
            f'the image and its texts take {needed} tokens; {model} reads up to {limit}: shorten the texts '
            f'(the longest begins with {longest[:60]!r}), or train fewer rounds.'
        )
