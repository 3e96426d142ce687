from typing import Any, Dict, List, NamedTuple, Optional

from mmengine.config import Config

from demos.common.report import table
from demos.common.training import last_checkpoint
from demos.objects.trials import NAMED, SEEN, SHUFFLED, Trial

SCORES = ('PCK@0.05', 'PCK@0.1', 'PCK@0.2', 'mPCK')
CENTER = 'center of the box'


class Model(NamedTuple):
    """A trained model, and its results by the way of asking."""

    config: str
    cfg: Config
    parameters: int
    steps: int  # of training
    seconds: float  # of training
    trials: Dict[str, Trial]

    def metrics(self) -> Dict[str, Any]:
        """What ``metrics.json`` holds."""
        trials = {way: trial._asdict() for way, trial in self.trials.items()}
        return dict(parameters=self.parameters, steps=self.steps, seconds=self.seconds, **trials)


def report_lines(models: Dict[str, Model], centers: Dict[str, Trial]) -> List[str]:
    """The results as Markdown.

    Args:
        models: by their names.
        centers: the results of predicting the center of the box, by the way of asking.
    """
    (seed,) = {model.cfg.randomness.seed for model in models.values()}
    lines = [
        '# Keypoints of unseen categories, from their names',
        '',
        'Each model was trained from random weights on nine categories of drawn objects and tested on three others '
        f'({int(centers[NAMED].scores["instances"])} images), whose keypoints are named with words of the nine. One '
        f'run, seed {seed}: this shows that the parts work together, not what they reach on MP-100 with pretrained '
        'towers and language models.',
        '',
        '## Unseen categories',
        *_unseen(models, centers),
        'AUROC: how well the confidence tells visible keypoints from hidden or missing ones (0.5 is chance).',
    ]
    others = {
        SHUFFLED: 'Unseen categories, names shuffled: no keypoint is asked for by its own name',
        SEEN: 'New images of the nine categories',
    }
    for way, heading in others.items():
        trials = _trials(models, centers, way)
        rows = [[name, *_cells(trial), _number(trial.auroc)] for name, trial in trials.items()]
        lines += ['', f'## {heading}', *table(['', *SCORES, 'AUROC'], rows)]
    return [
        *lines,
        '## Time',
        *_time(models),
        'A step has 16 images. Text has half the steps of the other answers, because its digits make a step longer. '
        'Asking: the model alone, in batches of 32 objects with all of their keypoints.',
        '',
        *(f'- {name}: `{one.config}`, weights `{last_checkpoint(one.cfg)}`.' for name, one in models.items()),
    ]


def _unseen(models: Dict[str, Model], centers: Dict[str, Trial]) -> List[str]:
    center, rows = centers[NAMED], []
    for name, trial in _trials(models, centers, NAMED).items():
        ratio = trial.scores['PCK@0.2'] / center.scores['PCK@0.2']
        own = [_number(trial.categories[category]) for category in center.categories]
        rows.append([name, *_cells(trial), f'{ratio:.2f}', *own, _number(trial.auroc)])
    own = [f'{category}, PCK@0.2' for category in center.categories]
    return table(['', *SCORES, 'PCK@0.2 / center', *own, 'AUROC'], rows)


def _time(models: Dict[str, Model]) -> List[str]:
    rows = []
    for name, model in models.items():
        asking = 1000 * (model.trials[SEEN].seconds_per_keypoint or 0)
        cells = [f'{model.steps:,}', f'{model.seconds:.0f} s', f'{asking:.2f} ms']
        rows.append([name, *cells, f'{model.parameters / 1e6:.2f} M'])
    return table(['', 'steps', 'training', 'asking, per keypoint', 'parameters'], rows)


def _trials(models: Dict[str, Model], centers: Dict[str, Trial], way: str) -> Dict[str, Trial]:
    return {CENTER: centers[way], **{name: model.trials[way] for name, model in models.items()}}


def _cells(trial: Trial) -> List[str]:
    return [_number(trial.scores[score]) for score in SCORES]


def _number(value: Optional[float]) -> str:
    return '' if value is None else f'{value:.3f}'
