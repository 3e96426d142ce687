import json
from pathlib import Path
from typing import Dict, Sequence, Union

import cv2
import numpy as np

from clamp_mmpose.utils.files import atomic_write

MIN_SIZE = 64  # pixels; in smaller images a limb is less than a pixel wide


class DrawnFolder:
    """A folder of drawings with a file ``drawn.json``, written last, that holds their settings.

    The same settings write the same files (with one version of OpenCV). A finished folder of the same settings need
    not be drawn again; ``drawn.json`` of other settings is removed, so an interrupted drawing never looks finished.

    Args:
        root: made if missing; files of the same names are replaced.
        settings: everything that the drawings depend on, with ``size`` (the longer side, or w and h) and ``seed``.

    Raises:
        ValueError: ``size`` too small, ``seed`` negative.
    """

    def __init__(self, root: Union[str, Path], **settings):
        smallest, seed = np.min(settings['size']), settings['seed']
        if smallest < MIN_SIZE:
            raise ValueError(
                f'size={settings["size"]} is too small to show the parts; give at least {MIN_SIZE} pixels.'
            )
        if seed < 0:
            raise ValueError(f'seed={seed} must be 0 or more.')
        self.root = Path(root)
        self._mark, self._settings = self.root / 'drawn.json', json.dumps(settings)

    def is_finished(self) -> bool:
        """Whether all of it was drawn with these settings."""
        if not self._mark.is_file():
            return False
        if self._mark.read_text(encoding='utf-8') == self._settings:
            return True
        self._mark.unlink()
        return False

    def write(self, name: str, content: Union[str, dict, list]):
        """Write a text, or a JSON file."""
        text = content if isinstance(content, str) else json.dumps(content)
        atomic_write(self.root / name, text.encode())

    def write_image(self, name: str, image: np.ndarray):
        """Write an image ``[h, w, 3]``, RGB uint8, as JPEG.

        Raises:
            RuntimeError: this OpenCV cannot write JPEG.
        """
        encoded, content = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not encoded:
            raise RuntimeError('OpenCV could not encode an image as JPEG; install a build of OpenCV with JPEG.')
        atomic_write(self.root / name, content.tobytes())

    def finish(self) -> Path:
        """Mark the folder as finished; returns its path."""
        self.write(self._mark.name, self._settings)
        return self.root


def coco_annotation(ids: Dict[str, int], bbox: Sequence[float], keypoints: np.ndarray) -> dict:
    """An instance in COCO's format, of a box (x, y, w, h) and ``keypoints [K, 3]``."""
    labeled = int((keypoints[:, 2] > 0).sum())
    found = dict(bbox=list(bbox), area=bbox[2] * bbox[3], iscrowd=0, num_keypoints=labeled)
    return dict(ids, **found, keypoints=keypoints.ravel().tolist())
