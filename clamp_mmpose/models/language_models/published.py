import copy
import re
from typing import Any, List, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor

from clamp_mmpose.codecs.coordinate_answer import PUBLISHED, parse_published

IMAGE_TOKEN = '<im_patch>'
NUM_TOKENS = 13  # of every answer, whatever the tokenizer: as many as ' [0.123,0.456]' has for Llama 2
ANSWER = re.compile(r'(?<=Assistant:) \[.*?</s>', re.DOTALL)


class PublishedAnswer(NamedTuple):
    """A point ``(x, y)``, fractions of the network input, (0, 0) if the text has none, and its confidence."""

    x: float
    y: float
    score: float


class PublishedTokens:
    """Texts as the published program of CapeLLM tokenizes and reads them (Junhojuno/CapeLLM, 21175cb).

    It tokenizes a conversation as a whole, with ``</s>`` behind each answer even where that is plain text, so that
    tokens may cross the borders of an answer.

    Args:
        tokenizer: of the language model.
    """

    def __init__(self, tokenizer: Any):
        self.tokenizer = copy.deepcopy(tokenizer)
        self.tokenizer.add_tokens([IMAGE_TOKEN], special_tokens=True)
        self.image: int = self.tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)

    def prompt(self, text: str) -> List[int]:
        """The tokens of a text behind the image."""
        ids = self.tokenizer(IMAGE_TOKEN + text)['input_ids']
        return ids[ids.index(self.image) + 1 :]

    def conversation(self, text: str, num_image_tokens: int) -> Tuple[List[int], List[int]]:
        """Tokens of a whole conversation behind an image, and labels: the tokens inside the answers; -100 elsewhere."""
        image = IMAGE_TOKEN * num_image_tokens
        encoded = self.tokenizer(image + text, return_offsets_mapping=True)
        spans = [(found.start() + len(image), found.end() + len(image)) for found in ANSWER.finditer(text)]
        labels = [
            token if any(start <= left < right <= end for start, end in spans) else -100
            for token, (left, right) in zip(encoded['input_ids'], encoded['offset_mapping'])
        ]
        return encoded['input_ids'], labels

    def read(self, ids: Sequence[int], probabilities: Sequence[float]) -> PublishedAnswer:
        """Read an answer of 13 tokens.

        The confidence is the mean probability of the tokens of x and y, but the published code takes the positions of
        their characters for those of tokens, and drops the last token.
        """
        text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        kept = probabilities[: NUM_TOKENS - 1]
        means = []
        for number in PUBLISHED.findall(text)[:2]:
            own = kept[text.index(number) : text.index(number) + len(number)]
            means.append(sum(own) / len(own) if own else 0.0)
        return PublishedAnswer(*parse_published(text), sum(means) / 2 if means else 0.0)

    def read_all(self, ids: Tensor, probabilities: Tensor) -> Tuple[Tensor, Tensor]:
        """Answers ``[B, c, 13]`` -> points ``[B, c, 2]`` and scores ``[B, c]``."""
        rows = [self.read(*row) for row in zip(ids.flatten(0, 1).tolist(), probabilities.flatten(0, 1).tolist())]
        found = torch.tensor(rows, device=ids.device).view(*ids.shape[:2], 3)
        return found[..., :2], found[..., 2]
