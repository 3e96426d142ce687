"""Which imported images are for training, and the labels of several people."""

import numpy as np

from clamp_mmpose.datasets.imports.consensus import merge_labelers
from clamp_mmpose.datasets.imports.project import LabeledImage, LabeledInstance
from clamp_mmpose.datasets.imports.splits import split_images


def test_test_images_stay_test_images():
    """A project with training and test images only, as Roboflow's without validation: two of ten become validation."""
    images = [LabeledImage(f'{i}.png', split='test' if i < 4 else 'train') for i in range(14)]
    parts, _ = split_images(images)
    assert [parts[i] for i in range(4)] == ['test'] * 4
    assert sorted(parts[i] for i in range(4, 14)) == ['train'] * 8 + ['val'] * 2


def test_the_videos_for_validation_do_not_depend_on_the_order_of_images():
    images = [LabeledImage(f'{i}.png', video=f'{i % 10}.mp4') for i in range(20)]
    for seed in range(3):
        chosen = []
        for given in (images, images[::-1]):
            parts, how = split_images(given, seed=seed)
            chosen.append({image.video for i, image in enumerate(given) if parts[i] == 'val'})
            assert how == f'by video, seed {seed}' and list(parts.values()).count('val') == 4
        assert chosen[0] == chosen[1] and len(chosen[0]) == 2


def test_a_point_is_visible_if_everybody_says_so():
    points = [[10, 10], [30, 10], [30, 30]]
    seen = [True, True, False], [True, False, False]
    image = LabeledImage(
        'a.png', instances=[LabeledInstance(points, np.array(v), labeler=n) for n, v in zip('ab', seen)]
    )
    merge_labelers([image])
    assert image.instances[0].visible.tolist() == [True, False, False]
