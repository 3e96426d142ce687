import contextlib
import io
import time
from typing import Callable

from mmengine.hooks import Hook
from mmengine.runner import Runner

Say = Callable[[str], None]


def quiet() -> contextlib.redirect_stdout:
    """MMEngine's console lines go to its log files only."""
    return contextlib.redirect_stdout(io.StringIO())


class SayEpochs(Hook):
    """One line for each epoch: where the training is, and how long it will take.

    Args:
        say: shows a line.
        loss: the loss that is shown.
    """

    def __init__(self, say: Say, loss: str):
        self.say = say
        self.loss = loss

    def before_train(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def after_train_epoch(self, runner: Runner) -> None:
        done, of = runner.epoch + 1, runner.max_epochs
        taken = time.perf_counter() - self.start
        loss = runner.message_hub.get_scalar(f'train/{self.loss}').mean(20)
        left = f', about {taken / done * (of - done):.0f} s left' if done < of else ''
        self.say(f'      epoch {done}/{of}, {self.loss} {loss:.5f}, {taken:.0f} s{left}')
