import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
import torch
from mmpose.registry import DATASETS

from clamp_mmpose.body.rotations import amass_root_to_camera
from clamp_mmpose.body.smpl_joints import NUM_SHARED
from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.utils.files import parse_json

from .amass import read_frames, sequence_file
from .pose_reader import PoseReader
from .pose_sample import PoseSample
from .smpl_poses import matrices_of, smpl_vectors

KINDS = ('all', 'human', 'automatic')
MISSING = ('error', 'skip')
FILES: Dict[str, Dict[str, Any]] = {
    '100k': dict(
        poses='ids_2_dataset_sequence_and_frame_index_100k.json',
        split='{}_ids_100k.json',
        human=['posescript_human_6293.json'],
        automatic=['posescript_auto_100k.json'],
    ),
    '20k': dict(
        poses='ids_2_dataset_sequence_and_frame_index.json',
        split='{}_ids.json',
        human=['human6293.json'],
        automatic=[f'automatic_{letter}.json' for letter in 'ABCDEF'],
    ),
}


@DATASETS.register_module()
class PoseScript(PoseReader):
    """PoseScript's descriptions (Delmas et al., ECCV 2022) with the poses of AMASS.

    The first release (20,000 poses) and that of the journal version (100,000), as folder or zip file; which one it is,
    is seen from its files. The body is turned into the camera's frame as ChatPose does, see
    :func:`amass_root_to_camera`; SMPL-H has fingers where SMPL has hands, so these have no labels.

    Args:
        root: folder or zip file of PoseScript.
        amass: folder of AMASS, "SMPL+H G", with the folders of its subsets by their old or new names.
        split: ``'train'``, ``'val'`` or ``'test'``.
        texts: ``'human'``, ``'automatic'`` or ``'all'``.
        missing: for sequences of AMASS that are not there, ``'error'`` or ``'skip'``.
        release: ``'20k'`` or ``'100k'``; None: the larger one that is there.

    Raises:
        FileNotFoundError: a file of PoseScript or, with ``missing='error'``, a sequence does not exist.
        ValueError: a file is not as expected.
    """

    def __init__(
        self,
        root: str,
        amass: str,
        split: str = 'train',
        texts: str = 'all',
        missing: str = 'error',
        release: Optional[str] = None,
    ):
        super().__init__()
        check_choice('PoseScript: texts', texts, KINDS)
        check_choice('PoseScript: missing', missing, MISSING)
        check_choice('PoseScript: release', release, (None, *FILES))
        self.root, self.amass, self.split = Path(root), Path(amass), split
        self.texts, self.missing, self.release = texts, missing, release

    def samples(self) -> Iterator[PoseSample]:
        """Poses in the order of the split, each with all of its texts."""
        with _Release(self.root) as files:
            kind = self.release or next((kind for kind in FILES if files.has(FILES[kind]['poses'])), None)
            if kind is None:
                raise FileNotFoundError(
                    f'{self.root} has no {FILES["20k"]["poses"]} or {FILES["100k"]["poses"]}: give the folder or the '
                    'zip file of PoseScript.'
                )
            names = FILES[kind]
            places = files.read(names['poses'], dict)
            ids = [str(number) for number in files.read(names['split'].format(self.split), list)]
            texts: Dict[str, List[str]] = defaultdict(list)
            for source in ('human', 'automatic'):
                if self.texts in ('all', source):
                    for name in names[source]:
                        for key, found in files.read(name, dict).items():
                            texts[key] += [found] if isinstance(found, str) else found
        unknown = [number for number in ids if not _is_place(places.get(number))]
        if unknown:
            raise ValueError(
                f'{self.root}: {names["poses"]} must have [dataset, sequence, frame] of pose {unknown[0]}, '
                f'got {places.get(unknown[0])!r:.60}.'
            )
        vectors = self._vectors({number: (places[number][1], places[number][2]) for number in ids})
        kept = [number for number in ids if number in vectors]
        if not kept:
            return
        found, mask = smpl_vectors(np.stack([vectors[number] for number in kept]))
        roots = amass_root_to_camera(torch.from_numpy(found[:, 0])).numpy()
        for i, (number, rotations) in enumerate(zip(kept, matrices_of(found))):
            rotations[0] = roots[i]
            sequence = '/'.join(map(str, places[number][1:]))
            yield PoseSample(number, rotations, mask, texts=texts.get(number, ()), source=sequence)

    def _vectors(self, places: Dict[str, Tuple[str, int]]) -> Dict[str, np.ndarray]:
        """Axis-angle vectors ``[22, 3]`` of each pose; each sequence is read once."""
        of_sequence: Dict[str, List[str]] = defaultdict(list)
        for number, (sequence, _) in places.items():
            of_sequence[sequence].append(number)
        vectors: Dict[str, np.ndarray] = {}
        for sequence, numbers in of_sequence.items():
            path = sequence_file(self.amass, sequence)
            if path is None and self.missing == 'error':
                raise FileNotFoundError(
                    f'AMASS sequence {sequence} of PoseScript is not in {self.amass}: download its subset (SMPL+H G), '
                    "or set missing='skip'."
                )
            if path is None:
                self.dropped['poses without their AMASS sequence'] += len(numbers)
                continue
            frames = read_frames(path, [places[number][1] for number in numbers])
            vectors.update(zip(numbers, frames[:, :NUM_SHARED]))
        return vectors


class _Release:
    """The files of a folder or a zip file, in whichever folder of it they are."""

    def __init__(self, root: Path):
        if not root.exists():
            raise FileNotFoundError(f'PoseScript {root} not found (looked in {Path.cwd()}): check the path.')
        self.root = root
        try:
            self.zip = None if root.is_dir() else zipfile.ZipFile(root)
        except zipfile.BadZipFile as error:
            raise ValueError(f'PoseScript {root} is neither a folder nor a zip file: {error}.') from error
        names = sorted(map(str, root.rglob('*.json'))) if self.zip is None else self.zip.namelist()
        self.paths = {name.rsplit('/', 1)[-1]: name for name in reversed(names) if '__MACOSX' not in name}

    def __enter__(self) -> '_Release':
        return self

    def __exit__(self, *error: Any) -> None:
        if self.zip is not None:
            self.zip.close()

    def has(self, name: str) -> bool:
        return name in self.paths

    def read(self, name: str, expected: type) -> Any:
        if name not in self.paths:
            raise FileNotFoundError(f'{self.root} has no {name}: get the whole release of PoseScript.')
        path = self.paths[name]
        try:
            content = parse_json(Path(path).read_bytes() if self.zip is None else self.zip.read(path), finite=True)
        except (ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f'{self.root}: {name} cannot be read as JSON: {error}; copy it again.') from error
        if not isinstance(content, expected):
            raise ValueError(f'{self.root}: {name} must be a JSON {expected.__name__}, got {content!r:.60}.')
        return content


def _is_place(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 3 and isinstance(entry[1], str) and type(entry[2]) is int
