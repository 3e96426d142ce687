from typing import Sequence


def check_choice(what: str, value: object, choices: Sequence[object]) -> None:
    """Raise a ValueError unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(f'{what}={value!r}, expected one of {", ".join(map(repr, choices))}.')
