import argparse
import contextlib
import io
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Callable

from mmengine.hooks import Hook
from mmengine.runner import Runner

Say = Callable[[str], None]


def quiet() -> contextlib.redirect_stdout:
    """MMEngine's console lines go to its log files only."""
    return contextlib.redirect_stdout(io.StringIO())


def run_command(run: Callable[[str, Say], Path], description: str, folder: str) -> None:
    """The command line of a demo.

    Args:
        run: takes the folder to write to and a way to show lines; gives the report.
        folder: where it writes if nothing else is asked for.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--work-dir', default=folder, help='what an earlier demo left there is replaced')
    args = parser.parse_args()
    warnings.simplefilter('ignore')  # MMPose's and PyTorch's, about themselves
    start = time.perf_counter()
    # standard output as it is now: the demo silences it
    say = partial(print, file=sys.stdout, flush=True)
    report = run(args.work_dir, say)
    say(f'\nDone in {time.perf_counter() - start:.0f} s.')
    say(f'The numbers:  {report}\nThe pictures: {report.parent / "pictures"}')


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
