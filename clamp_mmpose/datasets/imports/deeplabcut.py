"""Projects of DeepLabCut (Mathis et al., Nature Neuroscience 2018): ``labeled-data/VIDEO/CollectedData_SCORER.csv``.

Single- and multi-animal projects, with index columns of one path or of three parts. sleap-io reads them too, but sorts
the keypoints, keeps one labeler, and leaves out images that are not where the table says.
"""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from clamp_mmpose.utils.files import read_text, read_yaml

from .deeplabcut_h5 import read_h5
from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions

CONFIG_KEYS = ('video_sets', 'bodyparts', 'scorer', 'Task', 'multianimalproject')
LEVELS = ('scorer', 'individuals', 'bodyparts', 'coords')
COLLECTED = 'CollectedData_'
UNIQUE = 'single'  # what DeepLabCut names the individual that has the unique body parts


@dataclass
class Table:
    """A table of labels.

    Args:
        path: the file.
        columns: (scorer, individual or '', body part, 'x' or 'y') of each.
        rows: paths of the images, as written.
        values: ``[rows, columns]``, NaN: not labeled.
    """

    path: Path
    columns: List[Tuple[str, str, str, str]]
    rows: List[str]
    values: np.ndarray


def is_deeplabcut(source: Path) -> bool:
    """Whether it is a project, its config, its folder of labels, or one of its tables."""
    if source.is_dir():
        return bool(_tables(source)) or _config_file(source, 0) is not None
    if source.suffix.lower() in ('.h5', '.hdf5', '.hdf'):
        return True
    if source.suffix.lower() in ('.yaml', '.yml'):
        return _config(source) is not None
    return source.suffix.lower() == '.csv' and read_text(source).lstrip().lower().startswith('scorer')


def read_deeplabcut(source: Path, options: ReadOptions) -> LabeledProject:
    """Read all labels of a project.

    Args:
        source: the folder of the project, its ``config.yaml``, a folder of labels, or a table.
        options: none is used.

    Raises:
        FileNotFoundError: there are no labels.
        ValueError: a table is not one of DeepLabCut.
    """
    notes: List[str] = []
    folder = source if source.is_dir() else source.parent
    config_file = source if source.suffix.lower() in ('.yaml', '.yml') else _config_file(folder)
    config = (_config(config_file) if config_file else None) or {}
    files = [source] if source.is_file() and source != config_file else _tables(folder)
    if not files:
        raise FileNotFoundError(
            f'{source} has no labels: expected labeled-data/VIDEO/{COLLECTED}SCORER.csv or .h5; label images first, or '
            'give the folder of the project.'
        )
    tables = [_read_table(file, notes) for file in files]
    names = _names(tables, config, notes)
    images: Dict[Tuple[str, str], LabeledImage] = {}
    root = config_file.parent if config_file else folder
    for table in tables:
        _add_images(images, table, names, _Places(root, table.path), _videos(config))
    notes += _unlabeled_notes(images, len(tables))
    unique = _words(config.get('uniquebodyparts'))
    if unique and any(name in names for name in unique):
        notes.append(
            f'the unique body parts ({", ".join(unique)}) are an instance of their own, since they belong to no animal'
        )
    return LabeledProject('deeplabcut', names, list(images.values()), _links(config, names, notes), notes=notes)


def _read_table(path: Path, notes: List[str]) -> Table:
    if path.suffix.lower() != '.csv':
        return Table(path, *read_h5(path))
    table = Table(path, *_read_csv(path))
    twin = path.with_suffix('.h5')
    if twin.is_file():
        try:
            other = Table(twin, *read_h5(twin))
        except (ImportError, ValueError) as error:
            notes.append(f'{twin.name} was not compared with {path.name}: {error}')
        else:
            different = _differences(table, other)
            if different:
                notes.append(
                    f'{path} and its .h5 differ in {different:,} coordinates; the CSV is used (give the .h5 file as '
                    'SOURCE to use that)'
                )
    return table


