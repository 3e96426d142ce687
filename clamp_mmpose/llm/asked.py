from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, NamedTuple, Optional

from .request import NO_TOKENS, Usage


class Prices(NamedTuple):
    """Per million tokens."""

    prompt: float
    completion: float

    def cost(self, usage: Usage) -> float:
        """The price of these tokens."""
        return (self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) / 1e6


@dataclass
class Asked:
    """What became of the requests, each in one of ``values`` and ``failed``.

    Attributes:
        values: request id to what ``parse`` returned.
        failed: request id to the reason.
        provenance: request id to key, model as answered, prompt, settings and number of attempts, for each value.
        sent: attempts of this run.
        reused: requests answered by the journal.
        usage: tokens of this run.
        estimated: attempts of this run for which the server named no tokens.
        cost: of this run; None without prices.
        total_cost: of the whole journal.
        stopped: why not all were asked: the budget.
    """

    values: Dict[str, Any] = field(default_factory=dict)
    failed: Dict[str, str] = field(default_factory=dict)
    provenance: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    sent: int = 0
    reused: int = 0
    usage: Usage = NO_TOKENS
    estimated: int = 0
    cost: Optional[float] = None
    total_cost: Optional[float] = None
    stopped: Optional[str] = None

    def summary(self) -> str:
        """One line."""
        kinds = Counter(reason.split(':')[0] for reason in self.failed.values())
        parts = [
            f'{len(self.values):,} answered ({self.reused:,} by the journal)',
            *(
                [f'{len(self.failed):,} not: ' + ', '.join(f'{n:,} {kind}' for kind, n in kinds.most_common())]
                * bool(kinds)
            ),
            f'{self.sent:,} requests sent, {self.usage.prompt_tokens:,} + {self.usage.completion_tokens:,} tokens',
        ]
        if self.estimated:
            parts.append(f'those of {self.estimated:,} estimated from the length of the texts')
        if self.cost is not None:
            parts.append(f'cost {self.cost:.2f}, with earlier runs {self.total_cost:.2f}')
        return '; '.join([*parts, *filter(None, [self.stopped])]) + '.'
