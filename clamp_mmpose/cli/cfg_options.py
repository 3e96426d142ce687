"""The values of ``--cfg-options``."""

import argparse
import re
from typing import Any, Optional, Sequence, Union

from mmengine.config import DictAction

SPACE = '\0'  # in no argument of a command line


class CfgOptions(DictAction):
    """MMEngine's action, which removes all spaces from a value; here those in paths and names stay.

    ``['left ear', nose]``, ``[left ear, nose]`` and ``left ear,nose`` are the same list. An option without ``=`` and
    brackets that do not match are wrong usage.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Union[str, Sequence[Any], None],
        option_string: Optional[str] = None,
    ) -> None:
        """Add the values to the namespace, see :class:`mmengine.config.DictAction`."""
        for option in values or ():
            if '=' not in option:
                raise argparse.ArgumentError(self, f'{option!r}, expected KEY=VALUE without spaces around the =')
            super().__call__(parser, namespace, [option], option_string)

    def _parse_iterable(self, val: str) -> Any:
        text = re.sub(r'\s*,\s*|(?<=[\[(])\s+|\s+(?=[\])])', lambda found: found[0].strip(), val.strip())
        try:
            return _with_spaces(DictAction._parse_iterable(text.replace(' ', SPACE)))
        except AssertionError as error:
            raise argparse.ArgumentError(self, f'{val!r}, brackets do not match') from error


def _with_spaces(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_with_spaces(item) for item in value)
    return value.replace(SPACE, ' ') if isinstance(value, str) else value
