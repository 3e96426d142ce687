"""How every command parses its arguments and ends: an exit code, and one line about a user's mistake."""

import argparse
import sys
import traceback
from pathlib import Path
from typing import Callable, Optional, Sequence

from mmengine.config import DictAction


def build_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that all commands share."""
    parser = argparse.ArgumentParser(description=description)
    add_debug(parser)
    return parser


def add_debug(parser: argparse.ArgumentParser) -> None:
    """``--debug``; a command with subcommands gives it to each of them."""
    # without a default, which a subcommand would set over the command's
    parser.add_argument('--debug', action='store_true', default=argparse.SUPPRESS, help='show the traceback of errors')


def add_cfg_options(parser: argparse.ArgumentParser, example: str) -> None:
    """MMPose's ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help=f'override settings of the config, e.g. {example}',
    )


def run_command(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], Optional[int]],
    argv: Optional[Sequence[str]] = None,
) -> int:
    """Parse the arguments and do the work; a user's mistake ends in one line on standard error.

    Args:
        work: returns the exit code; None is 0.
        argv: None: the arguments of this process.

    Returns:
        int: the exit code, 1 after a mistake. Wrong usage raises ``SystemExit(2)``, as :mod:`argparse` does. With
        ``--debug`` mistakes are raised; what may be an error of the program always is.
    """
    args = parser.parse_args(argv)
    try:
        return work(args) or 0
    except Exception as error:
        if 'debug' in args or not is_mistake(error):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 1
    finally:
        _leave_process_group()


def is_mistake(error: Exception) -> bool:
    """Whether the user can mend it: bad input, a missing package, or what a config asks for."""
    if isinstance(error, (OSError, ValueError, ImportError, NotImplementedError)):
        return True
    files = (Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(file.parts[-3:-1] in (('mmengine', 'config'), ('mmengine', 'registry')) for file in files)


def one_line(error: Exception) -> str:
    """The message of an exception without line breaks, with its type where it does not speak for itself."""
    message = str(error)
    if 'Original Traceback' in message:  # of a loader worker
        message = message.rstrip().rpartition('\n')[2].partition(': ')[2]
    message = ' '.join(message.split())
    if isinstance(error, (OSError, ValueError, ImportError, NotImplementedError)) and message:
        return message
    return f'{type(error).__name__}: {message} (--debug shows where)'


def _leave_process_group() -> None:
    """After an error: the launcher ends the other processes, which wait for this one."""
    distributed = sys.modules.get('torch.distributed')
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
