import time
from pathlib import Path
from typing import Dict, Optional

from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner

from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.engine.launch import build_runner

from .command import Say, quiet
from .threads import use_idle_cores


class SayEpochs(Hook):
    """One line after each epoch: its number, the loss of this name, and the time left."""

    def __init__(self, say: Say, loss: str):
        self.say = say
        self.loss = loss

    def before_train(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def before_train_epoch(self, runner: Runner) -> None:
        use_idle_cores()  # other programs may have started or ended since

    def after_train_epoch(self, runner: Runner) -> None:
        done, total = runner.epoch + 1, runner.max_epochs
        taken = time.perf_counter() - self.start
        loss = runner.message_hub.get_scalar(f'train/{self.loss}').mean(20)
        left = f', about {taken / done * (total - done):.0f} s left' if done < total else ''
        self.say(f'      epoch {done}/{total}, {self.loss} {loss:.5f}, {taken:.0f} s{left}')


def demo_config(config: str, work_dir: Path, data: Path, epochs: Optional[int]) -> Config:
    """A config of this package, to train in one process on the data sets in ``data``; ``epochs`` replaces its own."""
    cfg = Config.fromfile(str(configs_root() / config))
    cfg.work_dir = str(work_dir)
    # MMEngine keeps one logger and one visualizer for each name
    cfg.experiment_name = cfg.visualizer.name = f'demo_{time.time_ns()}'
    cfg.launcher = 'none'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for dataset in loader.dataset.get('tasks', {'': innermost(loader.dataset)}).values():
            dataset.data_root = str(data)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        # reading the few images of a demo takes less time than starting a worker
        loader.update(num_workers=0, persistent_workers=False)
    if epochs is not None:
        cfg.train_cfg.max_epochs = epochs
    return cfg


def innermost(dataset: ConfigDict) -> ConfigDict:
    """The data set inside wrappers such as KeypointRounds."""
    return innermost(dataset.dataset) if 'dataset' in dataset else dataset


def timed_training(runner: Runner, say: Say, loss: str) -> float:
    """Train, with a line after each epoch that shows this loss; returns the seconds."""
    runner.register_hook(SayEpochs(say, loss))
    start = time.perf_counter()
    runner.train()
    return time.perf_counter() - start


def last_checkpoint(cfg: Config) -> Path:
    """The file of the last weights of a training."""
    return Path(cfg.work_dir) / f'epoch_{cfg.train_cfg.max_epochs}.pth'


def test(cfg: Config, name: str, hook: Optional[Hook] = None, **dataset: str) -> Dict[str, float]:
    """Metrics of the last checkpoint with these settings of the test data set; the log goes to ``test_<name>``."""
    test_cfg = Config(cfg.to_dict())
    test_cfg.work_dir = f'{cfg.work_dir}/test_{name}'
    test_cfg.experiment_name = test_cfg.visualizer.name = f'{cfg.experiment_name}_{name}'
    test_cfg.load_from = str(last_checkpoint(cfg))
    test_cfg.test_dataloader.dataset.update(dataset)
    with quiet():
        runner = build_runner(test_cfg)
        if hook is not None:
            runner.register_hook(hook)
        return {metric: float(value) for metric, value in runner.test().items()}
