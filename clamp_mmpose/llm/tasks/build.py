import inspect
from typing import Any, Dict, List, Type

from clamp_mmpose.utils.choices import check_choice

from .attributes import Attributes
from .conversation import Conversation
from .descriptions import Descriptions
from .detail import Detail
from .keypoint_texts import KeypointTexts
from .person_descriptions import PersonDescriptions
from .reasoning import Reasoning
from .speculative_poses import SpeculativePoses
from .task import TextTask

TASKS: Dict[str, Type[TextTask]] = dict(
    conversation=Conversation,
    detail=Detail,
    reasoning=Reasoning,
    descriptions=Descriptions,
    attributes=Attributes,
    keypoint_texts=KeypointTexts,
    speculative_poses=SpeculativePoses,
    person_descriptions=PersonDescriptions,
)


def build_task(name: str, **options: Any) -> TextTask:
    """Build a task by its name.

    Args:
        options: of the task's class.

    Raises:
        ValueError: an unknown task or option; the message lists those that exist. Or a needed option is missing.
    """
    check_choice('task', name, list(TASKS))
    parameters = inspect.signature(TASKS[name]).parameters
    known: List[str] = list(parameters)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f'the task {name} has no option {", ".join(unknown)}; expected {", ".join(known)}.')
    missing = [key for key in known if parameters[key].default is inspect.Parameter.empty and key not in options]
    if missing:
        raise ValueError(f'the task {name} needs {", ".join(missing)}: set tasks.{name}.{missing[0]} in the config.')
    return TASKS[name](**options)
