"""Predictions as a file of SLEAP."""

import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.utils.files import atomic_write

from .extra import load_extra
from .predicted_frames import PredictedFrame, Skeleton


def write_sleap(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write a ``.slp`` file: predicted instances with their scores and tracks, and the paths of videos and images.

    Images of one folder and size are one sequence, as in SLEAP. Pixel centers are at integers, as in SLEAP.
    """
    sio = load_extra('sleap_io')
    nodes = list(skeleton.names)
    shape = sio.Skeleton(
        nodes=nodes,
        edges=[(nodes[start], nodes[end]) for start, end in skeleton.links],
        symmetries=[(nodes[left], nodes[right]) for left, right in skeleton.swaps],
        name=skeleton.category,
    )
    numbers = sorted({one.track for frame in frames for one in frame.instances if one.track is not None})
    tracks = {number: sio.Track(f'track_{number}') for number in numbers}
    videos, labeled = [], []
    for sequence in _sequences(frames):
        video = _video(sio, sequence)
        videos.append(video)
        for place, frame in enumerate(sequence):
            found = [
                sio.PredictedInstance.from_numpy(
                    np.asarray(one.keypoints, float),
                    skeleton=shape,
                    point_scores=np.asarray(one.scores, float),
                    score=float(one.score),
                    track=None if one.track is None else tracks[one.track],
                )
                for one in frame.instances
            ]
            number = place if frame.frame is None else frame.frame
            labeled.append(sio.LabeledFrame(video=video, frame_idx=number, instances=found))
    labels = sio.Labels(labeled, videos=videos, skeletons=[shape], tracks=list(tracks.values()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'predictions.slp')
        sio.save_slp(labels, str(file))
        atomic_write(path, file.read_bytes())


def _sequences(frames: Sequence[PredictedFrame]) -> List[List[PredictedFrame]]:
    """The frames of each video, and the images of each folder and size."""
    found: Dict[Tuple, List[PredictedFrame]] = {}
    for frame in frames:
        is_image = frame.frame is None
        key = (os.path.dirname(os.path.abspath(frame.source)) if is_image else frame.source, is_image)
        found.setdefault((*key, frame.width, frame.height), []).append(frame)
    return list(found.values())


def _video(sio: Any, sequence: List[PredictedFrame]) -> Any:
    paths = [Path(os.path.abspath(frame.source)).as_posix() for frame in sequence]
    first = sequence[0]
    if first.frame is None:
        kind: Dict[str, Any] = dict(type='ImageVideo', filename=paths[0], filenames=paths)
        number = len(paths)
    else:
        kind = dict(type='MediaVideo', filename=paths[0], bgr=True, dataset='', input_format='')
        number = max(frame.frame or 0 for frame in sequence) + 1
    kind.update(shape=(number, first.height, first.width, 3), grayscale=False)
    return sio.Video(paths if first.frame is None else paths[0], backend_metadata=kind, open_backend=False)
