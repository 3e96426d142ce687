import numpy as np

from .project import LabeledInstance

MARGIN = 0.15  # of the longer side of the keypoints, on each side
SMALLEST = 2.0  # pixels
ALONE = 1 / 16 / (2 * MARGIN)  # of the image, the extent of a single keypoint: its box is a sixteenth, as in two_pass


def box_of(instance: LabeledInstance, extent: float = 0.0, margin: float = MARGIN) -> np.ndarray:
    """The box that was labeled, else that of the keypoints with a margin: (x1, y1, x2, y2) in pixels of the image.

    Args:
        extent: usual longer side of the instances in pixels; the margin of a smaller one, of which only few keypoints
            are labeled, is that of this.
    """
    if instance.box is not None:
        return np.array(instance.box, float)
    points = instance.keypoints[instance.labeled]
    low, high = points.min(axis=0), points.max(axis=0)
    space = max(margin * max(float((high - low).max()), extent), SMALLEST)
    return np.concatenate([low - space, high + space])


def usual_extent(instances: list) -> float:
    """The median of the longer sides of instances with all of their keypoints, or of all if there are none."""
    whole = [instance for instance in instances if instance.labeled.all()] or instances
    sides = [np.ptp(instance.keypoints[instance.labeled], axis=0).max() for instance in whole]
    return float(np.median(sides)) if sides else 0.0
