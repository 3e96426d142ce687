"""The finished batches of a video, so that a run that was interrupted continues."""

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance
from clamp_mmpose.utils.files import parse_json, to_json


class Journal:
    """A JSON Lines file: the settings of a run, then one line for each finished batch of frames.

    A last line that is not whole, of a run that was killed while it wrote, is dropped.

    Args:
        path: of the file; it is created if it does not exist.
        source: path of the video.
        settings: JSON values that the predictions depend on.
        overwrite: start again instead of continuing.

    Raises:
        ValueError: the file is of other settings, or damaged.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, source: str, settings: Dict[str, Any], overwrite: bool = False):
        self.path, self.source = path, source
        self.frames: List[PredictedFrame] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = b'' if overwrite or not path.exists() else path.read_bytes()
        kept = lines[: lines.rfind(b'\n') + 1]
        if kept:
            self._read(kept, settings)
            with path.open('r+b') as file:
                file.truncate(len(kept))
        else:
            path.write_bytes(b'')
            self._append(settings)

    def add(self, frames: List[PredictedFrame]) -> None:
        """Add a batch; it is on the disk when this returns.

        Raises:
            OSError: the disk is full, or the file cannot be written; the batches before stay.
        """
        self._append([_entry(frame) for frame in frames])
        self.frames += frames

    def _append(self, content: Any) -> None:
        line = to_json(content, str(self.path)).encode() + b'\n'
        try:
            with self.path.open('ab') as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            done = f'{len(self.frames)} frames are kept; the same command continues'
            raise OSError(error.errno, f'{error.strerror}, {done}', str(self.path)) from error

    def _read(self, lines: bytes, settings: Dict[str, Any]) -> None:
        remedy = 'give another --out-dir, or --overwrite to start again'
        try:
            first, *batches = [parse_json(line, finite=True) for line in lines.splitlines()]
            frames = [_frame(entry, self.source) for batch in batches for entry in batch]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{self.path} is damaged ({error}): {remedy}.') from error
        settings = json.loads(to_json(settings, str(self.path)))
        if isinstance(first, dict) and first.get('keypoint_names') != settings['keypoint_names']:
            raise ValueError(
                f'{self.path} has tracks of another skeleton ({_shown(first.get("keypoint_names"))}), expected '
                f'{_shown(settings["keypoint_names"])}: {remedy}.'
            )
        if first != settings:
            changed = [key for key in settings if not isinstance(first, dict) or first.get(key) != settings[key]]
            raise ValueError(
                f'{self.path} is of a run with other settings ({", ".join(changed) or "more of them"}): {remedy}.'
            )
        self.frames = frames


def _shown(names: Any) -> str:
    return f'{names!r:.80}'


def _entry(frame: PredictedFrame) -> dict:
    instances = [
        dict(keypoints=found.keypoints, scores=found.scores, box=found.box, score=found.score)
        for found in frame.instances
    ]
    return dict(frame=frame.frame, width=frame.width, height=frame.height, instances=instances)


def _frame(entry: dict, source: str) -> PredictedFrame:
    instances = [
        PredictedInstance(
            np.array(found['keypoints'], float),
            np.array(found['scores'], float),
            tuple(found['box']),
            found['score'],
        )
        for found in entry['instances']
    ]
    return PredictedFrame(source, entry['width'], entry['height'], entry['frame'], instances)
