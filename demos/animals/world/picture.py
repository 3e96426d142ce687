from dataclasses import dataclass, replace
from itertools import count
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from .painter import QuadrupedPainter, vary_coat
from .quadruped import KEYPOINTS, Camera, Pose, pose_quadruped
from .scenery import Scene
from .species import ToySpecies

SUPERSAMPLING = 2  # the canvas has this many times the pixels of the picture, each way
MIN_LABELLED = 4
ABOVE_JOINTS = 0.3  # trunk lengths of ears and horns
# share of the picture's width that the joints of an animal take, and where down the picture it stands
ALONE = ((0.45, 0.78), (0.78, 0.96))
FAR, NEAR = ((0.34, 0.44), (0.66, 0.8)), ((0.4, 0.52), (0.86, 0.97))
PAIR_CHANCE, COVER_CHANCE, BLUR_CHANCE = 0.18, 0.3, 0.3


@dataclass
class LabelledAnimal:
    """What a picture shows, in whole pixels of the picture.

    Args:
        keypoints: ``[17, 3]``, (x, y, 2), or three zeros where not labelled.
        bbox: x, y, w, h around all of the animal that is inside the picture, covered or not.
    """

    keypoints: np.ndarray
    bbox: Tuple[int, int, int, int]


def draw_picture(
    species: ToySpecies, size: Tuple[int, int], place: int, entropy: Sequence[int]
) -> Tuple[np.ndarray, List[LabelledAnimal]]:
    """One or two animals of a species in a landscape.

    Args:
        species: of all the animals.
        size: (w, h) in pixels.
        place: an index of ``scenery.PLACES``.
        entropy: numbers that decide everything else.

    Returns:
        tuple: the picture ``[h, w, 3]``, RGB uint8, and its animals, each with enough labelled keypoints.
    """
    for attempt in count():
        rngs = [np.random.default_rng(seed) for seed in np.random.SeedSequence([*entropy, attempt]).spawn(3)]
        picture, animals = _draw(species, size, place, *rngs)
        if all((animal.keypoints[:, 2] > 0).sum() >= MIN_LABELLED for animal in animals):
            return picture, animals


def _draw(
    species: ToySpecies,
    size: Tuple[int, int],
    place: int,
    scene_rng: np.random.Generator,
    animal_rng: np.random.Generator,
    photo_rng: np.random.Generator,
) -> Tuple[np.ndarray, List[LabelledAnimal]]:
    canvas_size = SUPERSAMPLING * size[0], SUPERSAMPLING * size[1]
    scene = Scene(canvas_size, place, scene_rng)
    canvas = scene.paint()
    poses = [
        pose_quadruped(species.build, animal_rng.choice(species.actions), animal_rng)
        for _ in range(1 + (animal_rng.random() < PAIR_CHANCE))
    ]
    if len(poses) == 1:
        stands, middles = [ALONE], [0.5]
    else:
        stands, middles = [FAR, NEAR], animal_rng.permutation([0.36, 0.64])
    painters = []
    for pose, stand, middle in zip(poses, stands, middles):
        camera = _aim(pose, canvas_size, stand, middle, animal_rng)
        coat = vary_coat(species.coats[animal_rng.integers(len(species.coats))], animal_rng)
        _cast_shadow(canvas, pose, camera)
        painters.append(QuadrupedPainter(canvas, species, coat, pose, camera, animal_rng))
        painters[-1].paint()
    covered = np.zeros(canvas.shape[:2], np.uint8)
    if scene_rng.random() < COVER_CHANCE:
        x, y, w, h = cv2.boundingRect(painters[-1].silhouette)
        covered = scene.cover(x, y, x + w, y + h)

    animals = []
    for painter in painters[::-1]:  # each hides those further away
        animals.insert(0, LabelledAnimal(_label(painter, covered), _bbox(painter.silhouette)))
        covered = covered | painter.silhouette
    return photograph(canvas, photo_rng), animals


