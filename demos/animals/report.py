from pathlib import Path
from typing import TYPE_CHECKING, Dict, Sequence

from benchmarks.models import Timing

if TYPE_CHECKING:  # the demo imports this file
    from demos.animals.demo import DemoRun

PICTURES = {
    'seen': 'Seen species: ground truth, baseline, CLAMP',
    'unseen': 'Unseen family: ground truth, baseline, CLAMP',
    'score_maps': "Where each prompt matches the image: CLAMP's score maps (as the paper's Fig. 4)",
    'similarity': 'Features at the keypoints against prompts, before and after training (as Fig. 3)',
    'curves': 'Training',
}


def write_report(
    path: Path,
    runs: Dict[str, 'DemoRun'],
    speed: Sequence[Timing],
    instances: Dict[str, int],
    unseen_family: str,
    pictures: Dict[str, Path],
) -> Path:
    """Write what the demo found as Markdown, whatever it is.

    Args:
        runs: name -> what was trained and tested.
        speed: inference at batch 8, in the order of ``runs``.
        instances: of each ``split-group``.
        pictures: by the keys of ``PICTURES``.
    """
    seen, unseen = instances['test-seen'], instances['test-unseen']
    values = list(runs.values())
    rows = [
        (f'AP, seen species ({seen} animals)', [f'{run.metrics["seen"]["coco/AP"]:.3f}' for run in values]),
        ('PCK@0.1, seen species', [f'{run.metrics["seen"]["PCK"]:.3f}' for run in values]),
        (
            f'AP, unseen family {unseen_family} ({unseen} animals)',
            [f'{run.metrics["unseen"]["coco/AP"]:.3f}' for run in values],
        ),
        (f'PCK@0.1, unseen family {unseen_family}', [f'{run.metrics["unseen"]["PCK"]:.3f}' for run in values]),
        ('trained parameters', [f'{run.trainable:,}' for run in values]),
        ('frozen text tower (not needed once exported)', [f'{run.frozen:,}' for run in values]),
        ('training, s', [f'{run.train_seconds:.0f}' for run in values]),
        ('inference at batch 8, ms (median)', [f'{timing.median:.1f}' for timing in speed]),
    ]
    lines = [
        '# CLAMP and its baseline on toy animals',
        '',
        f'Both have the same tower, trained from random weights for {values[0].cfg.train_cfg.max_epochs} epochs on '
        f'{instances["train-seen"]} animals of every family but {unseen_family}. One run each: differences of a few '
        'points are chance, and a text tower without pretraining knows nothing of animals. This shows that the parts '
        'work together, not what CLAMP reaches on real data.',
        '',
        '| | ' + ' | '.join(runs) + ' |',
        '|---|' + '---|' * len(runs),
    ]
    lines += [f'| {label} | ' + ' | '.join(cells) + ' |' for label, cells in rows]
    lines += ['', *(f'- {name}: `{run.config}`, weights `{run.checkpoint}`' for name, run in runs.items())]
    for key, title in PICTURES.items():
        lines += ['', f'## {title}', '', f'![{title}]({pictures[key].relative_to(path.parent).as_posix()})']
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path
