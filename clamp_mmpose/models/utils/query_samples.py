"""What heads that read text take from data samples."""

from typing import List, Optional, Tuple

from mmpose.utils.typing import OptSampleList
from torch import Tensor

from clamp_mmpose.language.sides import find_sides
from clamp_mmpose.language.text_queries import TextQueries


def sample_queries(samples: OptSampleList, batch_size: int, default: Optional[TextQueries]) -> List[TextQueries]:
    """The queries of each sample, else ``default``.

    Raises:
        ValueError: there are none, for one or for all samples.
    """
    if samples is None or not any('keypoint_names' in sample for sample in samples):
        if default is None:
            raise ValueError(
                'the samples have no keypoint_names and the head has no names: add GetTextQueries to the '
                'pipeline, or set names= on the head.'
            )
        return [default] * batch_size
    for sample in samples:
        if not sample.get('keypoint_names'):
            raise ValueError(
                f'sample {sample.get("id", "")} of {sample.get("img_path", "an image")} has no '
                'keypoint names: give at least one.'
            )
    return [TextQueries.of_sample(sample) for sample in samples]


def sample_labels(sample, queries: TextQueries, encoder: str) -> Tuple[Tensor, Tensor]:
    """Keypoints of a training sample ``[K, 2]``, fractions of the network input, and their weights ``[K]``.

    Args:
        sample: a :class:`PoseDataSample`.
        queries: its queries.
        encoder: the codec to recommend in errors.

    Raises:
        ValueError: there are no labels, or not one text for each keypoint.
    """
    labels = sample.get('gt_instance_labels', {})
    if 'keypoint_labels' not in labels:
        raise ValueError(
            f'sample {sample.get("id", "")} has no keypoint_labels: add '
            f'GenerateTarget(encoder=dict(type="{encoder}", ...)) to the training pipeline.'
        )
    names = queries.keypoint_names
    if labels.keypoint_labels.shape[1] != len(names):
        raise ValueError(
            f'sample {sample.get("id", "")} has {labels.keypoint_labels.shape[1]} keypoints and {len(names)} names '
            f'({names[0]!r} ... {names[-1]!r}): give one name for each keypoint.'
        )
    return labels.keypoint_labels[0], labels.keypoint_weights[0]


def mirror_weights(queries: TextQueries) -> List[float]:
    """Weight of the mirrored image for each keypoint: 0.5, or 0 for a left or right keypoint without its partner, whose
    position the mirrored image shows.
    """
    sided = find_sides(queries.keypoint_names, queries.keypoint_descriptions).sided
    return [0.0 if partner == i and sided[i] else 0.5 for i, partner in enumerate(queries.flip_indices)]
