from dataclasses import dataclass

LEVELS = ('error', 'warning', 'info')


@dataclass(frozen=True)
class Rule:
    """A kind of fault.

    Args:
        code: two letters of its group and a number, such as ``'KP003'``.
        level: ``'error'``: training or evaluation would fail or be wrong; ``'warning'``: worth a look; ``'info'``.
        text: what is wrong.
        remedy: what to do.
    """

    code: str
    level: str
    text: str
    remedy: str
