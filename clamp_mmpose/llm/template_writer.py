import random
from typing import Any, Callable, Dict

from clamp_mmpose.language.pose_facts.wording import Choose

from .language_model import AnswerError, LanguageModel
from .request import Reply, Request
from .template_texts.conversation import write_conversation
from .template_texts.description import write_attributes, write_description, write_detail
from .template_texts.keypoint_texts import write_keypoint_texts
from .template_texts.person import write_aspects, write_summary
from .template_texts.reasoning import write_reasoning
from .template_texts.scene import Scene
from .template_texts.speculative import write_speculative

VERSION = 'template/1'
WRITERS: Dict[str, Callable[[Scene], str]] = dict(
    conversation=write_conversation,
    detail=write_detail,
    reasoning=write_reasoning,
    descriptions=write_description,
    attributes=write_attributes,
)
OF_DATA_SETS = dict(keypoint_texts=write_keypoint_texts)  # from all instances, of which there are too many for a scene
# from facts that are not those of an image
OTHERS: Dict[str, Callable[[Any, Choose], str]] = dict(
    speculative_poses=write_speculative, person_descriptions=write_aspects, person_summary=write_summary
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

    def key(self, request: Request) -> str:
        """With the facts and the id: a text depends on them, and images with the same messages differ."""
        return request.key({**self.settings, 'id': request.id, 'facts': repr(request.facts)})

    async def answer(self, request: Request, attempt: int) -> Reply:
        """The text for the prompt's name.

        Raises:
            AnswerError: the request has no facts, or a prompt for which there are no rules.
        """
        return Reply(self.write(request, attempt), model=VERSION)

    def write(self, request: Request, attempt: int = 0) -> str:
        """See :meth:`answer`."""
        kind = request.prompt.partition('/')[0]
        known = (*WRITERS, *OF_DATA_SETS, *OTHERS)
        if kind not in known:
            raise AnswerError(
                f'no rules for the prompt {request.prompt!r}; llm.type="template" writes {", ".join(known)}.',
                again=False,
            )
        if request.facts is None:
            raise AnswerError(f'request {request.id!r} has no facts, from which the rules could write.', again=False)
        if kind in OF_DATA_SETS:
            return OF_DATA_SETS[kind](request.facts)
        choose = random.Random(f'{self.settings["seed"]}/{request.id}/{attempt}').choice
        if kind in OTHERS:
            return OTHERS[kind](request.facts, choose)
        return WRITERS[kind](Scene(request.facts, choose, self.settings['with_keypoints']))
