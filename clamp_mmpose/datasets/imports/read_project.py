from pathlib import Path
from typing import Callable, Dict, NamedTuple, Optional, Union
from zipfile import is_zipfile

from .coco import is_coco, read_coco
from .cvat import is_cvat, read_cvat
from .deeplabcut import is_deeplabcut, read_deeplabcut
from .label_studio import is_label_studio, read_label_studio
from .project import LabeledProject, ReadOptions
from .sleap import is_sleap, read_sleap
from .yolo import is_yolo, read_yolo


class Kind(NamedTuple):
    """A tool: how its projects are recognized and read."""

    recognize: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], LabeledProject]


# the first that recognizes a project reads it
KINDS: Dict[str, Kind] = {
    'deeplabcut': Kind(is_deeplabcut, read_deeplabcut),
    'yolo': Kind(is_yolo, read_yolo),
    'cvat': Kind(is_cvat, read_cvat),
    'label-studio': Kind(is_label_studio, read_label_studio),
    'coco': Kind(is_coco, read_coco),
    'sleap': Kind(is_sleap, read_sleap),
}


def read_project(
    source: Union[str, Path], kind: Optional[str] = None, options: Optional[ReadOptions] = None
) -> LabeledProject:
    """Read what was labeled with another tool.

    Args:
        source: a file or a folder of the tool.
        kind: one of ``KINDS``; None: recognized.
        options: for the reader.

    Raises:
        FileNotFoundError: there is no such file or folder, or it has no labels.
        ValueError: no tool's project, an unknown kind, or damaged.
    """
    source = Path(source).expanduser()
    if not source.exists():
        raise FileNotFoundError(f'{source} not found (looked in {Path.cwd()}): give the project of the tool.')
    if source.is_file() and is_zipfile(source):
        raise ValueError(f'{source} is a ZIP file: unpack it and give the folder.')
    if kind is None:
        kind = next((name for name, each in KINDS.items() if each.recognize(source)), None)
    if kind not in KINDS:
        raise ValueError(
            f'{source} is none of the projects that can be imported ({", ".join(KINDS)}): give the folder or the file '
            'that the tool exported, or its kind with --kind.'
        )
    try:
        return KINDS[kind].read(source, options or ReadOptions())
    except (TypeError, AttributeError, LookupError, OverflowError) as error:  # a value of another type than the tool's
        raise ValueError(
            f'{source} has not the form of a project of {kind} ({type(error).__name__}: {error!s:.120}): export it '
            'again, or name its kind with --kind.'
        ) from error
    except ValueError as error:
        if source.name in str(error):
            raise
        raise ValueError(f'{source}: {error}') from error  # of a value that is no number, say
