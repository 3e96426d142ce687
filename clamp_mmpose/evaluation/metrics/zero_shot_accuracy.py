import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.evaluation.bootstrap import interval
from clamp_mmpose.evaluation.zero_shot_table import task_wise_mean
from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.utils.files import atomic_write, without_nan

RESAMPLES = 1000
SHOWN = 5
KEYS = ('id', 'dataset_name', 'task', 'top_k', 'average', 'class_names', 'labels')


@dataclass(frozen=True)
class _Group:
    """What the samples of a data set share, as one object, so that collected results stay small."""

    dataset: str
    task: str
    top_k: int
    average: str
    classes: Tuple[str, ...]

    @property
    def name(self) -> str:
        return f'{self.dataset}/{self.task}'


@dataclass(frozen=True)
class _Result:
    """One image: for each label the number of classes ranked before it, or the fault."""

    group: _Group
    id: Any
    labels: Tuple[int, ...] = ()
    ranks: Tuple[int, ...] = ()
    fault: Optional[str] = None


@METRICS.register_module()
class ZeroShotAccuracy(BaseMetric):
    """Top-k accuracy of zero-shot classification, by data set and task (FocusCLIP, Table 1).

    Each label of an image is one trial, a hit if its class is among the k best, so chance is k/C with C classes.
    Of equal scores the class with the lower index ranks first: if all scores are equal, only the first k classes hit.
    ``micro`` is over trials; ``macro`` is the mean over the classes with trials. The data set says which of them is the
    headline. Its 95 % interval is the percentile bootstrap over samples (1,000 resamples, fixed seed).

    In percent, for each data set: ``DATASET/TASK/topK`` (the headline), ``.../micro``, ``.../macro``, ``.../chance``,
    ``.../low`` and ``.../high`` (the interval); counted: ``.../trials`` and ``.../faults``, the images that could not
    be read, which are not scored. ``task_wise_mean`` is the mean over tasks of the mean over a task's data sets. If no
    image could be read there is only ``.../faults``.

    ``details``, in the main process after evaluation, is a list with a dict for each data set: the same numbers (None
    if no image could be read), ``accuracy`` the headline, ``images`` including the ``faults``,
    ``fault_examples``, and ``classes`` with ``accuracy`` and ``trials`` of each.

    Args:
        outfile: ``details`` are written to this JSON file.
        collect_device, prefix, collect_dir: as for MMEngine's ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(
        self,
        outfile: Optional[str] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.outfile = outfile
        self.details: List[dict] = []
        self._groups: Dict[Tuple[str, str], _Group] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store the ranks of the labels.

        Args:
            data_samples: each with ``id``, ``dataset_name``, ``task``, ``top_k``, ``average``, ``class_names`` (C),
                ``labels`` (indices of classes), and ``class_scores`` ``[C]``, higher is better, or ``fault``, why the
                image could not be read.

        Raises:
            ValueError: a field is missing or malformed, a score is not finite, or samples of one data set and task
                differ in ``top_k``, ``average`` or ``class_names``.
        """
        for sample in data_samples:
            group = self._group(sample)
            fault = sample.get('fault')
            if fault is not None:
                self.results.append(_Result(group, sample['id'], fault=str(fault)))
                continue
            labels = tuple(int(label) for label in sample['labels'])
            ranks = _ranks(
                sample.get('class_scores'), labels, f'{group.name}, image {sample["id"]}', len(group.classes)
            )
            self.results.append(_Result(group, sample['id'], labels, ranks))

    def compute_metrics(self, results: List[_Result]) -> Dict[str, float]:
        """Accuracies in percent, and the number of unreadable images."""
        groups: Dict[str, List[_Result]] = {}
        for result in results:
            groups.setdefault(result.group.name, []).append(result)
        self.details = [_score(group) for group in groups.values()]
        if self.outfile is not None:
            atomic_write(
                Path(self.outfile),
                json.dumps(without_nan(self.details), indent=2, default=str, allow_nan=False).encode(),
            )
        metrics: Dict[str, float] = {}
        for detail in self.details:
            _log(detail)
            name = f'{detail["dataset"]}/{detail["task"]}'
            if detail['accuracy'] is not None:
                metrics[f'{name}/top{detail["top_k"]}'] = detail['accuracy']
                metrics.update(
                    {f'{name}/{key}': detail[key] for key in ('micro', 'macro', 'chance', 'low', 'high', 'trials')}
                )
            metrics[f'{name}/faults'] = detail['faults']
        absent = [f'{row["dataset"]}/{row["task"]}' for row in (self.dataset_meta or {}).get('absent', ())]
        if absent:
            print_log(f'absent, not in the means: {", ".join(absent)}', logger='current', level=logging.WARNING)
        mean = task_wise_mean(self.details)
        return metrics if mean is None else dict(metrics, task_wise_mean=mean)

    def _group(self, sample: dict) -> _Group:
        missing = [key for key in KEYS if key not in sample]
        if missing:
            raise ValueError(
                f'a sample of {sample.get("dataset_name", "an unnamed data set")} lacks {missing}: add '
                'them to the meta_keys of the transform that packs the samples.'
            )
        group = _Group(
            sample['dataset_name'],
            sample['task'],
            int(sample['top_k']),
            sample['average'],
            tuple(sample['class_names']),
        )
        known = self._groups.get((group.dataset, group.task))
        if known is None:
            check_choice(f'{group.name}: average', group.average, ('micro', 'macro'))
            if not 1 <= group.top_k <= len(group.classes):
                raise ValueError(
                    f'{group.name}: top_k={group.top_k}, expected 1 to {len(group.classes)}, the number of classes.'
                )
            if len(set(group.classes)) < len(group.classes):
                raise ValueError(f'{group.name}: class_names repeats a name: {", ".join(group.classes)}.')
            known = self._groups.setdefault((group.dataset, group.task), group)
        elif known != group:
            raise ValueError(
                f'{group.name}: samples disagree on top_k, average or class_names; give data sets of one '
                'evaluation different names or tasks.'
            )
        return known


