"""What answers requests, and how a request fails."""

from abc import ABC, abstractmethod
from typing import Any, Dict

from .request import Reply, Request


class AnswerError(OSError):
    """One request has no answer; others may have one.

    Attributes:
        again: whether it may be asked again.
    """

    def __init__(self, message: str, again: bool = True):
        super().__init__(message)
        self.again = again


class ServerError(OSError):
    """No request will be answered before the user changes something."""


class LanguageModel(ABC):
    """What :func:`ask` asks.

    Attributes:
        settings: what an answer depends on: model, temperature, ``max_tokens`` ...; a request's own override them.
        concurrency: how many requests are under way at a time.
    """

    settings: Dict[str, Any]
    concurrency: int = 1

    def key(self, request: Request) -> str:
        """Two requests with the same key have the same answer."""
        return request.key(self.settings)

    @abstractmethod
    async def answer(self, request: Request, attempt: int) -> Reply:
        """The answer to a request; later attempts differ from earlier ones if the model can answer differently.

        Raises:
            AnswerError: this request has no answer.
            ServerError: the server cannot be used.
        """

    async def close(self) -> None:  # noqa: B027 (most have none)
        """Close connections; called in the event loop in which the requests were answered."""
