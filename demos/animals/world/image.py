from dataclasses import dataclass
from itertools import count
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from demos.canvas.photo import SUPERSAMPLING, cast_shadow, generators, new_layer, paste, photograph, visible_points
from demos.canvas.scenery import Scene
from demos.canvas.sketch import Sketch

from .drawing import draw_quadruped, vary_coat
from .quadruped import KEYPOINTS, Camera, pose_quadruped
from .species import ToySpecies

MIN_LABELED = 4
ABOVE_JOINTS = 0.3  # height of ears and horns, in trunk lengths
# width of an animal's joints and height of its feet, both as shares of the image
ALONE = ((0.45, 0.78), (0.78, 0.96))
FAR, NEAR = ((0.34, 0.44), (0.66, 0.8)), ((0.4, 0.52), (0.86, 0.97))
PAIR_CHANCE, COVER_CHANCE = 0.18, 0.3


@dataclass
class LabeledAnimal:
    """An animal in an image, in whole image pixels."""

    keypoints: np.ndarray  # [17, 3], (x, y, 2), or three zeros if not labeled
    bbox: Tuple[int, int, int, int]  # x, y, w, h around the animal inside the image, covered parts included


def draw_image(
    species: ToySpecies, size: Tuple[int, int], place: int, entropy: Sequence[int]
) -> Tuple[np.ndarray, List[LabeledAnimal]]:
    """One or two animals of a species in a landscape.

    Args:
        species: of all animals in the image.
        size: (w, h) in pixels.
        place: an index of ``scenery.PLACES``.
        entropy: numbers that decide everything else.

    Returns:
        tuple: the image ``[h, w, 3]``, RGB uint8, and its animals, each with enough labeled keypoints.
    """
    for attempt in count():
        image, animals = _draw(species, size, place, *generators(*entropy, attempt))
        if all((animal.keypoints[:, 2] > 0).sum() >= MIN_LABELED for animal in animals):
            return image, animals


def _draw(species: ToySpecies, size: Tuple[int, int], place: int, rng, scene_rng, photo_rng) -> tuple:
    canvas_size = SUPERSAMPLING * size[0], SUPERSAMPLING * size[1]
    scene = Scene(canvas_size, place, scene_rng)
    canvas = scene.paint()
    stands, middles = [ALONE], [0.5]
    if rng.random() < PAIR_CHANCE:
        stands, middles = [FAR, NEAR], rng.permutation([0.36, 0.64])
    sketches, silhouettes = [], []
    for stand, middle in zip(stands, middles):
        sketches.append(_stand(species, canvas_size, stand, middle, rng))
        _cast_shadow(canvas, sketches[-1])
        layer = new_layer(canvas)
        sketches[-1].paint(layer)
        silhouettes.append(paste(canvas, layer))
    cover = new_layer(canvas)
    if scene_rng.random() < COVER_CHANCE:
        x, y, w, h = cv2.boundingRect(silhouettes[-1])
        scene.cover(cover, x, y, x + w, y + h)
    covered = paste(canvas, cover)
    animals = []
    for sketch, silhouette in zip(sketches[::-1], silhouettes[::-1]):  # each hides the ones behind it
        keypoints = visible_points(sketch, KEYPOINTS, covered).round().astype(int)
        animals.insert(0, LabeledAnimal(keypoints, _bbox(silhouette)))
        covered = covered | silhouette
    return photograph(canvas, photo_rng), animals


def _stand(species: ToySpecies, canvas: tuple, stand: tuple, middle: float, rng: np.random.Generator) -> Sketch:
    """An animal, seen from either side, with its feet on the ground of the canvas."""
    pose = pose_quadruped(species.build, rng.choice(species.actions), rng)
    camera = Camera(rng.choice([0.0, 180.0]) + rng.uniform(-28, 28), rng.uniform(6, 18), rng.normal(0, 2.5))
    sketch = Sketch(rng)
    draw_quadruped(sketch, species, vary_coat(species.coats[rng.integers(len(species.coats))], rng), pose, camera)
    places = camera.project(np.stack(list(pose.joints.values())))
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    width, height = canvas
    share, feet = (rng.uniform(*limits) for limits in stand)
    scale = min(share * width / (right - left), feet * height / (bottom - top + ABOVE_JOINTS))
    # anywhere across the free space; large animals are sometimes partly outside the image
    room = (1 - scale * (right - left) / width) / 2 - abs(middle - 0.5)
    middle += rng.uniform(-1, 1) * max(room - 0.04, 0.04)
    sketch.place(scale, np.array([middle * width - scale * (left + right) / 2, feet * height - scale * bottom]))
    return sketch


def _cast_shadow(canvas: np.ndarray, sketch: Sketch):
    paws = np.stack([point for name, point in sketch.points.items() if name.endswith('paw')])
    paws = paws[paws[:, 1] > paws[:, 1].max() - 0.25 * sketch.unit]
    low, high = paws.min(axis=0), paws.max(axis=0)
    cast_shadow(canvas, (low + high) / 2, (high - low) / 2 + sketch.unit * np.array([0.2, 0.07]))


def _bbox(silhouette: np.ndarray) -> Tuple[int, int, int, int]:
    x, y, w, h = cv2.boundingRect(silhouette)
    left, top = x // SUPERSAMPLING, y // SUPERSAMPLING
    return left, top, -(-(x + w) // SUPERSAMPLING) - left, -(-(y + h) // SUPERSAMPLING) - top
