"""Predictions as COCO results."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from clamp_mmpose.utils.files import atomic_write, to_json

from .names import image_path
from .predicted_frames import PredictedFrame, Skeleton

CATEGORY_ID = 1


def coco_results(frames: Sequence[PredictedFrame], image_ids: Optional[Sequence[int]] = None) -> List[Dict[str, Any]]:
    """COCO's keypoint results, as ``COCO.loadRes`` takes them.

    Args:
        frames: images.
        image_ids: of each image in the annotations; None: 1, 2, 3, ...

    Returns:
        list: for each instance ``image_id``, ``category_id`` 1, ``keypoints`` (x, y in pixels of the original image and
        score of each; 0, 0, 0: not found), ``bbox`` (x, y, w, h), ``score``, and ``track_id`` if it is tracked.

    Raises:
        ValueError: not one id for each image.
    """
    ids = list(range(1, len(frames) + 1)) if image_ids is None else list(image_ids)
    if len(ids) != len(frames):
        raise ValueError(f'image_ids has {len(ids)} ids, expected one for each of {len(frames)} images.')
    results = []
    for image_id, frame in zip(ids, frames):
        for instance in frame.instances:
            rows = np.column_stack([instance.keypoints, instance.scores]).astype(float)
            rows[np.isnan(rows).any(axis=1)] = 0
            x1, y1, x2, y2 = map(float, instance.box)
            entry = dict(
                image_id=image_id,
                category_id=CATEGORY_ID,
                keypoints=[round(value, 5) for value in rows.reshape(-1).tolist()],
                bbox=[round(value, 3) for value in (x1, y1, x2 - x1, y2 - y1)],
                score=round(float(instance.score), 5),
            )
            results.append(entry if instance.track is None else dict(entry, track_id=int(instance.track)))
    return results


def write_coco(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write COCO results, and beside them the images that their ids mean: ``NAME_images.json``.

    The second file is as COCO's own ``image_info_*.json``: ``images`` and ``categories`` without annotations, so that
    ``COCO(NAME_images.json).loadRes(NAME.json)`` works.
    """
    images = [
        dict(
            id=number,
            file_name=_file_name(frame, path.parent),
            width=frame.width,
            height=frame.height,
            **({} if frame.frame is None else dict(source=dict(video=frame.source, frame=frame.frame))),
        )
        for number, frame in enumerate(frames, 1)
    ]
    category = dict(
        id=CATEGORY_ID,
        name=skeleton.category,
        keypoints=list(skeleton.names),
        skeleton=[[start + 1, end + 1] for start, end in skeleton.links],
    )
    info = dict(images=images, annotations=[], categories=[category])
    atomic_write(path.with_name(f'{path.stem}_images.json'), to_json(info, str(path), indent=1).encode())
    atomic_write(path, to_json(coco_results(frames), str(path), indent=1).encode())


def _file_name(frame: PredictedFrame, folder: Path) -> str:
    if frame.frame is None:
        return image_path(frame.source, folder)
    return f'{Path(frame.source).stem}/{frame.frame:06d}.png'
