from typing import Sequence, Tuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

POSE_IMAGE_TOKEN = '<pose_image>'  # in the place of each feature of the second tower
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class PoseImages:
    """What the second image tower of a :class:`ChatPose` reads of each image, behind which its tokens are.

    Args:
        size: (w, h) in pixels that the tower reads; the whole image is scaled into the middle of it.
        grid: (rows, columns) of its tokens.
        mean, std: of RGB values from 0 to 255; the margins have the mean color.
    """

    def __init__(
        self,
        size: Tuple[int, int] = (192, 256),
        grid: Tuple[int, int] = (8, 6),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ):
        if min(*size, *grid) < 1:
            raise ValueError(f'pose images need a size and a grid of at least 1, got size={size}, grid={grid}.')
        self.size: Tuple[int, int] = (size[0], size[1])
        self.grid: Tuple[int, int] = (grid[0], grid[1])
        self.mean, self.std = np.array(mean, np.float32), np.array(std, np.float32)

    @property
    def number(self) -> int:
        """How many tokens an image has."""
        return self.grid[0] * self.grid[1]

    def __call__(self, images: Sequence[Image.Image]) -> Tensor:
        """RGB images -> float32 ``[N, 3, H, W]``."""
        color = tuple(int(value) for value in self.mean)
        shown = [ImageOps.pad(image, self.size, Image.Resampling.BILINEAR, color=color) for image in images]
        values = np.stack([(np.asarray(image, np.float32) - self.mean) / self.std for image in shown])
        return torch.from_numpy(values.transpose(0, 3, 1, 2).copy())
