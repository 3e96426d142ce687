import glob
import os
import tarfile
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import numpy as np
from mmpose.registry import DATASETS

from clamp_mmpose.checkpoints.array_pickles import load_array_pickle
from clamp_mmpose.datasets.files.images import is_image_name
from clamp_mmpose.datasets.files.tar_members import tar_address

from .pose_reader import PoseReader
from .pose_sample import PoseSample
from .smpl_poses import matrices_of, smpl_vectors, square

LABELS = 'data.pyd'


@DATASETS.register_module()
class Humans4D(PoseReader):
    """The training data of HMR2.0 (Goel et al., ICCV 2023): tars of ``KEY.jpg`` and ``KEY.data.pyd``.

    The latter is a pickle of a list of people, ``center``, ``scale`` (box / 200), ``body_pose`` (72 numbers, the first
    three are the whole body's), ``has_body_pose``, ``betas``, ``has_betas``; no code in it is run. Images stay in the
    tars and are read when they are needed. People without a pose are left out; the masks in ``KEY.detection.npz`` are
    not read.

    Args:
        tars: one pattern such as ``'data/hmr2_training_data/*/*.tar'``, or several.

    Raises:
        FileNotFoundError: no tar has such a name.
        ValueError: a tar or the labels in it are not as expected.
    """

    def __init__(self, tars: Union[str, Sequence[str]]):
        super().__init__()
        patterns = [tars] if isinstance(tars, str) else list(tars)
        self.paths: List[str] = []
        for pattern in patterns:
            found = sorted(glob.glob(pattern, recursive=True))
            if not found:
                raise FileNotFoundError(f'Humans4D: no file is named {pattern} (looked in {os.getcwd()}).')
            self.paths += found

    def samples(self) -> Iterator[PoseSample]:
        """The people with a pose, in the order of the tars."""
        for path in self.paths:
            for key, image, labels in self._entries(path):
                yield from self._people(path, key, image, labels)

    def _entries(self, path: str) -> Iterator[Tuple[str, str, bytes]]:
        """Key, address of the image and bytes of the labels; the files of a key stand together."""
        try:
            with tarfile.open(path, 'r:') as tar:
                found: Dict[str, Any] = {}
                for member in tar:
                    folder, _, name = member.name.rpartition('/')
                    base, _, suffix = name.partition('.')
                    key = f'{folder}/{base}' if folder else base
                    if not member.isfile():
                        continue
                    entry = found.setdefault(key, {})
                    if suffix == LABELS:
                        entry['labels'] = tar.extractfile(member).read()
                    elif is_image_name(name):
                        entry['image'] = tar_address(path, member.offset_data, member.size)
                    if len(entry) == 2:
                        yield key, entry['image'], entry['labels']
                        found[key] = {}
                    tar.members = []  # a list of all of them would fill the memory
        except tarfile.TarError as error:
            raise ValueError(f'{path} cannot be read as a tar without compression: {error}; copy it again.') from error
        self.dropped['images without labels'] += sum('image' in entry for entry in found.values())
        self.dropped['labels without image'] += sum('labels' in entry for entry in found.values())

    def _people(self, path: str, key: str, image: str, labels: bytes) -> Iterator[PoseSample]:
        what = f'{path}: {key}.{LABELS}'
        people = load_array_pickle(labels, what)
        if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
            raise ValueError(f'{what} must be a list of dicts, got {people!r:.60}.')
        for i, person in enumerate(people):
            if not np.any(person.get('has_body_pose', False)):
                self.dropped['people without pose'] += 1
                continue
            try:
                vectors = np.asarray(person['body_pose'], float).reshape(1, 24, 3)
                box = square(person['center'], 200 * np.asarray(person['scale'], float))
                betas = np.asarray(person['betas'], np.float32).ravel() if np.any(person.get('has_betas')) else None
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{what}: person {i} needs body_pose (72 numbers), center, scale: {type(error).__name__} {error}.'
                ) from error
            if not (np.isfinite(vectors).all() and np.isfinite(box).all()):
                self.dropped['poses that are not finite'] += 1
                continue
            turned, mask = smpl_vectors(vectors)
            (rotations,) = matrices_of(turned)
            tar = os.path.splitext(os.path.basename(path))[0]
            yield PoseSample(
                record_id=f'{tar}/{key}:{i}',
                rotations=rotations,
                mask=mask,
                image=image,
                box=box,
                betas=betas,
                source=path,
            )
