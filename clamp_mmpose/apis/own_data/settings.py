"""The settings of a training, chosen from the data, the method and the device."""

import math
from dataclasses import dataclass
from typing import Dict, Tuple

from clamp_mmpose.utils.choices import check_choice

from .summary import DataSummary

METHODS = ('clamp', 'text-query', 'cape-llm')
SIZES = ('fast', 'accurate')
DEVICES = ('cuda', 'mps', 'cpu')
STRIDE = 32  # both sides of the input are multiples of it; heatmaps have a quarter of the input's size
MEMORY = 500e6  # bytes of decoded images that are kept
BASE_RATE, BASE_BATCH = 8e-4, 32


@dataclass(frozen=True)
class Budget:
    """What a device can do in minutes (``'fast'``), or in an hour or two (``'accurate'``).

    Attributes:
        side: of a square input; another aspect ratio keeps the area.
        batch_size, iterations: of the training.
    """

    side: int
    batch_size: int
    iterations: int


BUDGETS: Dict[Tuple[str, str], Budget] = {
    ('fast', 'cpu'): Budget(160, 16, 600),
    ('fast', 'mps'): Budget(160, 32, 600),
    ('fast', 'cuda'): Budget(192, 32, 1000),
    ('accurate', 'cpu'): Budget(224, 16, 3000),
    ('accurate', 'mps'): Budget(256, 32, 4000),
    ('accurate', 'cuda'): Budget(256, 64, 6000),
}
ANY_DIRECTION = 0.85  # of the turns' concentration: a deviation of 33 degrees
# fewer than so many images need only this part of the iterations
PARTS = ((40, 1 / 2), (150, 2 / 3))


@dataclass(frozen=True)
class Settings:
    """The numbers of a config.

    Attributes:
        method, size, device: as asked for.
        input_size: (w, h).
        batch_size, iterations, lr, num_workers: of the training.
        rotation: largest turn of a training image in degrees.
        turned: why.
        flip: whether training images are mirrored at random.
        whole_images: whether the model also learns to find its only instance in the whole image.
        keep_images: whether decoded images stay in memory.
    """

    method: str
    size: str
    device: str
    input_size: Tuple[int, int]
    batch_size: int
    iterations: int
    lr: float
    num_workers: int
    rotation: float
    turned: str
    flip: bool
    whole_images: bool
    keep_images: bool


def choose_settings(data: DataSummary, method: str, size: str, device: str) -> Settings:
    """The settings for a data folder.

    Args:
        method: one of :data:`METHODS`.
        size: ``'fast'``: minutes on two CPU cores; ``'accurate'``: larger images and more iterations.
        device: ``'cuda'``, ``'mps'`` or ``'cpu'``.

    Raises:
        ValueError: method, size or device is unknown.
    """
    for name, value, known in (('method', method, METHODS), ('size', size, SIZES), ('device', device, DEVICES)):
        check_choice(name, value, known)
    budget = BUDGETS[size, device]
    rotation, turned = _rotation(data)
    return Settings(
        method=method,
        size=size,
        device=device,
        # turned by any angle, a long box needs as much room in height as in width
        input_size=input_size(1.0 if rotation > 90 else data.aspect_ratio, budget.side),
        batch_size=budget.batch_size,
        iterations=round(budget.iterations * next((part for images, part in PARTS if data.images < images), 1)),
        lr=float(f'{BASE_RATE * math.sqrt(budget.batch_size / BASE_BATCH):.1g}'),
        num_workers=4 if device == 'cuda' else 0,  # the model needs the cores
        rotation=rotation,
        turned=turned,
        flip=not data.unpaired,
        whole_images=data.alone >= 0.8,
        keep_images=3 * data.pixels <= MEMORY,
    )


def input_size(aspect_ratio: float, side: int) -> Tuple[int, int]:
    """(w, h) of about ``side`` x ``side`` pixels and this ratio, between 1:2 and 2:1, in multiples of the stride."""
    ratio = min(max(aspect_ratio, 0.5), 2.0)
    width, height = (max(STRIDE, STRIDE * round(side * factor / STRIDE)) for factor in (ratio**0.5, ratio**-0.5))
    return width, height


def _rotation(data: DataSummary) -> Tuple[float, str]:
    if data.concentration < ANY_DIRECTION:
        return 180.0, 'they face many directions, as seen from above'
    # twice the deviation covers 95 % of them
    degrees = float(min(90, max(30, 10 * round(2 * data.spread / 10))))
    return degrees, f'their directions have a standard deviation of {data.spread:.0f} degrees'
