import cv2
import numpy as np


def focus_triptych(image: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """An image, its focus heatmap, and the image times the heatmap (FocusCLIP, Fig. 3 and eq. 2).

    Args:
        image: ``[H, W, 3]`` uint8.
        heatmap: ``[H, W]`` in [0, 1].

    Returns:
        np.ndarray: ``[H, 3 W, 3]`` uint8, in the color order of the image; the map is gray.
    """
    gray = np.rint(255 * heatmap).astype(np.uint8)
    focused = np.rint(image * heatmap[..., None]).astype(np.uint8)
    return np.hstack([image, cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), focused])
