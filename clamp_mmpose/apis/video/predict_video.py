"""Predicts a video: batches of frames, tracks, smoothing, and the files."""

import hashlib
import os
from pathlib import Path
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np

from clamp_mmpose.apis.formats import Skeleton
from clamp_mmpose.apis.formats.imported_names import as_imported
from clamp_mmpose.apis.formats.write import check_target, prediction_file, write_predictions
from clamp_mmpose.apis.inferencer import TextPoseInferencer
from clamp_mmpose.apis.pose_result import named_skeleton

from .draw import draw_video
from .find import FrameFinder
from .frames import read_frames, video_info
from .journal import Journal
from .smoothing import smooth_tracks
from .table import write_tracks
from .track import Tracker

GAP = 1.0  # seconds that a track may be lost; at least one of the predicted frames

Progress = Callable[[Iterable[Any], str, Optional[int]], Iterable[Any]]


class VideoOutputs(NamedTuple):
    """What was written, how many frames were predicted by this call and in all, and what is wrong with the video."""

    files: List[Path]
    predicted: int
    frames: int
    damage: Optional[ValueError]


def predict_video(
    inferencer: TextPoseInferencer,
    video: str,
    out_dir: Path,
    *,
    checkpoint: str,
    box: Optional[Sequence[float]] = None,
    batch_size: int = 16,
    every: int = 1,
    smooth: float = 0.0,
    max_instances: Optional[int] = None,
    formats: Sequence[str] = (),
    draw: bool = True,
    threshold: float = 0.3,
    overwrite: bool = False,
    progress: Progress = lambda items, text, total: items,
) -> VideoOutputs:
    """Find, track and draw the keypoints in a video.

    Writes to ``out_dir``: ``tracks.csv`` (frame, id, name, x, y, score), ``NAME_labeled.mp4``, a file for each of
    ``formats``, and ``NAME.frames.jsonl`` with the finished batches: a call that was interrupted continues there, and
    one with other ``smooth``, ``max_instances``, ``formats`` or drawing predicts nothing again.

    Args:
        inferencer: of the model. Without ``box`` and a detector, the only instance of the whole frame is found.
        video: its path.
        checkpoint: of the model; if the file changes, earlier results are refused.
        box: (x1, y1, x2, y2) of the only instance, in every frame.
        batch_size: frames that run together.
        every: predict frames 0, ``every``, 2 * ``every`` and so on.
        smooth: standard deviation in frames, see :func:`smooth_tracks`; 0: not at all.
        max_instances: the number of animals, see :class:`Tracker`.
        formats: of :func:`write_predictions`.
        threshold: keypoints with a lower score are not drawn, and no labels for YOLO.
        overwrite: start again.
        progress: wraps (items, what they are, their number or None).

    Raises:
        ValueError: the video cannot be decoded, or ``out_dir`` has results of another skeleton or of other settings.
        OSError: a file cannot be written, as on a full disk; finished batches are kept.
    """
    info = video_info(video)
    targets = [prediction_file(out_dir, Path(video).stem, name) for name in formats]
    for name, target in zip(formats, targets):
        check_target(name, target)
    settings = dict(
        video=[Path(video).name, os.path.getsize(video)],
        keypoint_names=list(inferencer.keypoint_names),
        model=_fingerprint(inferencer, checkpoint),
        box=box and list(box),
        batch_size=batch_size,
        every=every,
    )
    journal = Journal(out_dir / f'{Path(video).stem}.frames.jsonl', video, settings, overwrite)
    start = journal.frames[-1].frame + every if journal.frames else 0  # type: ignore[operator]
    before = len(journal.frames)
    find = FrameFinder(inferencer, video, info.rate / every, box)
    frames = read_frames(info, every, start)
    indices: List[int] = []
    images: List[np.ndarray] = []
    for index, image in progress(frames, 'Frames', info.frames or None):
        if image is None:
            continue
        indices.append(index)
        images.append(image)
        if len(images) == batch_size:
            journal.add(find(indices, images))
            indices, images = [], []
    if images:
        journal.add(find(indices, images))
    damage = _damage(frames)
    if not journal.frames:
        raise damage or ValueError(f'video {video} gave no frame.')

    found = journal.frames
    skeleton = video_skeleton(inferencer)
    sigmas = (inferencer.model.dataset_meta or {}).get('sigmas')
    tracker = Tracker(
        sigmas if sigmas is not None and len(sigmas) == len(skeleton.names) else None,
        max(2 * every, round(GAP * info.rate)),
        1 if box or inferencer.finds_one else max_instances,
    )
    for frame in found:
        tracker.update(frame)
    if smooth:
        smooth_tracks(found, smooth)
    files = [out_dir / 'tracks.csv', *targets]
    write_tracks(found, skeleton.names, files[0])
    for name, target in zip(formats, targets):
        write_predictions(found, as_imported(skeleton, inferencer.cfg), name, target, threshold)
    if draw:
        files.append(out_dir / f'{Path(video).stem}_labeled.mp4')
        draw_video(
            info, found, skeleton, files[-1], every, threshold, lambda items: iter(progress(items, 'Drawing', None))
        )
    return VideoOutputs(files, len(found) - before, len(found), damage)


def video_skeleton(inferencer: TextPoseInferencer) -> Skeleton:
    """Names, links and left/right pairs of what the inferencer finds."""
    queries = inferencer.queries()
    fields = (inferencer.model.dataset_meta or {}) if queries is None else vars(queries)
    return named_skeleton(inferencer.keypoint_names, fields)


def _damage(frames: Any) -> Optional[ValueError]:
    try:
        frames.check_complete()
    except ValueError as error:
        return error
    return None


def _fingerprint(inferencer: TextPoseInferencer, checkpoint: str) -> str:
    """Changes with the config of the model and the file of its weights."""
    state = os.stat(checkpoint)
    model = {key: value for key, value in inferencer.cfg.model.items() if key != 'test_cfg'}
    flip = (inferencer.cfg.model.get('test_cfg') or {}).get('flip_test')  # its other settings change with every call
    parts = model, flip, inferencer.two_pass, state.st_size, state.st_mtime_ns
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
