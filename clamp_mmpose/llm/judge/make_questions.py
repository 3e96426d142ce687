"""Questions about images, and their text-only answers, by the tasks that write instruction data."""

import random
from typing import Dict, List, Mapping, Sequence, Tuple

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.request import Request
from clamp_mmpose.llm.tasks.task import LeakError, TextTask

from .question import TYPES, Question, describe


def draw_images(
    images: Sequence[ImageFacts], tasks: Mapping[str, TextTask], number: int, seed: int = 0
) -> List[ImageFacts]:
    """Images that every task can write about, drawn at random and in the order given.

    Raises:
        ValueError: there are fewer.
    """
    usable = list(
        {
            facts.image_id: facts for facts in images if all(task.unusable(facts) is None for task in tasks.values())
        }.values()
    )
    if len(usable) < number:
        reasons = {task.unusable(facts) for facts in images for task in tasks.values()} - {None}
        raise ValueError(
            f'num_images={number:,}, but questions can be asked about {len(usable):,} images'
            + (f' ({", ".join(sorted(filter(None, reasons)))} are left out)' if reasons else '')
            + ': lower num_images, or give more annotations.'
        )
    chosen = random.Random(seed).sample(range(len(usable)), number)
    return [usable[i] for i in sorted(chosen)]


class QuestionMaker:
    """One question of each type about each image, with the answer of the model that wrote it as reference.

    That model is told what is in the image and does not see it, as the paper's text-only reference.

    Args:
        images: to ask about.
        tasks: of the types in :data:`TYPES`.
        seed: of the choice of a round of a conversation.

    Raises:
        ValueError: a task of another type, or none.
    """

    def __init__(self, images: Sequence[ImageFacts], tasks: Mapping[str, TextTask], seed: int = 0):
        unknown = [kind for kind in tasks if kind not in TYPES]
        if unknown or not tasks:
            raise ValueError(f'expected tasks of {", ".join(TYPES)}, got {", ".join(tasks) or "none"}.')
        self.seed = seed
        self._tasks: Dict[str, Tuple[str, TextTask]] = {}
        self._facts: Dict[str, ImageFacts] = {}
        self.requests: List[Request] = []
        for kind, task in tasks.items():
            made = task.requests(images)
            self._tasks.update({request.id: (kind, task) for request in made})
            self._facts.update({request.id: facts for request, facts in zip(made, images)})
            self.requests += made

    def parse(self, request: Request, text: str) -> Question:
        """A question and its answer.

        Raises:
            ValueError: as the task's ``parse``.
        """
        kind, task = self._tasks[request.id]
        rounds = task.parse(request, text)
        if task.on_leak == 'reject':
            rounds = [one for one in rounds if not task.leaks([one])]
            if not rounds:
                raise LeakError('all of its rounds speak of the annotations')
        question, answer = random.Random(f'{self.seed}/{request.id}').choice(rounds)
        facts = self._facts[request.id]
        return Question(request.id, facts.image, kind, question, describe(facts), answer)
