from typing import ClassVar, List, Tuple

from clamp_mmpose.llm.request import Request

from .instruction_task import INPUTS, InstructionTask
from .parsing import Round, parse_rounds


class Conversation(InstructionTask):
    """Several questions and answers about an image (LLaVA-Pose, section 3.2), in one record.

    The published program gave captions only (``context='captions'``), and wrote one record for each round.
    """

    kind: ClassVar[str] = 'conversation'
    parts: ClassVar[Tuple[str, ...]] = (*INPUTS, 'request')

    def parse(self, request: Request, text: str) -> List[Round]:
        """The rounds of an answer; see :func:`parse_rounds`."""
        return self.without_leaks(parse_rounds(text))
