import random
from typing import ClassVar, List

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.request import Request

from .instruction_task import InstructionTask
from .parsing import Round, parse_description


class Detail(InstructionTask):
    """A detailed description, asked for by one of the 16 instructions (LLaVA-Pose, section 3.2 and Table 4).

    Which one depends on the seed and the image alone: it stays the same when images are added.
    """

    kind: ClassVar[str] = 'detail'

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.loaded_prompt.instructions:
            raise ValueError(f'prompt {self.prompt} has no instructions: add a list of them.')

    def parse(self, request: Request, text: str) -> List[Round]:
        """The instruction, which is the last line of the request, and the description."""
        instruction = str(request.messages[-1]['content']).rpartition('\n')[2]
        return self.without_leaks([Round(instruction, parse_description(text))])

    def _written(self, question: str) -> str:
        return ''

    def _instruction(self, facts: ImageFacts) -> str:
        instructions = self.loaded_prompt.instructions
        drawn = random.Random(f'{self.seed}/{facts.image_id}').choice(instructions)
        return drawn.format(subjects=self._subjects(facts))
