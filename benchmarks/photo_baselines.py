"""Positions that are predicted without looking at the image, for the benchmark on photographs."""

from functools import lru_cache
from pathlib import Path
from typing import Dict, List

import numpy as np

from benchmarks.photo_runs import Runs
from benchmarks.photo_trials import instance_hits
from clamp_mmpose.datasets.mp100.annotations import MP100Annotations, read_instances
from clamp_mmpose.language.category_texts import load_texts


class Baselines:
    """Fixed positions in the box, scored on the val set.

    Args:
        data: the folder ``real_small``.
    """

    def __init__(self, data: Path):
        self.val_file = data / 'annotations' / 'val.json'
        self.val = read_instances(self.val_file)
        self.texts = {own.slug: list(own.names) for own in load_texts(data / 'categories.json').values()}
        self.means = mean_positions(read_instances(data / 'annotations' / 'train.json'))
        self.slugs = [slug for slug in self.texts if slug in self.means]

    def box_center(self) -> Runs:
        """Every keypoint in the middle of the box."""
        return self._scored({slug: np.full((len(names), 2), 0.5) for slug, names in self.texts.items()})

    def mean_pose(self) -> Runs:
        """Each keypoint at its mean position in the training images of its own category."""
        return self._scored(self.means)

    def mean_position(self, left_out: str) -> Runs:
        """Every keypoint at the mean position of all keypoints of the other categories."""
        others = np.concatenate([mean for slug, mean in self.means.items() if slug != left_out])
        return self._scored({left_out: np.tile(np.nanmean(others, axis=0), (len(self.texts[left_out]), 1))})

    def nearest_name(self, left_out: str) -> Runs:
        """Each keypoint at the mean position of that of another category whose name is most similar in MiniLM."""
        embedded = embed(tuple(name for names in self.texts.values() for name in names))
        known = [
            (embedded[name], position)
            for slug in self.slugs
            if slug != left_out
            for name, position in zip(self.texts[slug], self.means[slug])
            if np.isfinite(position).all()
        ]
        vectors = np.array([vector for vector, _ in known])
        best = [int((vectors @ embedded[name]).argmax()) for name in self.texts[left_out]]
        return self._scored({left_out: np.array([known[i][1] for i in best])})

    def _scored(self, positions: Dict[str, np.ndarray]) -> Runs:
        predictions = {}
        for instance in self.val.instances:
            slug = self.val.categories[instance.category_id].slug
            if slug in positions:
                box = np.array(instance.bbox)
                predictions[instance.id] = box[:2] + np.nan_to_num(positions[slug], nan=0.5) * box[2:]
        return Runs({0: instance_hits(self.val_file, predictions)})


def mean_positions(annotations: MP100Annotations) -> Dict[str, np.ndarray]:
    """The mean position of each keypoint in the box, ``[K, 2]`` as fractions of it, by slug; NaN: never labeled."""
    found: Dict[str, List[np.ndarray]] = {}
    for instance in annotations.instances:
        box = np.array(instance.bbox)
        inside = (instance.keypoints - box[:2]) / box[2:]
        inside[~instance.visible] = np.nan
        found.setdefault(annotations.categories[instance.category_id].slug, []).append(inside)
    return {slug: _mean(np.array(each)) for slug, each in found.items()}


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the first axis without NaN; NaN where there is nothing else."""
    count = np.isfinite(values).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


@lru_cache(maxsize=1)
def embed(texts: tuple) -> Dict[str, np.ndarray]:
    """MiniLM's embedding of each text, of length 1."""
    import torch

    from clamp_mmpose.models.text_encoders import HFTextEncoder

    name = 'package://all-minilm-l6-v2'
    encoder = HFTextEncoder(name, init_cfg=dict(type='Pretrained', checkpoint=name))
    encoder.init_weights()
    distinct = list(dict.fromkeys(texts))
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(encoder(distinct), dim=-1).numpy()
    return dict(zip(distinct, vectors))
