from dataclasses import dataclass
from typing import Dict, Optional, Tuple

FACING = ('facing the camera', 'facing away', 'facing left', 'facing right')


@dataclass(frozen=True)
class Fact:
    """What keypoints say about a part of a body.

    Attributes:
        subject: the person's own side: 'left arm', 'right knee', 'hands', 'trunk', 'head', 'person', 'left front leg'.
        state: such as 'raised', 'bent', 'leaning left' (of the image), 'facing away'.
        degrees: the angle that decides, if one does.
    """

    subject: str
    state: str
    degrees: Optional[float] = None


class Verdicts:
    """What is known to be true and what to be false of one pose; in between is a gap in which nothing is said."""

    def __init__(self):
        self._known: Dict[Tuple[str, str], Tuple[bool, Optional[float]]] = {}

    def add(
        self, subject: str, state: str, true: bool = False, false: bool = False, degrees: Optional[float] = None
    ) -> bool:
        """Keep what is true, or false; nothing if neither. Returns ``true``."""
        if true or false:
            self._known[subject, state] = (bool(true), degrees)
        return true

    def get(self, subject: str, state: str) -> Optional[bool]:
        """None: not known."""
        return self._known.get((subject, state), (None, None))[0]

    def fact(self, subject: str, state: str) -> Fact:
        return Fact(subject, state, self._known.get((subject, state), (None, None))[1])
