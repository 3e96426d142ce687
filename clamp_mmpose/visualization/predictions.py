import numpy as np
from mmpose.structures import PoseDataSample

from .named_keypoints import draw_named_keypoints
from .score_maps import score_map_grid


def draw_prediction(image: np.ndarray, sample: PoseDataSample, threshold: float = 0.3) -> np.ndarray:
    """Draw the score maps of a sample if it has any, else its keypoints with their names.

    Args:
        image: ``[H, W, 3]`` uint8.
        sample: as an inferencer gives it, with ``keypoint_names``, in pixels of the image.
        threshold: keypoints with a lower score are drawn hollow.

    Returns:
        np.ndarray: uint8, in the color order of the image.
    """
    if 'score_maps' in sample.get('pred_fields', {}):
        return score_map_grid(image, sample.pred_fields.score_maps, sample.keypoint_names)
    found, links = sample.pred_instances, sample.get('skeleton_links', ())
    names, scores = sample.keypoint_names, found.keypoint_scores
    return draw_named_keypoints(image, found.keypoints, names, scores, threshold, links, hollow=True)
