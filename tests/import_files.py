"""Small projects of other tools, drawn by the tests."""

import json
from pathlib import Path
from typing import Dict, Sequence

import cv2
import numpy as np

SIZE = (64, 48)  # w, h


def draw_image(path: Path, seed: int = 0, size=SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    encoded, content = cv2.imencode('.png', pixels)
    assert encoded
    path.write_bytes(content.tobytes())
    return path


def deeplabcut_project(
    folder: Path, rows: Dict[str, Sequence[object]], parts: Sequence[str], scorer: str = 'Ann'
) -> Path:
    """A project with one video, ``vid``; ``rows``: x, y of each part by the name of the image."""
    labels = folder / 'labeled-data' / 'vid'
    for number, name in enumerate(rows):
        draw_image(labels / name, number)
    (folder / 'config.yaml').write_text(
        f'Task: test\nscorer: {scorer}\nbodyparts: {json.dumps(list(parts), ensure_ascii=False)}\n'
        'video_sets:\n  C:\\videos\\vid.mp4:\n    crop: 0, 64, 0, 48\nskeleton: []\n',
        encoding='utf-8',
    )
    deeplabcut_table(labels / f'CollectedData_{scorer}.csv', rows, parts, scorer)
    return folder


def deeplabcut_table(path: Path, rows: Dict[str, Sequence[object]], parts: Sequence[str], scorer: str) -> None:
    lines = [
        ['scorer', *[scorer] * 2 * len(parts)],
        ['bodyparts', *[part for part in parts for _ in 'xy']],
        ['coords', *['x', 'y'] * len(parts)],
        *([f'labeled-data/vid/{name}', *map(str, values)] for name, values in rows.items()),
    ]
    path.write_text('\n'.join(','.join(line) for line in lines) + '\n', encoding='utf-8')


def contents(folder: Path, part: str = '') -> Dict[str, dict]:
    """The image with its ``instances`` by file name of a folder that an import wrote."""
    images = {}
    for name in [part] if part else ['train', 'val']:
        content = json.loads((folder / 'annotations' / f'{name}.json').read_text())
        ids = {image['id']: dict(image, part=name, instances=[]) for image in content['images']}
        for annotation in content['annotations']:
            ids[annotation['image_id']]['instances'].append(annotation)
        images.update({image['file_name']: image for image in ids.values()})
    return images
