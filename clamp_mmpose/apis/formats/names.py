"""What images and instances are called in files of other tools."""

import os
from pathlib import Path
from typing import Dict, List, Sequence

from .predicted_frames import PredictedFrame, PredictedInstance


def image_path(source: str, folder: Path) -> str:
    """An image below ``folder`` relative to it, others absolute; with forward slashes."""
    place, folder_place = os.path.abspath(source), os.path.abspath(folder)
    if place.startswith(folder_place.rstrip(os.sep) + os.sep):
        place = os.path.relpath(place, folder_place)
    return Path(place).as_posix()


def by_individual(frame: PredictedFrame) -> Dict[str, PredictedInstance]:
    """The instances of a frame by name: ``track_NUMBER``, and ``individual_1`` and so on if they are not tracked."""
    named: Dict[str, PredictedInstance] = {}
    untracked = 0
    for instance in frame.instances:
        untracked += instance.track is None
        named[f'individual_{untracked}' if instance.track is None else f'track_{instance.track}'] = instance
    return named


def individuals(frames: Sequence[PredictedFrame]) -> List[str]:
    """All names of :func:`by_individual`, those without a track first, in the order of their numbers."""
    found = {name for frame in frames for name in by_individual(frame)}
    return sorted(found, key=lambda name: (name.split('_')[0], int(name.split('_')[1])))


def has_several(frames: Sequence[PredictedFrame]) -> bool:
    """Whether some image has more than one instance."""
    return any(len(frame.instances) > 1 for frame in frames)
