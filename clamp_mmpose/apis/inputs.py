"""What an inferencer is asked about: image files, arrays, folders, videos, cameras."""

import mimetypes
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Union

import mmcv
from mmpose.apis import Pose2DInferencer

from clamp_mmpose.datasets.files.images import image_files
from clamp_mmpose.utils.files import atomic_write, to_json

VIDEO_SUFFIXES = ('.mkv', '.m4v', '.mts', '.wmv', '.flv', '.avi')  # Python's table lacks some of them
UNSEEN_FRAMES = 1  # containers without an index give their number of frames from duration and rate


class VideoFrames:
    """The frames of a video or camera, which counts those that were read.

    Args:
        frames: images ``[H, W, 3]`` BGR, or anything else for each frame.
        name: of the video, for errors.
        expected: number of frames by the file's header; 0: unknown.
    """

    def __init__(self, frames: Iterable[Any], name: str, expected: int = 0):
        self.frames, self.name, self.expected = frames, name, max(0, expected)
        self.read = 0

    def __iter__(self) -> Iterator[Any]:
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
    if not isinstance(inputs, (str, Path)) or Path(inputs).is_dir():
        return False
    kind = mimetypes.guess_type(str(inputs))[0] or ''
    return kind.startswith('video/') or str(inputs).lower().endswith(VIDEO_SUFFIXES)


def check_encodable(path: Union[str, Path]) -> None:
    """Check that OpenCV, which ends the process at names that are not UTF-8, can be given a path.

    Raises:
        ValueError: it cannot.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = str(path).encode(errors='backslashreplace').decode()
        raise ValueError(f'the name of video {shown} is not UTF-8, which OpenCV needs: rename it.') from None


def open_video(path: str, video: mmcv.VideoReader) -> VideoFrames:
    """Check that a video can be decoded.

    Raises:
        ValueError: it cannot.
    """
    if not video.opened or not (video.width > 0 and video.height > 0):
        raise ValueError(f'video {path} cannot be opened: it is truncated, damaged, or in a format OpenCV cannot read.')
    return VideoFrames(video, f'video {path}', video.frame_cnt)


def is_camera(inputs: Any) -> bool:
    """Whether it is 'webcam' or 'webcam:NUMBER', and not the name of a file."""
    return isinstance(inputs, str) and bool(re.fullmatch('webcam(:.*)?', inputs)) and not Path(inputs).exists()


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


def frame_id(path: str) -> int:
    """The index of a frame of a video, from :func:`input_name`."""
    return int(Path(path).stem)


class CheckedInputsInferencer(Pose2DInferencer):
    """MMPose's :class:`Pose2DInferencer` for which inputs without an image, or with a part of a video, are errors."""

    video_info: Dict[str, Any]

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """As the base class, which takes every text that starts with 'webcam' for a camera, also 'webcam_1.jpg'."""
        if isinstance(inputs, str) and inputs.startswith('webcam') and not is_camera(inputs):
            inputs = Path(inputs)
        if kwargs.get('vis_out_dir') and not (is_video(inputs) or is_camera(inputs)):
            kwargs['vis_out_dir'] = os.path.join(kwargs['vis_out_dir'], '')  # of a folder such as 'run.2'
        return super().__call__(inputs, *args, **kwargs)

    def _inputs_to_list(self, inputs: Any) -> Any:
        self._video_input = False
        if not is_video(inputs):
            return list_inputs(inputs)
        check_encodable(inputs)
        video: Any = super()._inputs_to_list(str(inputs))
        self.video_info['frames'] = open_video(str(inputs), video)
        return self.video_info['frames']

    def _get_webcam_inputs(self, inputs: str) -> Any:
        frames = super()._get_webcam_inputs(inputs)
        if isinstance(frames, list):
            raise ValueError(f'{inputs} cannot be opened: connect a camera, or give its number, as in "webcam:0".')
        self.video_info['frames'] = VideoFrames(frames, inputs)
        return self.video_info['frames']

    def _finalize_video_processing(self, pred_out_dir: str = '') -> None:
        super()._finalize_video_processing()
        if pred_out_dir:  # not as the base class, which counts frames that were skipped as if they were not there
            path = Path(pred_out_dir) / Path(self.video_info['name']).with_suffix('.json').name
            atomic_write(path, to_json(self.video_info['predictions'], str(path), indent='  ').encode())
        self.video_info['frames'].check_complete()
        written = self.video_info.get('output_file')
        if written and not Path(written).is_file():
            raise OSError(f'{written} was not written: OpenCV has no encoder for this video, or the disk is full.')
