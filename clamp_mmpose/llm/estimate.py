from dataclasses import dataclass
from typing import Optional, Sequence

from .asked import Prices
from .journal import JournalIndex
from .language_model import LanguageModel
from .request import Request, Usage
from .tokens import Count, approximate, prompt_tokens


@dataclass(frozen=True)
class Estimate:
    """What asking would take.

    Attributes:
        requests: all of them.
        to_ask: without those that the journal has an answer to, and duplicates.
        prompt_tokens: about.
        completion_tokens: at most; None: an answer has no limit.
        cost: at most, if each is answered once; None without prices.
    """

    requests: int
    to_ask: int
    prompt_tokens: int
    completion_tokens: Optional[int]
    cost: Optional[float]


def estimate(
    requests: Sequence[Request],
    model: LanguageModel,
    prices: Optional[Prices] = None,
    journal: Optional[JournalIndex] = None,
    count: Count = approximate,
) -> Estimate:
    """Estimate tokens and cost; nothing is sent.

    Args:
        requests, model, prices: as in :func:`ask`.
        journal: of earlier runs.
        count: tokens of a text; by default a fourth of its characters.
    """
    by_key = {model.key(request): request for request in requests}
    missing = [request for key, request in by_key.items() if not (journal and _is_done(journal, key))]
    prompt = sum(prompt_tokens(request.messages, count) for request in missing)
    limits = [{**model.settings, **request.settings}.get('max_tokens') for request in missing]
    completion = None if None in limits else sum(filter(None, limits))
    cost = None if prices is None or completion is None else prices.cost(Usage(prompt, completion))
    return Estimate(len(requests), len(missing), prompt, completion, cost)


def _is_done(journal: JournalIndex, key: str) -> bool:
    return any(place.status == 'done' for place in journal.places(key))
