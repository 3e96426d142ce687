"""The trainings of the benchmark on photographs: which there are, and one of them in this process."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook

from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.utils.files import atomic_write, read_json, to_json

CONFIGS = {
    'plain': 'configs/simple_baseline/real_small/sb_efficientnet-lite0_real-small.py',
    'clamp': 'configs/clamp/real_small/clamp_efficientnet-lite0_real-small.py',
    'text-query': 'configs/text_query/real_small/tq_efficientnet-lite0_real-small.py',
    'cape': 'configs/cape_llm/real_small/cape_llama-tiny_efficientnet-lite0_real-small_pointer.py',
}
ONE_CATEGORY = ('plain', 'clamp')
DATA = Path('data'), Path('..', 'shared', 'data')
PARTS = ('main', 'few-shot', 'left-out')
THRESHOLDS = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Trial:
    """One training.

    Args:
        method: key of ``CONFIGS``.
        seed: of the training, and of the draw of ``images``.
        category: the one that it is about; None: all.
        images: trains on this many images; None: all.
        without: trains on all categories but this one, and is tested on it.
    """

    method: str
    seed: int
    category: Optional[str] = None
    images: Optional[int] = None
    without: Optional[str] = None

    @property
    def name(self) -> str:
        """Unique, and fit for a file name."""
        parts = [self.method, self.category, self.images and f'{self.images}-images']
        return '_'.join(filter(None, [*parts, self.without and f'without-{self.without}', f'seed{self.seed}']))


def all_trials(
    categories: Sequence[str], parts: Sequence[str], seeds: Sequence[int], few_shot: Sequence[str], shots: Sequence[int]
) -> List[Trial]:
    """The trainings of some parts of the benchmark, the longest ones first.

    Args:
        categories: slugs of the data.
        parts: of ``PARTS``.
        seeds: one training each.
        few_shot: slugs for the curves of few images.
        shots: numbers of images.
    """
    trials = []
    for seed in seeds:
        if 'main' in parts:
            trials += [Trial('cape', seed), Trial('text-query', seed)]
        if 'left-out' in parts:
            trials += [Trial('text-query', seed, without=category) for category in categories]
        for method in reversed(ONE_CATEGORY):
            if 'main' in parts:
                trials += [Trial(method, seed, category) for category in categories]
            if 'few-shot' in parts:
                trials += [Trial(method, seed, category, number) for category in few_shot for number in shots]
    return trials


def trial_config(
    trial: Trial, work_dir: Path, iters: Optional[int] = None, size: Optional[int] = None, keep: bool = False
) -> Config:
    """The config of a training.

    Args:
        work_dir: for its logs.
        iters: number of batches; None: the config's.
        size: width and height of the network input; None: the config's.
        keep: write the last checkpoint.
    """
    if trial.category is not None:
        os.environ['CLAMP_MMPOSE_CATEGORY'] = trial.category
    cfg = Config.fromfile(str(configs_root() / CONFIGS[trial.method]))
    cfg.launcher, cfg.work_dir = 'none', str(work_dir)
    cfg.randomness = dict(seed=trial.seed)
    iters = iters or cfg.train_cfg.max_iters
    # evaluated once, at the end: choosing the best of several on the same images would flatter it
    cfg.train_cfg.update(max_iters=iters, val_interval=iters)
    cfg.param_scheduler[0].end = min(cfg.param_scheduler[0].end, iters)
    cfg.param_scheduler[-1].end = iters
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=iters) if keep else None
    train = innermost(cfg.train_dataloader.dataset)
    train.update(num_images=trial.images, image_seed=trial.seed)
    if trial.without is not None:
        train.without = [trial.without]
        cfg.val_dataloader.dataset.categories = [trial.without]
    cfg.val_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.val_evaluator.outfile_prefix = str(work_dir / 'val')
    if size is not None:
        _set_size(cfg._cfg_dict, size)
    return cfg


def run_trial(cfg: Config, trial: Trial, result: Path, hooks: Sequence[Hook] = ()) -> dict:
    """Train, predict the val set, and write the errors of every instance to ``result``; returns its content."""
    from clamp_mmpose.engine.launch import build_runner  # slow, and the parent process does not need it

    start, processor = time.perf_counter(), time.process_time()
    runner = build_runner(cfg)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    written = f'{cfg.val_evaluator.outfile_prefix}.predictions.json'
    predictions = read_json(written, 'predictions', 'run the training again', expected=dict)
    ann_file = Path(cfg.val_dataloader.dataset.data_root, cfg.val_dataloader.dataset.ann_file)
    scored = instance_hits(ann_file, {int(number): np.array(points) for number, points in predictions.items()})
    content = dict(
        trial=asdict(trial),
        iters=cfg.train_cfg.max_iters,
        batch_size=cfg.train_dataloader.batch_size,
        seconds=seconds,
        cpu_seconds=processor,  # of this process: on a machine with other work, what the training itself takes
        device=str(next(runner.model.parameters()).device),
        instances=scored,
    )
    atomic_write(result, to_json(content, 'results').encode())
    return content


def instance_hits(ann_file: Path, predictions: Dict[int, np.ndarray]) -> List[Dict[str, Any]]:
    """For each predicted instance: how many labeled keypoints it has, and how many lie within each threshold.

    Args:
        ann_file: in MP-100's format.
        predictions: annotation id -> ``[K, 2]``, (x, y) in pixels of the original image.
    """
    annotations = read_instances(ann_file)
    rows = []
    for instance in annotations.instances:
        if instance.id in predictions and instance.visible.any():
            errors = np.linalg.norm(predictions[instance.id] - instance.keypoints, axis=1) / instance.normalizer
            errors = errors[instance.visible]
            rows.append(
                dict(
                    id=instance.id,
                    image=instance.image_id,
                    category=annotations.categories[instance.category_id].slug,
                    labeled=len(errors),
                    hits=[int((errors < threshold).sum()) for threshold in THRESHOLDS],
                )
            )
    return rows


def innermost(dataset: Any) -> Any:
    """The data set inside wrappers such as KeypointRounds."""
    return innermost(dataset.dataset) if 'dataset' in dataset else dataset


def _set_size(config: Any, size: int) -> None:
    """Change the network input, and heatmaps of a quarter of it, wherever a config has them."""
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if key in ('input_size', 'heatmap_size'):
            config[key] = (size, size) if key == 'input_size' else (size // 4, size // 4)
        elif isinstance(value, (dict, list)):
            _set_size(value, size)


def data_folder() -> Path:
    """The folder real_small; sets CLAMP_MMPOSE_DATA, which the configs read, if it is not set.

    Raises:
        FileNotFoundError: there is none.
    """
    places = [Path(os.environ['CLAMP_MMPOSE_DATA'])] if 'CLAMP_MMPOSE_DATA' in os.environ else list(DATA)
    found = next((place for place in places if (place / 'real_small').is_dir()), None)
    if found is None:
        raise FileNotFoundError(
            f'no folder real_small in {" or ".join(map(str, places))}: set CLAMP_MMPOSE_DATA to the folder that has '
            'it; docs/data.md says where the photographs come from.'
        )
    os.environ['CLAMP_MMPOSE_DATA'] = str(found)
    return found / 'real_small'
