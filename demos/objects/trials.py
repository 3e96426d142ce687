import time
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

import numpy as np
import yaml
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.evaluation.mp100.predictions import read_predictions
from clamp_mmpose.evaluation.mp100.protocols import query_only
from clamp_mmpose.utils.files import atomic_write, read_yaml
from demos.common import training

NAMED, SHUFFLED, SEEN = 'named', 'shuffled', 'seen'  # ways of asking; the first two about unseen categories


class Trial(NamedTuple):
    """The results of one way of asking for the keypoints of categories."""

    scores: Dict[str, float]  # PCK@0.2 and so on
    categories: Dict[str, float]  # PCK@0.2 of each
    auroc: Optional[float] = None
    seconds_per_keypoint: Optional[float] = None  # of the model alone, in batches of the test


class AskingTime(Hook):
    """Sums the seconds that the model takes in a test, and the keypoints asked for."""

    def __init__(self) -> None:
        self.seconds, self.keypoints = 0.0, 0

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self.start = time.perf_counter()

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.seconds += time.perf_counter() - self.start
        self.keypoints += sum(len(sample.keypoint_names) for sample in outputs)


def test(cfg: Config, ann_file: Path, texts: Path, name: str) -> Trial:
    """Score the categories of an annotation file when their keypoints are asked for by these texts."""
    cfg = Config(cfg.to_dict())
    predictions = Path(cfg.work_dir) / name
    for metric in cfg.test_evaluator:
        if metric.type == 'CapePCK':
            metric.outfile_prefix = str(predictions)
    data_root, ann_name = str(ann_file.parents[1]), f'annotations/{ann_file.name}'
    asking = AskingTime()
    metrics = training.test(cfg, name, asking, data_root=data_root, ann_file=ann_name, texts=str(texts))
    annotations = read_instances(ann_file)
    keypoints = read_predictions(f'{predictions}.predictions.json', annotations).keypoints
    trial = _trial(query_only(annotations, keypoints))
    return trial._replace(auroc=metrics['confidence/AUROC'], seconds_per_keypoint=asking.seconds / asking.keypoints)


def box_centers(ann_file: Path) -> Trial:
    """The result of predicting the center of the box for every keypoint."""
    annotations = read_instances(ann_file)
    centers = {}
    for instance in annotations.instances:
        x, y, w, h = instance.bbox
        centers[instance.id] = np.tile([x + w / 2, y + h / 2], (len(instance.keypoints), 1))
    return _trial(query_only(annotations, centers))


def _trial(scores: Any) -> Trial:
    return Trial(dict(scores.overall), {name: row['PCK@0.2'] for name, row in scores.categories.items()})


def shuffle_names(source: Path, target: Path, seed: int = 0) -> None:
    """Copy a folder of texts; in each category, the names are shuffled so that no keypoint keeps its own."""
    rng = np.random.default_rng(seed)
    for path in sorted(source.glob('*.yml')):
        content = read_yaml(path, 'texts', 'draw the toy objects first')
        if isinstance(content, dict):  # the index is a list
            keypoints = content['keypoints']
            order = rng.permutation(len(keypoints))
            while (order == np.arange(len(order))).any():
                order = rng.permutation(len(keypoints))
            content.update(keypoints=[keypoints[i] for i in order], swap=[])
        atomic_write(target / path.name, yaml.safe_dump(content, sort_keys=False).encode())
