"""Noise with random keypoints in the formats of MMPose's data sets, for a clone without their images."""

import json
from pathlib import Path

import cv2
import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

SIZE = (160, 120)  # w, h
# folder: (annotation files, MMPose's metainfo or a list of names, folder of the images)
COCO_STYLE = {
    'mmpose_ap10k': (['test_ap10k.json'], 'ap10k', ''),
    'mmpose_animalpose': (['test_animalpose.json'], 'animalpose', ''),
    'mmpose_coco': (['test_coco.json'], 'coco', ''),
    'openfield_mouse': (
        ['annotations/train.json', 'annotations/val.json'],
        ['snout', 'leftear', 'rightear', 'tailbase'],
        'images',
    ),
}


def draw_pose_data(folder: Path) -> Path:
    """Write two images and their annotations for each data set, in the same folders as the real ones."""
    rng = np.random.default_rng(0)
    for name, (ann_files, source, images) in COCO_STYLE.items():
        names = source if isinstance(source, list) else _names(source)
        for ann_file in ann_files:
            _write(folder / name / ann_file, json.dumps(_coco(folder / name / images, names, rng)))
    entries = [_mpii_entry(folder / 'mmpose_mpii', f'{index:09}.jpg', rng) for index in (1, 2)]
    _write(folder / 'mmpose_mpii/test_mpii.json', json.dumps(entries))
    return folder


def _names(dataset: str) -> list:
    metainfo = parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{dataset}.py'))
    return [metainfo['keypoint_id2name'][index] for index in range(metainfo['num_keypoints'])]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _image(folder: Path, name: str, rng) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))


def _keypoints(number: int, rng) -> np.ndarray:
    """``[K, 2]``, inside the box (x, y, w, h) = (20, 10, 120, 100) of the image."""
    return np.round(rng.uniform((25, 15), (135, 105), (number, 2)), 1)


def _coco(folder: Path, names: list, rng) -> dict:
    content = dict(
        info=dict(description='noise'),
        images=[],
        annotations=[],
        categories=[dict(id=1, name='noise', supercategory='noise', keypoints=names, skeleton=[])],
    )
    for number in (1, 2):
        file_name = f'{number:012}.jpg'
        _image(folder, file_name, rng)
        content['images'].append(dict(id=number, file_name=file_name, width=SIZE[0], height=SIZE[1]))
        keypoints = np.concatenate([_keypoints(len(names), rng), np.full((len(names), 1), 2.0)], axis=1)
        content['annotations'].append(
            dict(
                id=number,
                image_id=number,
                category_id=1,
                keypoints=keypoints.ravel().tolist(),
                num_keypoints=len(names),
                bbox=[20, 10, 120, 100],
                area=12000,
                iscrowd=0,
                segmentation=[],
            )
        )
    return content


def _mpii_entry(folder: Path, name: str, rng) -> dict:
    _image(folder, name, rng)
    return dict(image=name, joints=_keypoints(16, rng).tolist(), joints_vis=[1] * 16, center=[80.0, 60.0], scale=0.5)
