"""Predictions with round numbers, for tests of the files they are written to."""

import cv2
import numpy as np

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance, Skeleton

MOUSE = Skeleton(('snout', 'leftear', 'rightear'), ((0, 1), (0, 2)), ((1, 2),), 'mouse')


def instance(x, track=None, score=0.75):
    """Keypoints (x, 10), (x + 1, 20), (x + 2, 30) with scores 0.5, 0.75, 1 in the box x - 4, 5, x + 6, 35."""
    keypoints = np.array([[x, 10], [x + 1, 20], [x + 2, 30]], float)
    return PredictedInstance(keypoints, np.array([0.5, 0.75, 1]), (x - 4.0, 5.0, x + 6.0, 35.0), score, track)


def video(*rows, path='videos/mouse.avi', every=1):
    """A frame of 64x48 pixels for each list of instances."""
    return [PredictedFrame(path, 64, 48, every * i, list(row)) for i, row in enumerate(rows)]


def photos(folder, *rows):
    """Images of 64x48 pixels in ``folder``, each with a list of instances."""
    frames = []
    for i, row in enumerate(rows):
        path = folder / f'img{i:03d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((48, 64, 3), 40 * i, np.uint8))
        frames.append(PredictedFrame(str(path), 64, 48, None, list(row)))
    return frames


def film(path, frames=12):
    """A video of 64x48 pixels, 10 frames a second; frame i has the brightness 20 i."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 48))
    for i in range(frames):
        writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    writer.release()
    return str(path)