def _differences(table: Table, other: Table) -> int:
    ours, theirs = (
        {
            (PurePosixPath(row).name, *column[1:]): value
            for row, values in zip(each.rows, each.values)
            for column, value in zip(each.columns, values)
            if not np.isnan(value)
        }
        for each in (table, other)
    )
    # a CSV may have fewer digits
    return sum(abs(ours.get(key, np.inf) - theirs.get(key, np.inf)) > 0.01 for key in {*ours, *theirs})


def _read_csv(path: Path) -> Tuple[List[Tuple[str, str, str, str]], List[str], np.ndarray]:
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline='')))
    except csv.Error as error:
        raise ValueError(f'{path} cannot be read as CSV: {error}.') from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    header: Dict[str, List[str]] = {}
    for line in lines[: len(LEVELS)]:
        level = line[0].strip().lower()
        if level in LEVELS:
            header[level] = [cell.strip() for cell in line]
    if 'bodyparts' not in header or 'coords' not in header:
        raise ValueError(
            f'{path} is not a table of DeepLabCut: its first rows must be scorer, bodyparts and coords, got '
            f'{[line[0] for line in lines[:4]]}.'
        )
    coords = [cell.lower() for cell in header['coords']]
    used = [i for i, cell in enumerate(coords) if cell in ('x', 'y')]  # not 'likelihood' of predictions
    if not used:
        raise ValueError(f"{path} has no columns x and y: its row 'coords' is {header['coords']!s:.100}.")
    blank = [''] * len(coords)
    columns = []
    for i in used:
        scorer, individual, part, axis = (header.get(level, blank)[i : i + 1] for level in LEVELS)
        columns.append((''.join(scorer), ''.join(individual), ''.join(part), ''.join(axis)))
    first = next(i for i, cell in enumerate(coords) if i and cell)
    rows, values = [], np.full((len(lines) - len(header), len(used)), np.nan)
    for number, line in enumerate(lines[len(header) :]):
        rows.append('/'.join(cell.strip() for cell in line[:first] if cell.strip()))
        for place, column in enumerate(used):
            text = line[column].strip() if column < len(line) else ''
            if text and text.lower() not in ('nan', 'none', 'na'):
                values[number, place] = _number(text, f'{path}, row of {rows[-1]}')
    return columns, rows, values


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'{place}: expected a coordinate, got {text!r:.40}; correct the table.') from None


def _names(tables: Sequence[Table], config: dict, notes: List[str]) -> List[str]:
    """In the order of the config; those of tables only after them."""
    labeled = list(dict.fromkeys(column[2] for table in tables for column in table.columns))
    listed = _words(config.get('bodyparts'))
    listed = listed or _words(config.get('multianimalbodyparts')) + _words(config.get('uniquebodyparts'))
    unknown = [name for name in labeled if name not in listed]
    if listed and unknown:
        notes.append(f'body parts of the labels that the config does not list, kept: {", ".join(unknown)}')
    absent = [name for name in listed if name not in labeled]
    if absent:
        notes.append(f'body parts of the config that no table has, left out: {", ".join(absent)}')
    return [name for name in listed if name in labeled] + unknown


class _Places:
    """Finds images, which are often not where a table says: it was made in another folder or on Windows."""

    def __init__(self, root: Path, table: Path):
        self.root, self.folder = root, table.parent

    def find(self, written: str) -> Tuple[Path, str, str]:
        """The path of an image, the folder of its video, and its name there."""
        parts = [part for part in re.split(r'[\\/]+', written) if part not in ('', '.', '..')]
        if not parts:
            raise ValueError(f'{self.folder}: a row of the labels has no path of an image; correct the table.')
        name = parts[-1]
        video = parts[-2] if len(parts) > 1 else self.folder.name
        options = [
            self.root / 'labeled-data' / video / name,
            self.folder / name,
            *(base / Path(*parts) for base in (self.root, self.folder, self.folder.parent, self.folder.parent.parent)),
        ]
        return next((path for path in options if path.is_file()), options[0]), video, name


