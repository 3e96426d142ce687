from typing import Any, Dict, List

from clamp_mmpose.llm.request import Request

from .task import LeakError, TextTask


class CountedParse:
    """``parse`` of a task, which remembers the answers that cannot be used; :func:`ask` passes it those of the journal.

    Attributes:
        unparsable: reasons, one for each answer.
        leaked: likewise, the answers that speak of the annotations, whether they are asked for again, left out or kept.
        rejected: request id to reason, of values that are left out.
    """

    def __init__(self, task: TextTask):
        self.task = task
        self.unparsable: List[str] = []
        self.leaked: List[str] = []
        self.rejected: Dict[str, str] = {}

    def __call__(self, request: Request, text: str) -> Any:
        """As :meth:`TextTask.parse`."""
        try:
            value = self.task.parse(request, text)
        except LeakError as error:
            self.leaked.append(str(error))
            raise
        except ValueError as error:
            self.unparsable.append(str(error))
            raise
        leaks = self.task.leaks(value)
        if leaks:
            self.leaked.append(leaks[0])
            if self.task.on_leak == 'reject':
                self.rejected[request.id] = f'leak: {leaks[0]}'
        return value