def _aim(pose: Pose, canvas_size: Tuple[int, int], stand: tuple, middle: float, rng: np.random.Generator) -> Camera:
    """A look at a pose from one of its sides, with its feet on the ground of the canvas."""
    camera = Camera(
        heading=rng.choice([0.0, 180.0]) + rng.uniform(-28, 28), elevation=rng.uniform(6, 18), roll=rng.normal(0, 2.5)
    )
    pixels = camera.project(np.stack(list(pose.joints.values())))
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    width, height = canvas_size
    share, feet = (rng.uniform(*bounds) for bounds in stand)
    scale = min(share * width / (right - left), feet * height / (bottom - top + ABOVE_JOINTS))
    # an animal stands anywhere in the room it leaves, a large one now and then partly outside the picture
    room = (1 - scale * (right - left) / width) / 2 - abs(middle - 0.5)
    middle += rng.uniform(-1, 1) * max(room - 0.04, 0.04)
    return replace(
        camera, scale=scale, origin=(middle * width - scale * (left + right) / 2, feet * height - scale * bottom)
    )


def _cast_shadow(canvas: np.ndarray, pose: Pose, camera: Camera):
    paws = camera.project(np.stack([pose.joints[name] for name in KEYPOINTS if name.endswith('paw')]))
    paws = paws[paws[:, 1] > paws[:, 1].max() - 0.25 * camera.scale]
    (left, top), (right, bottom) = paws.min(axis=0), paws.max(axis=0)
    shadow = np.zeros(canvas.shape[:2], np.uint8)
    cv2.ellipse(
        shadow,
        (int((left + right) / 2), int((top + bottom) / 2)),
        (int((right - left) / 2 + 0.2 * camera.scale), int((bottom - top) / 2 + 0.07 * camera.scale)),
        0,
        0,
        360,
        90,
        cv2.FILLED,
    )
    shadow = cv2.blur(shadow, (15, 15))
    canvas[:] = cv2.multiply(canvas, cv2.merge([255 - shadow] * 3), scale=1 / 255)


def _label(painter: QuadrupedPainter, covered: np.ndarray) -> np.ndarray:
    """Keypoints ``[17, 3]`` of the picture: zeros outside it, under a cover, and behind the head."""
    labels = np.zeros((len(KEYPOINTS), 3), int)
    height, width = covered.shape
    for label, name in zip(labels, KEYPOINTS):
        on_canvas = painter.camera.project(painter.pose.joints[name])
        x, y = np.round(on_canvas).astype(int)
        if not (0 <= x < width and 0 <= y < height) or covered[y, x]:
            continue
        if (name == 'nose' and not painter.shows_nose()) or (
            name.endswith('eye') and not painter.shows_eye(name.split('_')[0])
        ):
            continue
        # a pixel of the picture covers SUPERSAMPLING pixels of the canvas
        label[:] = [x // SUPERSAMPLING, y // SUPERSAMPLING, 2]
    return labels


def _bbox(silhouette: np.ndarray) -> Tuple[int, int, int, int]:
    x, y, w, h = cv2.boundingRect(silhouette)
    left, top = x // SUPERSAMPLING, y // SUPERSAMPLING
    return left, top, -(-(x + w) // SUPERSAMPLING) - left, -(-(y + h) // SUPERSAMPLING) - top


def photograph(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a camera makes of the canvas: a picture exposed by chance, sometimes blurred, with some noise."""
    shrink = 1 / SUPERSAMPLING
    picture = cv2.resize(canvas, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    if rng.random() < BLUR_CHANCE:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 0.9))
    contrast, brightness = rng.uniform(0.85, 1.15), rng.normal(0, 10)
    noise = rng.standard_normal(picture.shape[:2], np.float32) * rng.uniform(0.5, 4)
    exposed = (picture.astype(np.float32) - 128) * contrast + (128 + brightness + noise)[..., None]
    return np.clip(exposed, 0, 255).astype(np.uint8)