def _ranks(class_scores: Any, labels: Tuple[int, ...], where: str, num_classes: int) -> Tuple[int, ...]:
    """For each label the number of classes with a greater score, or an equal one and a lower index."""
    if class_scores is None:
        raise ValueError(f'{where}: neither class_scores nor fault; the model must return class_scores.')
    if not labels or not all(0 <= label < num_classes for label in labels):
        raise ValueError(f'{where}: labels {list(labels)}, expected one or more of 0 to {num_classes - 1}.')
    scores = torch.as_tensor(class_scores).detach().cpu().double().numpy()
    if scores.shape != (num_classes,):
        raise ValueError(
            f'{where}: class_scores has the shape {scores.shape}, expected ({num_classes},), one score for each class.'
        )
    if not np.isfinite(scores).all():
        raise ValueError(f'{where}: class_scores are not finite; check the weights and the precision of the model.')
    return tuple(int((scores > scores[label]).sum() + (scores[:label] == scores[label]).sum()) for label in labels)


def _score(results: List[_Result]) -> dict:
    """The details of one data set and task."""
    group = results[0].group
    faults = [dict(id=result.id, reason=result.fault) for result in results if result.fault is not None]
    scored = [result for result in results if result.fault is None]
    labels = np.array([label for result in scored for label in result.labels], np.int64)
    hits = np.array([rank < group.top_k for result in scored for rank in result.ranks], bool)
    images = np.array([index for index, result in enumerate(scored) for _ in result.labels], np.int64)
    num_classes = len(group.classes)
    micro = macro = low = high = None
    trials_of, hits_of = _tally(labels, hits, np.ones(len(labels)), num_classes)
    if scored:
        micro, macro = (_accuracy(trials_of, hits_of, average) for average in ('micro', 'macro'))
        low, high = _interval(labels, hits, images, num_classes, group.average)
    classes = {
        name: dict(accuracy=100 * float(right / trials) if trials else None, trials=int(trials))
        for name, trials, right in zip(group.classes, trials_of, hits_of)
    }
    return dict(
        dataset=group.dataset,
        task=group.task,
        top_k=group.top_k,
        num_classes=num_classes,
        chance=100 * group.top_k / num_classes,
        accuracy=micro if group.average == 'micro' else macro,
        average=group.average,
        micro=micro,
        macro=macro,
        low=low,
        high=high,
        trials=len(labels),
        images=len(results),
        faults=len(faults),
        fault_examples=faults[:SHOWN],
        classes=classes,
    )


def _tally(labels: np.ndarray, hits: np.ndarray, times: np.ndarray, num_classes: int) -> Tuple[np.ndarray, np.ndarray]:
    """Trials and hits of each class, ``[C]`` both, when trial i occurs ``times[i]`` times."""
    counts = np.bincount(2 * labels + hits, times, 2 * num_classes).reshape(num_classes, 2)
    return counts.sum(1), counts[:, 1]


def _accuracy(trials: np.ndarray, hits: np.ndarray, average: str) -> float:
    """Percent of hits, over trials or over the classes that have trials."""
    if average == 'micro':
        return 100 * float(hits.sum() / trials.sum())
    present = trials > 0
    return 100 * float((hits[present] / trials[present]).mean())


def _interval(
    labels: np.ndarray, hits: np.ndarray, images: np.ndarray, num_classes: int, average: str
) -> Tuple[float, float]:
    """The 95 % bootstrap interval: images are drawn with replacement, with all of their trials."""
    number = int(images[-1]) + 1

    def accuracy(drawn: np.ndarray) -> float:
        times = np.bincount(drawn, minlength=number)
        return _accuracy(*_tally(labels, hits, times[images], num_classes), average)

    ends = interval(np.arange(number), accuracy, resamples=RESAMPLES)
    return ends.low, ends.high


def _log(detail: dict) -> None:
    """Log what was left out."""
    name = f'{detail["dataset"]}/{detail["task"]}'
    if detail['faults']:
        first = detail['fault_examples'][0]
        left_out = '' if detail['trials'] else '; none is left, so the data set is not in the means'
        print_log(
            f'{name}: {detail["faults"]:,} of {detail["images"]:,} images could not be read and are not '
            f'scored{left_out}. The first, image {first["id"]}: {first["reason"]}',
            logger='current',
            level=logging.WARNING,
        )
    empty = [label for label, scores in detail['classes'].items() if not scores['trials']]
    if empty and detail['trials']:
        print_log(
            f'{name}: {len(empty)} of {detail["num_classes"]} classes have no images and are left out of '
            f'macro: {", ".join(empty)}',
            logger='current',
        )
