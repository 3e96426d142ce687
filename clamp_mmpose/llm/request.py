"""What a language model is asked, and what it answers."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, TypedDict, Union


class Message(TypedDict):
    """One turn. ``content`` is a text or OpenAI's list of parts, such as ``{'type': 'image_url', ...}``."""

    role: str
    content: Union[str, List[Dict[str, Any]]]


class Usage(NamedTuple):
    """Tokens that are paid for."""

    prompt_tokens: int
    completion_tokens: int


NO_TOKENS = Usage(0, 0)
ENCODER = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(',', ':'))


@dataclass(frozen=True)
class Request:
    """One request to a language model.

    Attributes:
        id: names the request in results and errors, such as 'conversation/785'.
        messages: 'system', 'user' and 'assistant', in order.
        prompt: name and version of the prompt, 'conversation/1'.
        settings: override the model's, such as ``temperature`` and ``max_tokens``.
        facts: from which the messages were made, :class:`ImageFacts` of most tasks; not sent, and not part of the key.
    """

    id: str
    messages: Tuple[Message, ...]
    prompt: str
    settings: Dict[str, Any] = field(default_factory=dict)
    facts: Optional[Any] = field(default=None, compare=False, repr=False)

    def key(self, model_settings: Dict[str, Any]) -> str:
        """SHA-256 of messages and settings, in hex: two requests with the same key have the same answer.

        Args:
            model_settings: of the model that is asked, its name included; the request's own override them.

        Raises:
            ValueError: a message or setting is not JSON.
        """
        content = dict(messages=self.messages, settings={**model_settings, **self.settings})
        try:
            text = ENCODER.encode(content)
        except (TypeError, ValueError) as error:
            raise ValueError(f'request {self.id!r} is not JSON ({error}): use texts, numbers, lists, dicts.') from None
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """The answer to a request.

    Attributes:
        text: '' if the model wrote none.
        finish_reason: 'stop', 'length' (cut at ``max_tokens``), 'refusal' or 'content_filter'.
        usage: None if the server does not say.
        model: its name as answered, which may be more exact than the one asked for.
    """

    text: str
    finish_reason: str = 'stop'
    usage: Optional[Usage] = None
    model: str = ''
