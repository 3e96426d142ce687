import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Optional, Union

import mmengine
import torch
from mmengine.config import Config
from torch import nn

from benchmarks import models as benchmark
from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.datasets.subsets import family_subset
from clamp_mmpose.engine.launch import build_runner
from demos.animals.world.dataset import SPLITS, draw_toy_animals
from demos.common.progress import Say, quiet
from demos.common.training import demo_config, last_checkpoint, timed_training

from .pictures import draw_pictures, mean_similarity
from .report import write_report

UNSEEN_FAMILY = 'Canidae'
CONFIGS = {
    'baseline': 'configs/simple_baseline/toy_animals/sb_rn-tiny_toy-animals.py',
    'CLAMP': 'configs/clamp/toy_animals/clamp_rn-tiny_toy-animals.py',
}


@dataclass
class DemoRun:
    """One model of the demo: how it was trained and what it reached."""

    config: str
    cfg: Config
    checkpoint: str = ''
    scalars: str = ''  # MMEngine's log of losses and evaluations
    train_seconds: float = 0.0
    trainable: int = 0
    frozen: int = 0  # numbers of the text tower, which tools/export.py bakes away
    metrics: Dict[str, Dict[str, float]] = field(default_factory=dict)  # 'seen' or 'unseen' -> AP, PCK


def run_demo(out_dir: Union[str, Path], say: Say, num_images: int = 1000, epochs: Optional[int] = None) -> Path:
    """Draw toy animals, train CLAMP and its baseline without one family, test both on it and on the others.

    Args:
        out_dir: what an earlier demo left there is replaced.
        say: shows a line of progress; meanwhile standard output is silent, so it holds its own.
        num_images: of all splits together.
        epochs: other than in the configs.

    Returns:
        Path: the report.
    """
    out_dir = Path(out_dir)
    for name in (*CONFIGS, 'data', 'pictures'):
        shutil.rmtree(out_dir / name, ignore_errors=True)
    say(f'[1/5] drawing {num_images} pictures of toy animals into {out_dir / "data"}')
    with quiet():
        instances = make_data(out_dir / 'data', num_images)

    runs = {name: DemoRun(path, _config(name, out_dir, epochs)) for name, path in CONFIGS.items()}
    before = {}
    for step, (name, run) in enumerate(runs.items(), start=2):
        say(
            f'[{step}/5] training {name} on {instances["train-seen"]} animals, '
            f'{run.cfg.train_cfg.max_epochs} epochs; log in {run.cfg.work_dir}'
        )
        before[name] = train(run, say)

    say(
        f'[4/5] testing both on {instances["test-seen"]} animals of seen species and {instances["test-unseen"]} of '
        f'the unseen family {UNSEEN_FAMILY}'
    )
    for name, run in runs.items():
        for group in ('seen', 'unseen'):
            run.metrics[group] = test(run, group)
        say(
            '      '
            + f'{name:<9}'
            + ''.join(
                f'{group}: AP {run.metrics[group]["coco/AP"]:.3f}, PCK@0.1 {run.metrics[group]["PCK"]:.3f}   '
                for group in run.metrics
            )
        )
    with quiet():
        speed = benchmark.inference([str(configs_root() / run.config) for run in runs.values()], 8, 'cpu', 20, False)

    say('[5/5] drawing pictures')
    with quiet():
        pictures = draw_pictures(out_dir / 'pictures', runs, before['CLAMP'])
    report = write_report(out_dir / 'report.md', runs, speed, instances, UNSEEN_FAMILY, pictures)
    mmengine.dump({name: run.metrics for name, run in runs.items()}, str(out_dir / 'metrics.json'), indent='  ')
    return report


def make_data(folder: Path, num_images: int) -> Dict[str, int]:
    """Draw the pictures and part the annotations of each split by family; counts of instances."""
    draw_toy_animals(folder, num_images)
    instances = {}
    for split in SPLITS:
        source = folder / 'annotations' / f'ap10k-{split}-split1.json'
        annotations = read_annotations(source, 'the toy animals were just drawn there')
        families = {category['supercategory'] for category in annotations['categories']}
        for group, chosen in (('seen', families - {UNSEEN_FAMILY}), ('unseen', {UNSEEN_FAMILY})):
            part = family_subset(annotations, *chosen)
            mmengine.dump(part, str(source.with_name(f'{source.stem}-{group}.json')))
            instances[f'{split}-{group}'] = len(part['annotations'])
    return instances


def train(run: DemoRun, say: Say) -> Optional[torch.Tensor]:
    """Train, and note what it took.

    Returns:
        Tensor: the similarity of features and prompts before training; None for a model without prompts.
    """
    with quiet():
        runner = build_runner(run.cfg)
        run.trainable, run.frozen = count_numbers(runner.model)
        runner.model.init_weights()
        before = mean_similarity(runner.model, run.cfg) if hasattr(runner.model.head, 'match') else None
        run.train_seconds = timed_training(runner, say, 'loss_kpt')
    run.checkpoint = str(last_checkpoint(run.cfg))
    run.scalars = str(Path(runner.log_dir) / 'vis_data' / 'scalars.json')
    return before


def test(run: DemoRun, group: str) -> Dict[str, float]:
    """Test on the seen species or on the unseen family."""
    cfg = Config(run.cfg.to_dict())
    cfg.work_dir = f'{run.cfg.work_dir}/test_{group}'
    cfg.experiment_name = cfg.visualizer.name = f'{run.cfg.experiment_name}_{group}'
    cfg.load_from = run.checkpoint
    cfg.test_dataloader.dataset.ann_file = f'annotations/ap10k-test-split1-{group}.json'
    with quiet():
        return {name: float(value) for name, value in build_runner(cfg).test().items()}


def count_numbers(model: nn.Module) -> tuple:
    """Trainable numbers, and those of the frozen text tower."""
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    text_encoder = getattr(model.head, 'text_encoder', None)
    return trainable, sum(p.numel() for p in text_encoder.parameters()) if text_encoder is not None else 0


def _config(name: str, out_dir: Path, epochs: Optional[int]) -> Config:
    cfg = demo_config(CONFIGS[name], out_dir / name, epochs)
    for loader in ('train', 'val', 'test'):
        cfg[f'{loader}_dataloader'].dataset.data_root = str(out_dir / 'data')
    return cfg
