from abc import abstractmethod
from pathlib import Path
from typing import Iterator, Sequence, Union

from clamp_mmpose.datasets.files.npz import NpzArrays

from .pose_reader import PoseReader
from .pose_sample import PoseSample


class NpzPoseReader(PoseReader):
    """A reader of .npz files that have all people of a data set in their rows.

    Args:
        ann_files: one file or several.
        data_root: their folder.
        images: folder of the images.
    """

    what: str  # such a file, in errors

    def __init__(self, ann_files: Union[str, Sequence[str]], data_root: str = '', images: str = ''):
        super().__init__()
        files = [ann_files] if isinstance(ann_files, (str, Path)) else list(ann_files)
        self.files, self.images = [Path(data_root, file) for file in files], images

    def samples(self) -> Iterator[PoseSample]:
        """The people in the order of the files."""
        for path in self.files:
            with NpzArrays(path, self.what) as file:
                yield from self.people(file)

    @abstractmethod
    def people(self, file: NpzArrays) -> Iterator[PoseSample]:
        """Those of one file."""
