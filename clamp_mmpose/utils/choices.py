import math
from numbers import Real
from typing import Any, Sequence


def check_choice(what: str, value: object, choices: Sequence[object]) -> None:
    """Raise a ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f'{what}={value!r}, expected one of {", ".join(map(repr, choices))}.')


def check_finite_number(name: str, value: Any) -> None:
    """Raise ValueError unless ``value`` is a finite number; ``name`` names it in the message."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f'{name}={value!r}, expected a finite number.')
