from typing import List, Sequence

import cv2
import numpy as np

from .sketch import Sketch

SUPERSAMPLING = 2  # the canvas has this many times the pixels of the image, each way
BLUR_CHANCE = 0.3


def generators(*entropy: int) -> List[np.random.Generator]:
    """Three independent generators: for the objects, the scene, and the photograph."""
    return [np.random.default_rng(seed) for seed in np.random.SeedSequence(entropy).spawn(3)]


def new_layer(canvas: np.ndarray) -> np.ndarray:
    """An empty layer ``[h, w, 4]`` to paint on and then paste."""
    return np.zeros((*canvas.shape[:2], 4), np.uint8)


def paste(canvas: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Put a painted layer ``[h, w, 4]`` on a canvas ``[h, w, 3]``; returns its mask ``[h, w]``, 255 where painted."""
    mask = cv2.extractChannel(layer, 3)
    cv2.copyTo(cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB), mask, canvas)
    return mask


def cast_shadow(canvas: np.ndarray, center: Sequence[float], radii: Sequence[float]):
    """A dark ellipse with a soft edge on the ground."""
    shadow = np.zeros(canvas.shape[:2], np.uint8)
    cv2.ellipse(shadow, tuple(map(int, center)), tuple(map(int, radii)), 0, 0, 360, 90, cv2.FILLED)
    shadow = cv2.blur(shadow, (15, 15))
    canvas[:] = cv2.multiply(canvas, cv2.merge([255 - shadow] * 3), scale=1 / 255)


def visible_points(sketch: Sketch, names: Sequence[str], covered: np.ndarray) -> np.ndarray:
    """Keypoints ``[K, 3]`` of the image: (x, y, 2), or zeros where not marked, outside, or under ``covered [h, w]``."""
    keypoints = np.zeros((len(names), 3))
    height, width = covered.shape
    for keypoint, name in zip(keypoints, names):
        if name in sketch.points:
            x, y = np.round(sketch.points[name]).astype(int)
            if 0 <= x < width and 0 <= y < height and not covered[y, x]:
                keypoint[:] = *np.round(to_image(sketch.points[name]), 2), 2
    return keypoints


def to_image(points: np.ndarray) -> np.ndarray:
    """From canvas pixels to image pixels; both coordinates refer to pixel centers."""
    return (points + 0.5) / SUPERSAMPLING - 0.5


def shrink(canvas: np.ndarray) -> np.ndarray:
    """A canvas, or its mask, resized to the image."""
    return cv2.resize(canvas, None, fx=1 / SUPERSAMPLING, fy=1 / SUPERSAMPLING, interpolation=cv2.INTER_AREA)


def photograph(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image of a canvas: resized, with random exposure and noise, sometimes blurred."""
    image = shrink(canvas)
    if rng.random() < BLUR_CHANCE:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
    contrast, brightness = rng.uniform(0.85, 1.15), rng.normal(0, 10)
    noise = rng.standard_normal(image.shape[:2], np.float32) * rng.uniform(0.5, 4)
    exposed = (image.astype(np.float32) - 128) * contrast + (128 + brightness + noise)[..., None]
    return np.clip(exposed, 0, 255).astype(np.uint8)
