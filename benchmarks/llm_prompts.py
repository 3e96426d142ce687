"""Times the way from COCO's annotations to the requests of :mod:`clamp_mmpose.llm.tasks`."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from clamp_mmpose.datasets.instructions.read_facts import read_facts
from clamp_mmpose.llm.tasks.build import build_task

WIDTH, HEIGHT = 640, 480
# per image, as in COCO's training images with labeled people: 64,115 images, 149,813 people with keypoints
PEOPLE = 2.34
OBJECTS = 4
CAPTIONS = 5
TASKS = ('conversation', 'detail', 'reasoning')


def llm_prompts(images: int, tasks: Any = TASKS) -> Dict[str, float]:
    """Seconds for reading the annotations and, for each task, making its requests.

    Args:
        images: number of them.
        tasks: names of :func:`build_task`.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_annotations(Path(folder), images)
        start = time.perf_counter()
        read = read_facts(
            dict(type='CocoDataset', data_root=folder, ann_file='people.json', data_prefix=dict(img='')),
            captions=f'{folder}/captions.json',
            objects=f'{folder}/objects.json',
        )
        result = dict(images=len(read.images), reading_s=time.perf_counter() - start)
    for name in tasks:
        start = time.perf_counter()
        requests = build_task(name).requests(read.images)
        result[f'{name}_s'] = time.perf_counter() - start
        if len(requests) != len(read.images):
            raise RuntimeError(f'{name} made {len(requests)} requests about {len(read.images)} images.')
    return result


def write_annotations(folder: Path, images: int) -> None:
    """Random annotations in COCO's three files."""
    generator = np.random.default_rng(0)
    infos: List[Dict[str, Any]] = [
        dict(id=i, file_name=f'{i:012}.jpg', width=WIDTH, height=HEIGHT) for i in range(1, images + 1)
    ]
    people: List[Dict[str, Any]] = []
    for info in infos:
        for _ in range(1 + generator.poisson(PEOPLE - 1)):
            x, y = generator.integers(0, WIDTH, 17), generator.integers(0, HEIGHT, 17)
            visible = generator.integers(0, 3, 17)
            visible[0] = 2
            points = np.stack([x, y, visible], 1) * (visible > 0)[:, None]
            people.append(_annotation(len(people), info['id'], 1, generator, keypoints=points.ravel().tolist()))
    names = [f'keypoint {i}' for i in range(17)]
    categories = [dict(id=1, name='person', keypoints=names, skeleton=[])]
    others = [dict(id=1, name='person'), *(dict(id=i, name=f'thing {i}') for i in range(2, 80))]
    things = [
        _annotation(k, info['id'], int(generator.integers(2, 80)), generator)
        for k, info in enumerate(info for info in infos for _ in range(OBJECTS))
    ]
    captions = [
        dict(id=k, image_id=info['id'], caption=f'Caption {k} about some people in a park.')
        for k, info in enumerate(info for info in infos for _ in range(CAPTIONS))
    ]
    for name, annotations, kinds in (
        ('people', people, categories),
        ('objects', things, others),
        ('captions', captions, []),
    ):
        content = dict(images=infos, annotations=annotations, categories=kinds)
        (folder / f'{name}.json').write_text(json.dumps(content, allow_nan=False))


def _annotation(number: int, image: int, category: int, generator: np.random.Generator, **more: Any) -> dict:
    box = [float(value) for value in generator.integers(1, 200, 4)]
    return dict(id=number, image_id=image, category_id=category, bbox=box, area=box[2] * box[3], iscrowd=0, **more)
