from typing import List, NamedTuple, Optional, Sequence, Tuple

from clamp_mmpose.codecs.coordinate_answer import format_answer
from clamp_mmpose.language.cape_instruction import CapeInstruction
from clamp_mmpose.language.text_queries import TextQueries

from .packing import ANSWER, IMAGE, SHARED, Row
from .published import NUM_TOKENS, PublishedTokens
from .text_tokens import AnswerTokens, TextTokens


class Asked(NamedTuple):
    """Where the answer about a keypoint is.

    ``x`` and ``y`` are the indices of the first digits of a text answer; for other answers both are that of the token
    whose state gives it.
    """

    row: int
    x: int
    y: int


class Conversations:
    """Turns the texts of an instruction into rows of tokens (CapeLLM, section 3.2).

    Args:
        instruction: the texts.
        tokens: of the language model.
        answer_tokens: of text answers; None: an answer is one token.
        published: questions are tokenized as in the published program, and the answer is not begun.

    Attributes:
        rest: how many tokens of an answer come behind those of :meth:`questions`.
    """

    def __init__(
        self,
        instruction: CapeInstruction,
        tokens: TextTokens,
        answer_tokens: Optional[AnswerTokens],
        published: Optional[PublishedTokens] = None,
    ):
        self.instruction, self.tokens, self.answer_tokens = instruction, tokens, answer_tokens
        self.published, self.rest = published, 0
        if published is not None:
            self.rest = NUM_TOKENS
        elif answer_tokens is not None:
            self.rest = len(answer_tokens.answer(0, 0)) - len(answer_tokens.opening)

    def prefix(self, queries: TextQueries, num_image_tokens: int) -> Row:
        """What all rounds share: the image, and what is said about all keypoints."""
        row = Row()
        row.add([*self.tokens.start, *[IMAGE] * num_image_tokens])
        opening = self.instruction.opening(queries)
        row.add(self.tokens.encode(f'\n{opening}') if opening else ())
        return row

    def question(
        self, queries: TextQueries, keypoint: int, point: str = '', wording: int = 0, first: bool = True
    ) -> Row:
        """A round up to the answer that is a position.

        Args:
            queries, keypoint, point, wording: as for :meth:`CapeInstruction.turns`.
            first: no other round stands between it and what is shared.
        """
        row = Row()
        for turn in self.instruction.turns(queries, keypoint, point, wording):
            row.add(self.tokens.encode(f'\n{turn.prompt}' if first else turn.prompt))
            first = False
            if turn.answer is not None:
                row.add([*self.tokens.encode(f' {turn.answer}'), self.tokens.end], learned=True)
        return row

    def questions(self, queries: TextQueries, num_image_tokens: int) -> Tuple[Row, List[List[int]]]:
        """What is read once for an image, and the rest of the question about each keypoint, at least one token.

        A question ends with ``' [0.'`` or the answer's token. The words that all begin with are read once.
        """
        ends = [ANSWER] if self.answer_tokens is None else self.answer_tokens.opening
        questions: List[List[int]] = []
        for k in range(len(queries.keypoint_names)):
            if self.published is not None:
                (turn,) = self.instruction.turns(queries, k)
                questions.append(self.published.prompt(f'\n{turn.prompt}'))
            else:
                questions.append([*self.question(queries, k).ids, *ends])
        row, same = self.prefix(queries, num_image_tokens), same_start(questions)
        row.add(questions[0][:same])
        return row, [tokens[same:] for tokens in questions]

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
            chained: a round sees those before it; otherwise the words that all begin with are read once.
            wordings: of each question.
            number: of the row.
        """
        row, asked = self.prefix(queries, num_image_tokens), []
        parts = [
            self.question(queries, keypoint, _inside(x, y), wording, first=not (chained and i))
            for i, ((keypoint, (x, y)), wording) in enumerate(zip(rounds, wordings))
        ]
        same = 0
        if parts and not chained:
            same = same_start([part.not_learned() for part in parts])
            row.add(parts[0].ids[:same])
        for i, (part, (_, (x, y))) in enumerate(zip(parts, rounds)):
            segment = SHARED if chained else i + 1
            row.append(part, segment, same)
            if not self.instruction.answers_with_points:
                continue
            start = len(row)
            if self.answer_tokens is None:
                row.add([ANSWER], segment)
                asked.append(Asked(number, start, start))
            else:
                row.add(self.answer_tokens.answer(x, y), segment, learned=True)
                start += len(self.answer_tokens.opening)
                second = start + self.answer_tokens.steps + len(self.answer_tokens.middle)
                asked.append(Asked(number, start, second))
        return row, asked


def same_start(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with; the last one of the shortest is not counted."""
    same = [len(set(column)) == 1 for column in zip(*rows)]
    return [*same[:-1], False].index(False)


def _inside(x: float, y: float) -> str:
    return format_answer(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))


def check_length(row: Row, limit: int, queries: TextQueries, model: str, more: int = 0, sample: str = '') -> None:
    """Check that a row fits the context of the language model.

    Args:
        row: the tokens.
        limit: how many positions the model has.
        queries, model, sample: for the error.
        more: tokens that will be written behind the row.

    Raises:
        ValueError: it does not; the sample and its longest text are named.
    """
    needed = max(row.positions, default=-1) + 1 + more
    if needed > limit:
        longest = max(queries.texts, key=len)
        raise ValueError(
            f'{sample}the image and its texts take {needed} tokens; {model} reads up to {limit}: shorten the texts '
            f'(the longest begins with {longest[:60]!r}), or, in training, use fewer rounds.'
        )
