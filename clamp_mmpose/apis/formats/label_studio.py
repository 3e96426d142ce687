"""Predictions as tasks of Label Studio, to be corrected there."""

import os
from pathlib import Path
from typing import Any, Dict, List, Sequence
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from clamp_mmpose.utils.files import atomic_write, to_json

from .images import image_names, place_images
from .predicted_frames import PredictedFrame, PredictedInstance, Skeleton

BOXES, POINTS = 'individuals', 'keypoint-label'  # as in the files that sleap-io writes
POINT_WIDTH = 0.5  # percent of the image


def write_label_studio(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write tasks with predictions, and ``NAME.xml``, the labeling setup that they need.

    Each instance is a rectangle, and a relation joins each of its keypoints to it. Images are named as Label Studio's
    local files, with the path below '/'; frames of a video are written as images into the folder ``NAME``.
    """
    stem = path.name[: -len(path.suffix)]
    images = [Path(os.path.abspath(frame.source)) for frame in frames]
    if any(frame.frame is not None for frame in frames):
        images = [Path(os.path.abspath(path.with_name(stem))) / name for name in image_names(frames)]
        place_images(frames, images)
    tasks = [_task(frame, image, skeleton) for frame, image in zip(frames, images)]
    atomic_write(path.with_name(f'{stem}.xml'), labeling_setup(skeleton).encode())
    atomic_write(path, to_json(tasks, str(path), indent=1).encode())


def labeling_setup(skeleton: Skeleton) -> str:
    """The labeling interface of a Label Studio project for this skeleton."""
    names = '\n'.join(f'    <Label value={quoteattr(name)}/>' for name in skeleton.names)
    return f"""<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="{BOXES}" toName="image">
    <Label value={quoteattr(skeleton.category)}/>
  </RectangleLabels>
  <KeyPointLabels name="{POINTS}" toName="image">
{names}
  </KeyPointLabels>
</View>
"""


def _task(frame: PredictedFrame, image: Path, skeleton: Skeleton) -> Dict[str, Any]:
    regions = [
        region
        for number, instance in enumerate(frame.instances, 1)
        for region in _regions(instance, str(number), frame, skeleton)
    ]
    scores = [instance.score for instance in frame.instances]
    prediction = dict(model_version='clamp_mmpose', score=float(np.mean(scores)) if scores else 0.0, result=regions)
    data: Dict[str, Any] = dict(image=f'/data/local-files/?d={quote(image.as_posix().lstrip("/"))}')
    if frame.frame is None:
        return dict(data=data, predictions=[prediction])
    data['source'] = dict(video=frame.source, frame=frame.frame)
    shape = [frame.frame + 1, frame.height, frame.width, 3]
    video = dict(filename=frame.source, frame_idx=frame.frame, shape=shape)  # where sleap-io looks for it
    return dict(data=data, predictions=[prediction], meta=dict(video=video))


def _regions(
    instance: PredictedInstance, number: str, frame: PredictedFrame, skeleton: Skeleton
) -> List[Dict[str, Any]]:
    """The rectangle of an instance, its keypoints, and their relations; coordinates are percent of the image."""
    size = np.array([frame.width, frame.height])
    common = dict(to_name='image', original_width=frame.width, original_height=frame.height, image_rotation=0)
    left, top, right, bottom = (np.array(instance.box, float).reshape(2, 2) / size * 100).reshape(-1).tolist()
    box = dict(x=left, y=top, width=right - left, height=bottom - top, rotation=0)
    regions: List[Dict[str, Any]] = [
        dict(
            common,
            id=number,
            from_name=BOXES,
            type='rectanglelabels',
            score=float(instance.score),
            value=dict(box, rectanglelabels=[skeleton.category]),
        )
    ]
    for name, (x, y), score in zip(skeleton.names, np.asarray(instance.keypoints) / size * 100, instance.scores):
        if np.isnan([x, y]).any():
            continue
        point = f'{number}-{name}'
        value = dict(x=float(x), y=float(y), width=POINT_WIDTH, keypointlabels=[name])
        regions += [
            dict(
                common,
                id=point,
                from_name=POINTS,
                type='keypointlabels',
                score=float(score),
                value=value,
                parentID=number,
            ),
            dict(type='relation', from_id=point, to_id=number, direction='right'),
        ]
    return regions
