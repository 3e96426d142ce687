from typing import ClassVar, List, Tuple

from clamp_mmpose.llm.request import Request

from .instruction_task import INPUTS, InstructionTask
from .parsing import Round, parse_rounds


class Reasoning(InstructionTask):
    """A question that takes several steps of thought, with its answer (LLaVA-Pose, section 3.2 and Table 5)."""

    kind: ClassVar[str] = 'reasoning'
    parts: ClassVar[Tuple[str, ...]] = (*INPUTS, 'request')

    def parse(self, request: Request, text: str) -> List[Round]:
        """The question and the answer; see :func:`parse_rounds`.

        Raises:
            ValueError: also for several questions.
        """
        rounds = parse_rounds(text, single=True)
        if len(rounds) > 1:
            raise ValueError(f'it holds {len(rounds)} questions, expected one')
        return self.without_leaks(rounds)
