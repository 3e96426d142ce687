"""Samples as from MMPose's data sets, and pipelines that end with the transformed focus heatmap."""

import numpy as np
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.transforms.generate_focus_heatmap import update_focus_heatmap

FLIP_MPII = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]


def sample(people=1, seed=0, size=(240, 200), kind='mpii', num_keypoints=16):
    """One instance, or an image with several people, as from MMPose's data sets."""
    rng = np.random.default_rng(seed)
    width, height = size
    keypoints = rng.uniform(30, np.array(size) - 30, (people, num_keypoints, 2)).astype(np.float32)
    boxes = np.concatenate([keypoints.min(axis=1) - 5, keypoints.max(axis=1) + 5], axis=1)
    return dict(
        img=rng.integers(0, 256, (height, width, 3)).astype(np.uint8),
        img_path='images/007.jpg',
        id=3,
        img_id=7,
        img_shape=(height, width),
        ori_shape=(height, width),
        keypoints=keypoints,
        bbox=boxes,
        keypoints_visible=np.ones((people, num_keypoints), np.float32),
        dataset_name=kind,
        skeleton_links=[(0, 1)],
        flip_indices=FLIP_MPII,
        bbox_score=np.ones(people, np.float32),
    )


FLIP = dict(type='RandomFlip', prob=1.0)
BOX = dict(type='GetBBoxCenterScale')
CROP = dict(type='TopdownAffine', input_size=(96, 128))


class Turn:
    """A fixed rotation and scale, instead of RandomBBoxTransform."""

    def __init__(self, degrees, scale=1.0):
        self.degrees, self.scale = degrees, scale

    def __call__(self, results):
        results['bbox_rotation'] = np.array([self.degrees], float)
        results['bbox_scale'] = results['bbox_scale'] * self.scale
        return results


def pipeline(results, *transforms):
    for transform in transforms:
        results = (transform if isinstance(transform, Turn) else TRANSFORMS.build(transform))(results)
    if 'focus_heatmap' in results:
        update_focus_heatmap(results)
    return results
