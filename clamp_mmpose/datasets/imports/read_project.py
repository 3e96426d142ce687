from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Union

from .deeplabcut import is_deeplabcut, read_deeplabcut
from .project import LabeledProject


class Kind(NamedTuple):
    """A tool: how its projects are recognized and read."""

    recognize: Callable[[Path], bool]
    read: Callable[..., LabeledProject]


# the first that recognizes a project reads it
KINDS: Dict[str, Kind] = {
    'deeplabcut': Kind(is_deeplabcut, read_deeplabcut),
}


def read_project(source: Union[str, Path], kind: Optional[str] = None, **options: Any) -> LabeledProject:
    """Read what was labeled with another tool.

    Args:
        source: a file or a folder of the tool.
        kind: one of ``KINDS``; None: recognized.
        options: of the reader, see there.

    Raises:
        FileNotFoundError: there is no such file or folder, or it has no labels.
        ValueError: no tool's project, an unknown kind, or damaged.
    """
    source = Path(source).expanduser()
    if not source.exists():
        raise FileNotFoundError(f'{source} not found (looked in {Path.cwd()}): give the project of the tool.')
    if kind is None:
        kind = next((name for name, each in KINDS.items() if each.recognize(source)), None)
    if kind not in KINDS:
        raise ValueError(
            f'{source} is none of the projects that can be imported ({", ".join(KINDS)}): give the folder or the file '
            'that the tool exported, or its kind with --kind.'
        )
    return KINDS[kind].read(source, **options)
