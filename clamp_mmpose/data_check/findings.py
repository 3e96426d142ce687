from dataclasses import asdict, dataclass, replace
from typing import Iterable, List

from .rules import RULES, Rule


@dataclass(frozen=True)
class Finding:
    """One fault of one file, instance or setting.

    Args:
        code: the rule's, such as ``'KP003'``; see :mod:`.rules`.
        item: the file or id.
        detail: what was found there.
        category: of MP-100, one or several.
        where: the setting of the config that the data set comes from.
    """

    code: str
    item: str
    detail: str = ''
    category: str = ''
    where: str = ''

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    @property
    def level(self) -> str:
        return self.rule.level

    @property
    def text(self) -> str:
        return self.rule.text

    def as_dict(self) -> dict:
        """The finding with its rule, as ``tools/check_dataset.py --json`` writes it."""
        return {**asdict(self.rule), **asdict(self)}


def located(findings: Iterable[Finding], where: str) -> List[Finding]:
    """The findings, with the setting of the config that they belong to."""
    return [replace(finding, where=where) for finding in findings]


def reason_of(error: Exception) -> str:
    """Type and first line of an error, for ``detail``."""
    return ': '.join([type(error).__name__, *str(error).splitlines()[:1]])
