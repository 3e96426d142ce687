from dataclasses import dataclass
from typing import Optional, Sequence, Tuple, Union

import numpy as np

HIDDEN, VISIBLE = 1, 2  # COCO's visibility; 0: not labeled


@dataclass(frozen=True, eq=False)
class Instance:
    """A person or an animal with labeled keypoints.

    Attributes:
        category: such as 'person'.
        bbox: left, top, right, bottom, in pixels of the image.
        keypoints: ``[K, 2]``, in pixels of the image.
        visibility: ``[K]``, as in COCO: 0 not labeled, 1 labeled but hidden, 2 visible.
        id: of the annotation.
        center, scale: MPII's, of which FocusCLIP's prompt speaks.
        category_id: in the annotations.
    """

    category: str
    bbox: Tuple[float, float, float, float]
    keypoints: np.ndarray
    visibility: np.ndarray
    id: Union[int, str, None] = None
    center: Optional[Tuple[float, float]] = None
    scale: Optional[float] = None
    category_id: Optional[int] = None

    @property
    def labeled(self) -> np.ndarray:
        """Which keypoints have a position, ``[K]`` bool."""
        return self.visibility > 0


@dataclass(frozen=True)
class SceneObject:
    """An object without keypoints; ``bbox`` is left, top, right, bottom, in pixels of the image."""

    category: str
    bbox: Tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class ImageFacts:
    """What the annotations say about an image: all that texts are written from (LLaVA-Pose, Table 1).

    Attributes:
        image: file name, below the folder of the images.
        image_id: of the annotations.
        size: (width, height) in pixels.
        keypoint_names: K names, for all instances.
        skeleton_links, flip_indices: as in :class:`TextQueries`.
        instances: with at least one labeled keypoint each.
        captions: sentences about the whole image.
        objects: the other ones.
        activity: what the people do, such as 'riding a bike'.
        attributes: seen in the image, such as 'bill shape: hooked' (CUB).
        training: whether the image belongs to MPII's training split, which FocusCLIP's published prompt shows.
    """

    image: str
    image_id: Union[int, str]
    size: Tuple[int, int]
    keypoint_names: Sequence[str]
    skeleton_links: Sequence[Tuple[int, int]]
    flip_indices: Sequence[int]
    instances: Sequence[Instance]
    captions: Sequence[str] = ()
    objects: Sequence[SceneObject] = ()
    activity: Optional[str] = None
    attributes: Sequence[str] = ()
    training: Optional[bool] = None
