from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence

from clamp_mmpose.language.text_leaks import find_leaks
from clamp_mmpose.llm.request import Request
from clamp_mmpose.utils.files import check_writable


class Made(NamedTuple):
    """One text: ``value`` is what ``parse`` returned; ``provenance`` goes into the file beside the texts."""

    request: Request
    value: Any
    provenance: Dict[str, Any]


ON_LEAK = ('again', 'reject', 'keep')


class LeakError(ValueError):
    """The text speaks of the annotations it was written from; it is asked for again."""


class TextTask(ABC):
    """What is written about an image (or about all of them): a request, how its answer is read, and the file.

    A task has no state that an answer changes: a run that goes on after an interruption makes the same requests.

    Attributes:
        source: the section of the config that it is written from: 'facts' of a data set with keypoints, or 'poses'.
        follow_up: a task that is asked next in the same run, about what this one made: its ``requests`` takes a list of
            :class:`Made`, and it writes the file.
        on_leak: what becomes of a value with :meth:`leaks`: 'keep', 'reject' (it is left out and counted), or 'again'
            (``parse`` raises a :class:`LeakError`).
    """

    source: str = 'facts'
    follow_up: Optional['TextTask'] = None
    on_leak: str = 'keep'

    def requests(self, images: Sequence[Any]) -> List[Request]:
        """One request for each image (or pose) that :meth:`unusable` has no objection to, in order.

        A task about the whole data set overrides it.
        """
        return [self.request(facts) for facts in images if self.unusable(facts) is None]

    def unusable(self, facts: Any) -> Optional[str]:
        """Why nothing can be written about this image, such as 'images without captions'; the images are counted."""
        return None

    @abstractmethod
    def request(self, facts: Any) -> Request:
        """What the language model is asked; the ids of a run differ."""

    @abstractmethod
    def parse(self, request: Request, text: str) -> Any:
        """The value of an answer.

        Raises:
            LeakError: the text speaks of the annotations.
            ValueError: it cannot be read; the message says why.
        """

    def leaks(self, value: Any) -> List[str]:
        """Where a parsed value speaks of the annotations, for tasks that look."""
        return []

    def without_leaks(self, value: Any) -> Any:
        """The value, for the end of ``parse``.

        Raises:
            LeakError: it has leaks, and such texts are asked for again.
        """
        found = self.leaks(value) if self.on_leak == 'again' else []
        if found:
            raise LeakError(f'it speaks of the annotations ({"; ".join(found[:3])})')
        return value

    def check_path(self, path: Path) -> None:
        """Raise ValueError or OSError, before anything is asked, unless the file can be written."""
        check_writable(path)

    @abstractmethod
    def write(self, path: Path, made: Sequence[Made]) -> None:
        """Write the file, whole."""


def leaks_of(texts: Iterable[str]) -> List[str]:
    """What texts say of annotations: 'keypoint: ...'."""
    return [f'{kind}: {found!r}' for text in texts for kind, found in find_leaks(text)]


def unique_ids(requests: Sequence[Request]) -> List[Request]:
    """The requests, of which the second about an image (MP-100: another category in it) is called 'detail/785#2'."""
    seen: Counter = Counter()
    named = []
    for request in requests:
        seen[request.id] += 1
        number = seen[request.id]
        named.append(request if number == 1 else replace(request, id=f'{request.id}#{number}'))
    return named
