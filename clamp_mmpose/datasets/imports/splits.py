from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from .project import LabeledImage

MODES = ('auto', 'video', 'image')
ENOUGH_VIDEOS = 5  # to take whole videos for validation


def split_images(
    images: Sequence[LabeledImage], mode: str = 'auto', fraction: float = 0.2, seed: int = 0
) -> Tuple[Dict[int, str], str]:
    """Which images are for training and which for validation.

    Args:
        mode: 'video': whole videos, since their frames are alike; 'image': any images; 'auto': videos if there are at
            least five.
        fraction: of the images, for validation.
        seed: of the random choice.

    Returns:
        tuple: 'train', 'val' or 'test' by the index of the image, and how it was chosen.

    Raises:
        ValueError: ``mode='video'`` with images of one video.
    """
    given = {image.split for image in images}
    if {'train', 'val'} <= given:
        return {i: image.split or 'train' for i, image in enumerate(images)}, 'as in the project'
    free = [i for i, image in enumerate(images) if image.split != 'test']
    parts = {i: 'test' for i, image in enumerate(images) if image.split == 'test'}
    videos: Dict[Optional[str], List[int]] = {}
    for i in free:
        videos.setdefault(images[i].video, []).append(i)
    if mode == 'video' and len(videos) < 2:
        raise ValueError(f'the split by video needs images of two videos, got {len(videos)}: split by image.')
    rng = np.random.RandomState(seed)  # its stream is frozen: a seed gives the same split with any NumPy
    target = max(1, round(fraction * len(free)))
    if mode == 'video' or (mode == 'auto' and len(videos) >= ENOUGH_VIDEOS and None not in videos):
        chosen = _videos([videos[video] for video in sorted(videos, key=str)], target, rng)
        how = f'by video, seed {seed}'
    else:
        chosen = [free[i] for i in rng.permutation(len(free))[: min(target, max(len(free) - 1, 0))]]
        how = f'by image, seed {seed}'
    parts.update(dict.fromkeys(free, 'train'))
    parts.update(dict.fromkeys(chosen, 'val'))
    return parts, how


def _videos(videos: List[List[int]], target: int, rng: np.random.RandomState) -> List[int]:
    """Images of whole videos, about ``target`` of them; at least one video, not all."""
    chosen: List[int] = []
    for i in rng.permutation(len(videos)):
        if len(chosen) + len(videos[i]) <= max(1.5 * target, 1) and len(chosen) < target:
            chosen += videos[i]
    return chosen or min(videos, key=len)
