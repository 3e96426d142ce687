from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from clamp_mmpose.language.keypoint_names import readable_name


class KeypointCategory(NamedTuple):
    """The K keypoints of a category.

    Args:
        name: of the category, or of a data set with only one.
        keypoint_names: K names.
        flip_indices: for each keypoint, the index of its left/right counterpart; its own index if it has none.
        links: pairs of indices.
    """

    name: str
    keypoint_names: Tuple[str, ...]
    flip_indices: Tuple[int, ...]
    links: Tuple[Tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class ScoredInstance:
    """A predicted instance and its labels, in pixels of the original image.

    Args:
        id, image_id: of the annotation and of its image.
        image: path of the image.
        category: its K keypoints.
        box: (x1, y1, x2, y2).
        labels: ``[K, 2]``; NaN where a keypoint is not labeled.
        keypoints: ``[K, 2]``, as predicted.
        scores: ``[K]``, as predicted.
    """

    id: int
    image_id: int
    image: str
    category: KeypointCategory
    box: Tuple[float, ...]
    labels: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Distances to the labels ``[K]`` as shares of the longer side of the box; NaN where not labeled."""
        return self._distances(self.labels)

    @property
    def mirrored_errors(self) -> np.ndarray:
        """As ``errors``, to the label of each keypoint's left/right counterpart; NaN without one."""
        partners = np.array(self.category.flip_indices)
        none = partners == np.arange(len(partners))
        return self._distances(np.where(none[:, None], np.nan, self.labels[partners]))

    def _distances(self, targets: np.ndarray) -> np.ndarray:
        side = max(self.box[2] - self.box[0], self.box[3] - self.box[1])
        distances = np.linalg.norm(self.keypoints - targets, axis=1)
        # without a side no keypoint is correct
        return distances / side if side > 0 else np.where(np.isnan(distances), np.nan, np.inf)


def scored_instance(sample: Dict[str, Any], dataset_meta: Dict[str, Any]) -> ScoredInstance:
    """An instance of a top-down test.

    Args:
        sample: with ``id``, ``img_id``, ``pred_instances`` (``keypoints [1, K, 2]``, ``keypoint_scores [1, K]``) and
            ``gt_instances`` (``keypoints``, ``keypoints_visible [1, K]``, ``bboxes [1, 4]``), in pixels of the original
            image. ``keypoint_names``, ``flip_indices``, ``skeleton_links`` and ``category``, as packed by
            :class:`PackTextQueries`, are those of its category; otherwise they are those of the data set.
        dataset_meta: metainfo of the data set.

    Raises:
        ValueError: other numbers of predicted and labeled keypoints, or predictions that are not finite.
    """
    found, truth = sample['pred_instances'], sample['gt_instances']
    keypoints, labels = (np.asarray(part['keypoints'], np.float64)[..., :2] for part in (found, truth))
    number = int(sample['id'])
    if keypoints.shape != labels.shape or len(labels) != 1:
        raise ValueError(
            f'annotation {number}: predicted keypoints have the shape {keypoints.shape} and labels {labels.shape}, '
            'expected [1, K, 2] of both, as in a top-down test.'
        )
    scores = np.asarray(found['keypoint_scores'], np.float64)[0]
    if not (np.isfinite(keypoints).all() and np.isfinite(scores).all()):
        raise ValueError(
            f'annotation {number}: predicted keypoints or their scores are not finite: the model has diverged or '
            'damaged weights; use an earlier checkpoint.'
        )
    visible = np.asarray(truth['keypoints_visible'])[0]
    visible = visible[:, 0] if visible.ndim == 2 else visible  # MMPose may pack weights with the visibility
    return ScoredInstance(
        number,
        int(sample['img_id']),
        str(sample.get('img_path', '')),
        _category(sample, dataset_meta, len(scores)),
        tuple(float(value) for value in np.asarray(truth['bboxes'], np.float64)[0]),
        np.where(visible[:, None] > 0, labels[0], np.nan),
        keypoints[0],
        scores,
    )


def by_category(instances: List[ScoredInstance]) -> Dict[str, List[ScoredInstance]]:
    """Instances by the name of their category, in the order of the names."""
    found: Dict[str, List[ScoredInstance]] = {}
    for instance in sorted(instances, key=lambda one: one.category.name):
        found.setdefault(instance.category.name, []).append(instance)
    return found


def _category(sample: Dict[str, Any], meta: Dict[str, Any], number: int) -> KeypointCategory:
    names = sample.get('keypoint_names')
    if names is None:
        known = meta.get('keypoint_id2name') or {}
        names = [readable_name(known[i]) if i in known else f'keypoint {i}' for i in range(number)]
    flips = sample.get('flip_indices')
    flips = meta.get('flip_indices') if flips is None else flips
    links = sample.get('skeleton_links')
    links = meta.get('skeleton_links') if links is None else links
    return KeypointCategory(
        str(sample.get('category') or _class_name(sample, meta)),
        tuple(str(name) for name in names),
        tuple(range(number)) if flips is None else tuple(int(i) for i in flips),
        tuple((int(start), int(end)) for start, end in links or ()),
    )


def _class_name(sample: Dict[str, Any], meta: Dict[str, Any]) -> str:
    """The species in AP-10K, whose categories share their keypoints."""
    classes = {entry['id']: entry['name'] for entry in meta.get('CLASSES') or () if isinstance(entry, dict)}
    name = str(meta.get('dataset_name', ''))
    if len(classes) < 2 or sample.get('category_id') is None:
        return name
    return str(classes.get(int(sample['category_id']), name))
