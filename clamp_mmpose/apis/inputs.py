"""What an inferencer is asked about: image files, arrays, folders, videos, cameras."""

import mimetypes
from pathlib import Path
from typing import Any, Iterable, Iterator, List

import mmcv
import numpy as np

from clamp_mmpose.datasets.files.images import image_files

UNSEEN_FRAMES = 1  # containers without an index give their number of frames from duration and rate


class VideoFrames:
    """The frames of a video or camera, which counts those that were read.

    Args:
        frames: images ``[H, W, 3]`` BGR.
        name: of the video, for errors.
        expected: number of frames by the file's header; 0: unknown.
    """

    def __init__(self, frames: Iterable[np.ndarray], name: str, expected: int = 0):
        self.frames, self.name, self.expected = frames, name, max(0, expected)
        self.read = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self.read += 1
            yield frame

    def __len__(self) -> int:
        return self.expected

    def check_complete(self) -> None:
        """Check after the last frame that none is missing.

        Raises:
            ValueError: there was no frame, or there were fewer than the header says.
        """
        if not self.read:
            raise ValueError(f'{self.name} gave no frame: it is damaged, or in a format that OpenCV cannot read.')
        if self.read < self.expected - UNSEEN_FRAMES:
            raise ValueError(
                f'{self.name} has {self.expected} frames by its header, but only {self.read} could be read, which '
                'were predicted: it is truncated or damaged.'
            )


def is_video(inputs: Any) -> bool:
    kind = mimetypes.guess_type(str(inputs))[0] if isinstance(inputs, (str, Path)) else None
    return (kind or '').startswith('video/') and not Path(inputs).is_dir()


def open_video(path: str, video: mmcv.VideoReader) -> VideoFrames:
    """Check that a video can be decoded.

    Raises:
        ValueError: it cannot.
    """
    if not video.opened or not (video.width > 0 and video.height > 0):
        raise ValueError(f'video {path} cannot be opened: it is truncated, damaged, or in a format OpenCV cannot read.')
    return VideoFrames(video, f'video {path}', video.frame_cnt)


def list_inputs(inputs: Any) -> List[Any]:
    """The images of a folder, a file, an address, one image or many.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the folder has no images.
    """
    if isinstance(inputs, (str, Path)):
        path = Path(inputs)
        if path.is_dir():
            found = image_files(path)
            if not found:
                raise ValueError(f'{inputs} holds no images: give a folder with image files.')
            return [str(file) for file in found]
        if '://' not in str(inputs) and not path.exists():
            raise FileNotFoundError(f'{inputs} does not exist (looked in {Path.cwd()}).')
        return [str(inputs)]
    many = isinstance(inputs, Iterable) and not hasattr(inputs, 'shape') and not isinstance(inputs, (dict, bytes))
    return list(inputs) if many else [inputs]


def input_name(item: Any, index: int) -> str:
    """The path of an input; of an array the name under which its results are written."""
    return str(item) if isinstance(item, (str, Path)) else f'{index:08d}.jpg'
