"""Conversations written as one text, and which parts of it a model learns."""

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .conversations import IMAGE_TAG, Turn

# of Vicuna v1.1, which LLaVA-1.5 was trained with
VICUNA_SYSTEM = (
    'A chat between a curious user and an artificial intelligence assistant. '
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
OPEN, CLOSE = '\ue0f0', '\ue0f1'  # around what is learned; characters of no script
# jinja removes the indentation before a block's tag and the line break behind it, but not around an expression
GENERATION = re.compile(r'(?m)(?:^[ \t]*)?\{%(-?)\s*(end)?generation\s*(-?)%\}\n?')
QUESTION, ANSWER = Turn('user', 'Is it so?'), Turn('assistant', 'Yes, it is.')


class ChatText(NamedTuple):
    """A conversation as text.

    Args:
        text: with one image token for each image.
        learned: first and last + 1 character of each answer with its end token.
    """

    text: str
    learned: List[Tuple[int, int]]


class VicunaTemplate:
    """LLaVA's published form ``vicuna_v1``: ``system USER: question ASSISTANT: answer</s>USER: ...``.

    As published, an image is put in front of its question. The published code makes one image of several tags in a
    question, which is an error here.

    Args:
        end: the end token.
    """

    image_token = IMAGE_TAG

    def __init__(self, end: str) -> None:
        self.end = end

    def write(self, turns: Sequence[Turn], prompt: bool = False) -> ChatText:
        """Write a conversation; ``prompt``: up to where the model answers.

        Raises:
            ValueError: a question has several images.
        """
        text, learned = f'{VICUNA_SYSTEM} ', []
        for role, value in turns:
            if role == 'system':
                text = f'{value} '
            elif role == 'user':
                text += f'USER: {self._image_first(value)} '
            else:
                text += 'ASSISTANT:'
                start = len(text)
                text += f' {value}{self.end}'
                learned.append((start, len(text)))
        return ChatText(f'{text}ASSISTANT:' if prompt else text, learned)

    @staticmethod
    def _image_first(value: str) -> str:
        if IMAGE_TAG not in value:
            return value
        if value.count(IMAGE_TAG) > 1:
            raise ValueError(f'vicuna_v1 has one image for each question, got {value!r:.60}; use another template.')
        return f'{IMAGE_TAG}\n{value.replace(IMAGE_TAG, "").strip()}'


class ModelTemplate:
    """The chat template that comes with a model.

    What follows the template's own generation prompt is learned, up to the end token. Where the template marks what is
    learned (``{% generation %}``), that is learned, and the end token behind it. A template without an end token, such
    as that of LLaVA-1.5 in transformers, gets the tokenizer's behind each answer: a model would not learn to stop.

    Args:
        tokenizer: of transformers.
        template: in Jinja.
        image_token: what stands for an image in the text.

    Raises:
        ValueError: the template cannot write a conversation, or the tokenizer lacks an end token.
    """

    def __init__(self, tokenizer: Any, template: str, image_token: str) -> None:
        self.tokenizer, self.template, self.image_token = tokenizer, template, image_token
        self.marked = GENERATION.sub(lambda tag: f"{{{{{tag[1]} '{CLOSE if tag[2] else OPEN}' {tag[3]}}}}}", template)
        self.in_parts = self._takes_parts()
        text = self._apply([QUESTION, ANSWER])
        behind = text[text.rindex(ANSWER.text) + len(ANSWER.text) :]
        self.inserted = self._special(behind) is None
        self.end = tokenizer.eos_token if self.inserted else behind[: len(behind) - len(behind.lstrip())]
        if self.inserted and self.end is None:
            raise ValueError('neither the chat template nor the tokenizer has an end token: set eos_token.')
        if not self.inserted:
            self.end += self._special(behind)
        # what stands between the generation prompt and an answer: nothing, a space, an empty thought
        self.lead = ''
        asked = self._apply([QUESTION], prompt=True)
        self.fault = '' if text.startswith(asked) else f'its generation prompt is {asked[-40:]!r}, got {text[-60:]!r}'
        if text.startswith(asked):
            self.lead = text[len(asked) : text.rindex(ANSWER.text)]

    def write(self, turns: Sequence[Turn], prompt: bool = False) -> ChatText:
        """Write a conversation; ``prompt``: up to where the model answers.

        Raises:
            ValueError: the template refuses the conversation, or changes its answers.
        """
        if self.fault and not prompt:
            raise ValueError(f'the chat template does not write answers behind its prompt: {self.fault}.')
        plain = self._apply(turns, prompt)
        text, marks = _unmarked(self._apply(turns, prompt, marked=True))
        if text != plain:  # many templates cut off the spaces around a text
            turns = [Turn(role, value.strip() if role == 'assistant' else value) for role, value in turns]
            text, marks = _unmarked(self._apply(turns, prompt, marked=True))
        if text != plain:
            raise ValueError(
                'the chat template changes the answers (it may leave out thoughts), so what is learned is not known: '
                'change the answers or the template.'
            )
        answers = sum(turn.role == 'assistant' for turn in turns)
        if len(marks) != answers:
            raise ValueError(f'the chat template writes {len(marks)} of {answers} answers.')
        return self._with_ends(text, marks)

    def _with_ends(self, text: str, marks: List[Tuple[int, int]]) -> ChatText:
        written, learned, done = '', [], 0
        for start, stop in marks:
            if self.lead and text.endswith(self.lead, 0, start):
                start -= len(self.lead)
            if self.inserted:
                stop = start + len(text[start:stop].rstrip())
            elif text.startswith(self.end, stop):
                stop += len(self.end)
            written += text[done:start]
            first = len(written)
            written += text[start:stop] + (self.end if self.inserted else '')
            learned.append((first, len(written)))
            done = stop
        return ChatText(written + text[done:], learned)

    def _special(self, text: str) -> Optional[str]:
        """The special token that a text begins with, after spaces."""
        tokens = [str(token) for token in self.tokenizer.added_tokens_decoder.values()]
        found = [token for token in tokens if text.lstrip().startswith(token)]
        return max(found, key=len, default=None)

    def _takes_parts(self) -> bool:
        """Whether the template reads images and texts as parts of a turn, and not its text alone."""
        for self.in_parts in (True, False):
            try:
                text = self._apply([QUESTION, ANSWER])
            except Exception as error:  # of the template's own code
                fault = f'{type(error).__name__}: {error}'
                continue
            if text.count(ANSWER.text) == 1 and "'text'" not in text:
                return self.in_parts
            fault = f'it writes {text!r:.200}'
        raise ValueError(f'the chat template cannot write a question and its answer: {fault}')

    def _apply(self, turns: Sequence[Turn], prompt: bool = False, marked: bool = False) -> str:
        messages: List[Dict[str, Any]] = []
        template = self.marked if marked else self.template
        for role, value in turns:
            if marked and role == 'assistant' and self.marked == self.template:
                value = f'{OPEN}{value}{CLOSE}'
            messages.append(dict(role=role, content=self._content(value)))
        return self.tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=False, add_generation_prompt=prompt
        )

    def _content(self, value: str) -> Any:
        if not self.in_parts:
            return value.replace(IMAGE_TAG, self.image_token)
        parts: List[Dict[str, str]] = []
        for i, text in enumerate(value.split(IMAGE_TAG)):
            if i:
                parts.append(dict(type='image'))
            text = text.strip('\n') if IMAGE_TAG in value else text  # templates put images apart themselves
            if text:
                parts.append(dict(type='text', text=text))
        return parts


def _unmarked(text: str) -> Tuple[str, List[Tuple[int, int]]]:
    """The text without marks, and what they were around."""
    plain, *parts = text.split(OPEN)
    marks = []
    for part in parts:
        inside, closed, outside = part.partition(CLOSE)
        if closed:
            marks.append((len(plain), len(plain) + len(inside)))
        plain += inside + outside
    return plain, marks
