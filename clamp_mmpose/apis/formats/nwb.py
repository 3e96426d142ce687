"""Predictions as Neurodata Without Borders."""

import datetime
import io
import re
import uuid
from pathlib import Path
from typing import List, Sequence

import cv2
import numpy as np

from clamp_mmpose.utils.files import atomic_write

from .extra import load_extra
from .names import by_individual, individuals
from .predicted_frames import PredictedFrame, Skeleton

REFERENCE = '(0, 0) is the center of the top left pixel; x to the right, y down.'


def write_nwb(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write a ``PoseEstimation`` of the extension ndx-pose for each individual of a video, in the module 'behavior'.

    Points that were not found are NaN. Times are those of the video's frames, in seconds from its start; the session
    starts when the video file was last changed, since videos do not say when they were made. The module
    ``SLEAP_VIDEO_000_NAME`` links to the same data, where sleap-io looks for them.

    Raises:
        ValueError: not the frames of one video, or a video whose frames per second cannot be read.
    """
    pose, pynwb = load_extra('ndx_pose'), load_extra('pynwb')
    videos = {frame.source for frame in frames}
    if len(videos) != 1 or any(frame.frame is None for frame in frames):
        raise ValueError('nwb holds what is found over time: give the frames of one video.')
    video = videos.pop()
    times = np.array([frame.frame for frame in frames]) / frames_per_second(video)
    changed = datetime.datetime.fromtimestamp(Path(video).stat().st_mtime, datetime.timezone.utc)
    file = pynwb.NWBFile(f'Keypoints in {Path(video).name}', str(uuid.uuid4()), changed)
    shape = pose.Skeleton(
        name='skeleton',
        nodes=[_plain(name) for name in skeleton.names],
        edges=np.array(skeleton.links, np.uint8).reshape(-1, 2),
    )
    behavior = file.create_processing_module('behavior', 'keypoints found by clamp_mmpose')
    behavior.add(pose.Skeletons(skeletons=[shape]))
    linked = file.create_processing_module(f'SLEAP_VIDEO_000_{_plain(Path(video).stem)}', 'links to behavior')
    named = [by_individual(frame) for frame in frames]
    for individual in individuals(frames):
        values = np.full((len(frames), len(skeleton.names), 3), np.nan)
        for row, found in zip(values, named):
            if individual in found:
                row[:, :2], row[:, 2] = found[individual].keypoints, found[individual].scores
        estimation = pose.PoseEstimation(
            name=individual,
            pose_estimation_series=_series(pose, values, times, skeleton.names),
            description=f'{skeleton.category}, {individual.replace("_", " ")}',
            original_videos=[video],
            dimensions=np.array([[frames[0].width, frames[0].height]], np.uint16),
            scorer='clamp_mmpose',
            source_software='clamp_mmpose',
            skeleton=shape,
        )
        behavior.add(estimation)
        linked.add(estimation)
    content = io.BytesIO()
    with load_extra('h5py').File(content, 'w') as storage, pynwb.NWBHDF5IO(file=storage, mode='w') as writer:
        writer.write(file)
    atomic_write(path, content.getvalue())


def frames_per_second(video: str) -> float:
    """The frames per second of a video file.

    Raises:
        ValueError: they cannot be read.
    """
    capture = cv2.VideoCapture(video)
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    if not np.isfinite(rate) or rate <= 0:
        raise ValueError(f'video {video} does not say how many frames it has in a second: give the file itself.')
    return rate


def _series(pose: object, values: np.ndarray, times: np.ndarray, names: Sequence[str]) -> List[object]:
    return [
        pose.PoseEstimationSeries(
            name=_plain(name),
            description=name,
            data=values[:, i, :2],
            unit='pixels',
            reference_frame=REFERENCE,
            timestamps=times,
            confidence=values[:, i, 2],
            confidence_definition='Score of the keypoint, 0 to 1.',
        )
        for i, name in enumerate(names)
    ]


def _plain(name: str) -> str:
    """NWB allows neither slashes nor colons in names."""
    return re.sub('[/:]', '_', name)
