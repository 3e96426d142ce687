import random
from typing import Any, Callable, Dict

from .language_model import AnswerError, LanguageModel
from .request import Reply, Request
from .template_texts.conversation import write_conversation
from .template_texts.description import write_attributes, write_description, write_detail
from .template_texts.reasoning import write_reasoning
from .template_texts.scene import Scene

VERSION = 'template/1'
WRITERS: Dict[str, Callable[[Scene], str]] = dict(
    conversation=write_conversation,
    detail=write_detail,
    reasoning=write_reasoning,
    descriptions=write_description,
    attributes=write_attributes,
)


class TemplateWriter(LanguageModel):
    """No language model: writes texts by rules from the facts of an image, without numbers or names of keypoints.

    The wording is drawn for each request and attempt, so a run can be repeated.

    Args:
        with_keypoints: False: write from captions, activity and numbers of people only.
        seed: of the wording.
    """

    def __init__(self, with_keypoints: bool = True, seed: int = 0):
        self.settings: Dict[str, Any] = dict(model=VERSION, with_keypoints=with_keypoints, seed=seed)
        self.concurrency = 1

    async def answer(self, request: Request, attempt: int) -> Reply:
        """The text for the prompt's name.

        Raises:
            AnswerError: the request has no facts, or a prompt for which there are no rules.
        """
        return Reply(self.write(request, attempt), model=VERSION)

    def write(self, request: Request, attempt: int = 0) -> str:
        """See :meth:`answer`."""
        kind = request.prompt.partition('/')[0]
        if kind not in WRITERS:
            raise AnswerError(
                f'no rules for the prompt {request.prompt!r}; llm.type="template" writes {", ".join(WRITERS)}.',
                again=False,
            )
        if request.facts is None:
            raise AnswerError(f'request {request.id!r} has no facts, from which the rules could write.', again=False)
        choose = random.Random(f'{self.settings["seed"]}/{request.id}/{attempt}').choice
        return WRITERS[kind](Scene(request.facts, choose, self.settings['with_keypoints']))