def _add_images(
    images: Dict[Tuple[str, str], LabeledImage], table: Table, names: List[str], places: _Places, videos: Dict[str, str]
) -> None:
    individuals = list(dict.fromkeys(column[1] for column in table.columns))
    multiple = len(individuals) > 1 or bool(individuals[0])
    labeler = table.columns[0][0] or table.path.stem
    if table.path.stem.startswith(COLLECTED):  # the header of a copied table names somebody else
        labeler = table.path.stem[len(COLLECTED) :]
    for row, values in zip(table.rows, table.values):
        path, video, name = places.find(row)
        image = images.setdefault(
            (video, name),
            LabeledImage(f'{video}/{name}', path, video=videos.get(video, video), frame=_frame(name)),
        )
        keypoints = np.full((len(individuals), len(names), 2), np.nan)
        for (_, individual, part, coordinate), value in zip(table.columns, values):
            keypoints[individuals.index(individual), names.index(part), 'xy'.index(coordinate.lower())] = value
        for individual, points in zip(individuals, keypoints):
            instance = LabeledInstance(points, track=individual if multiple else None, labeler=labeler)
            known = [(other.track, other.labeler) for other in image.instances]
            if (instance.track, labeler) in known:  # the image has two rows: the last one counts
                del image.instances[known.index((instance.track, labeler))]
            if instance.labeled.any():
                image.instances.append(instance)


def _unlabeled_notes(images: Dict[Any, LabeledImage], tables: int) -> List[str]:
    labelers = sorted({str(instance.labeler) for image in images.values() for instance in image.instances})
    return [f'labels of {len(labelers)} people: {", ".join(labelers)}'] if len(labelers) > 1 and tables > 1 else []


def _frame(name: str) -> Optional[int]:
    """``img0012.png`` is frame 12 of its video."""
    digits = re.search(r'(\d+)$', name.rsplit('.', 1)[0])
    return int(digits[1]) if digits else None


def _videos(config: dict) -> Dict[str, str]:
    """The file names of the videos by the folder of their images."""
    sets = config.get('video_sets')
    files = [re.split(r'[\\/]', str(path))[-1] for path in sets] if isinstance(sets, dict) else []
    return {file.rsplit('.', 1)[0]: file for file in files}


def _links(config: dict, names: List[str], notes: List[str]) -> List[Tuple[int, int]]:
    links, unknown = [], []
    for link in config.get('skeleton') or []:
        ends = [str(end) for end in link] if isinstance(link, list) else []
        if len(ends) == 2 and ends[0] != ends[1] and all(end in names for end in ends):
            links.append((names.index(ends[0]), names.index(ends[1])))
        else:
            unknown.append(link)
    if unknown:
        notes.append(f'links of the skeleton that are not between two labeled body parts, left out: {unknown}')
    return links


def _tables(folder: Path) -> List[Path]:
    """The tables of labels of a folder: a CSV rather than the H5 with the same labels."""
    found = [
        path
        for pattern in ('', 'labeled-data/*/', '*/')
        for path in sorted(folder.glob(f'{pattern}{COLLECTED}*'))
        if path.suffix.lower() in ('.csv', '.h5')
        # DeepLabCut keeps copies of labels of cropped or labeled images beside the folders
        and not path.parent.name.endswith(('_labeled', '_cropped'))
    ]
    return [
        path for path in dict.fromkeys(found) if path.suffix.lower() == '.csv' or path.with_suffix('.csv') not in found
    ]


def _config_file(folder: Path, above: int = 2) -> Optional[Path]:
    """The config of a project, in this folder or so many folders above."""
    for place in (folder, *list(folder.resolve().parents)[:above]):
        files = sorted(place.glob('*.y*ml'), key=lambda path: (path.name != 'config.yaml', path.name))
        for file in files:
            if _config(file) is not None:
                return file
    return None


def _config(path: Path) -> Optional[dict]:
    """The content of a config; None if it is one of something else."""
    try:
        content = read_yaml(path, 'config', 'give the folder of the project')
    except ValueError:
        if path.name == 'config.yaml':
            raise
        return None
    return content if isinstance(content, dict) and sum(key in content for key in CONFIG_KEYS) >= 2 else None


def _words(value: Any) -> List[str]:
    """The names of a list; 'MULTI!', and nothing, are none."""
    return [str(name) for name in value] if isinstance(value, list) else []
