import argparse
import contextlib
import io
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Callable

from .threads import use_idle_cores

Say = Callable[[str], None]
# a demo: takes the folder to write to, where it replaces the files of an earlier run, and a function that prints a line
# while standard output is silent; returns the path of its report
Demo = Callable[[Path, Say], Path]


def quiet() -> contextlib.redirect_stdout:
    """Silence MMEngine on the console; its log files stay complete."""
    return contextlib.redirect_stdout(io.StringIO())


def run_command(run: Demo, description: str, folder: str) -> None:
    """The command line of a demo; ``folder`` is the default of ``--work-dir``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--work-dir', type=Path, default=Path(folder), help='files of an earlier run are replaced')
    args = parser.parse_args()
    warnings.simplefilter('ignore')  # MMPose's and PyTorch's own
    start = time.perf_counter()
    # standard output as it is now: the demo silences it
    say = partial(print, file=sys.stdout, flush=True)
    say(f'{use_idle_cores()} PyTorch thread(s); set OMP_NUM_THREADS for another number')
    report = run(args.work_dir, say)
    say(f'\nDone in {time.perf_counter() - start:.0f} s.')
    say(f'The numbers: {report}\nThe images:  {report.parent / "images"}')
