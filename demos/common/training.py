import time
from pathlib import Path
from typing import Optional

from mmengine.config import Config
from mmengine.runner import Runner

from clamp_mmpose.apis.model_zoo import configs_root

from .progress import Say, SayEpochs


def demo_config(config: str, work_dir: Path, epochs: Optional[int]) -> Config:
    """A config of this package, to be trained in one process into ``work_dir``.

    Args:
        epochs: other than in the config.
    """
    cfg = Config.fromfile(str(configs_root() / config))
    cfg.work_dir = str(work_dir)
    # MMEngine keeps one logger and one visualizer for each name
    cfg.experiment_name = cfg.visualizer.name = f'demo_{time.time_ns()}'
    cfg.launcher = 'none'
    if epochs is not None:
        cfg.train_cfg.max_epochs = epochs
    return cfg


def timed_training(runner: Runner, say: Say, loss: str) -> float:
    """Train, a line for each epoch with this loss; seconds."""
    runner.register_hook(SayEpochs(say, loss))
    start = time.perf_counter()
    runner.train()
    return time.perf_counter() - start


def last_checkpoint(cfg: Config) -> Path:
    """Where the training leaves its last weights."""
    return Path(cfg.work_dir) / f'epoch_{cfg.train_cfg.max_epochs}.pth'
