"""Results of the benchmark on photographs, the seeds of a training together."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from benchmarks.photo_trials import Trial
from clamp_mmpose.evaluation.bootstrap import Interval, interval
from clamp_mmpose.utils.files import read_json

Rows = List[Dict[str, Any]]  # of instance_hits
Group = Tuple[str, Optional[str], Optional[int], Optional[str]]  # a trial without its seed


class Runs:
    """The results of one training with several seeds."""

    def __init__(self, by_seed: Dict[int, Rows]):
        self.by_seed = dict(sorted(by_seed.items()))

    def pck(self, threshold: int, category: Optional[str] = None, against: Optional['Runs'] = None) -> Interval:
        """Mean PCK over instances and seeds, with its interval over images.

        Args:
            threshold: index in ``THRESHOLDS``.
            category: slug; None: all.
            against: the value is the difference to these runs, on the same instances.
        """
        own = self._values(threshold, category)
        if against is not None:
            other = against._values(threshold, category)
            own = {key: value - other[key] for key, value in own.items()}
        images: Dict[int, List[float]] = defaultdict(list)
        for (image, _), value in own.items():
            images[image].append(value)
        sums, counts = (np.array([measure(values) for values in images.values()]) for measure in (sum, len))
        return interval(np.arange(len(images)), lambda drawn: sums[drawn].sum() / counts[drawn].sum())

    def of_seeds(self, threshold: int, category: Optional[str] = None) -> List[float]:
        """Mean PCK of each seed."""
        return [
            float(np.mean(list(Runs({seed: rows})._values(threshold, category).values())))
            for seed, rows in self.by_seed.items()
        ]

    def _values(self, threshold: int, category: Optional[str]) -> Dict[Tuple[int, int], float]:
        """PCK of each instance, by image and id: the mean over seeds."""
        values: Dict[Tuple[int, int], List[float]] = defaultdict(list)
        for rows in self.by_seed.values():
            for row in rows:
                if category in (None, row['category']):
                    values[row['image'], row['id']].append(row['hits'][threshold] / row['labeled'])
        return {key: float(np.mean(each)) for key, each in values.items()}


def read_runs(out_dir: Path) -> Dict[Group, Runs]:
    """The results of a folder, with the seeds of a training together."""
    found: Dict[Group, Dict[int, Rows]] = defaultdict(dict)
    for path in sorted(out_dir.glob('*_seed*.json')):
        content = read_json(path, 'results', 'run the training again', expected=dict)
        trial = Trial(**content['trial'])
        found[trial.method, trial.category, trial.images, trial.without][trial.seed] = content['instances']
    if not found:
        raise FileNotFoundError(f'{out_dir} has no results: run "photos.py train --out-dir {out_dir}" first.')
    return {group: Runs(by_seed) for group, by_seed in found.items()}


def together(parts: Sequence[Runs]) -> Runs:
    """The instances of several trainings, of the seeds that all of them have."""
    seeds = set.intersection(*(set(part.by_seed) for part in parts))
    return Runs({seed: [row for part in parts for row in part.by_seed[seed]] for seed in seeds})
