"""Shared by all commands: argument parsing, exit codes, and user errors printed in one line."""

import argparse
import sys
import traceback
from pathlib import Path
from typing import Callable, Optional, Sequence

from mmengine.config import DictAction


def build_parser(description: str) -> argparse.ArgumentParser:
    """Build a parser with the arguments of all commands."""
    parser = argparse.ArgumentParser(description=description)
    add_debug(parser)
    return parser


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Add ``--debug``; a command with subcommands adds it to each of them."""
    # no default: that of a subcommand would overwrite the command's value
    parser.add_argument('--debug', action='store_true', default=argparse.SUPPRESS, help='show the traceback of errors')


def add_cfg_options(parser: argparse.ArgumentParser, example: str) -> None:
    """Add MMPose's ``--cfg-options``."""
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
    """Parse the arguments and run the command; a user error is printed in one line on standard error.

    Args:
        parser: from :func:`build_parser`.
        work: the command; returns the exit code, or None for 0.
        argv: the arguments; None: those of this process.

    Returns:
        int: the exit code, 1 after a user error. Wrong usage raises ``SystemExit(2)``, as in :mod:`argparse`. Other
        errors are raised, and with ``--debug`` user errors too.
    """
    args = parser.parse_args(argv)
    try:
        return work(args) or 0
    except Exception as error:
        if 'debug' in args or not is_user_error(error):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 1
    finally:
        _leave_process_group()


def is_user_error(error: Exception) -> bool:
    """Whether the user can fix it: bad input, a missing package, or an error in a config."""
    if isinstance(error, (OSError, ValueError, ImportError, NotImplementedError)):
        return True
    files = (Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__))
    folders = [file.parts[-3:-1] for file in files]
    if ('mmengine', 'config') in folders or ('mmengine', 'registry') in folders:
        return True
    # an unknown setting of a loop, which the Runner builds itself
    return isinstance(error, TypeError) and folders[-1:] == [('mmengine', 'runner')]


def one_line(error: Exception) -> str:
    """The message of an exception without line breaks, with the type unless it is a usual user error."""
    message = str(error)
    if 'Original Traceback' in message:  # from a loader worker
        message = message.rstrip().rpartition('\n')[2].partition(': ')[2]
    message = ' '.join(message.split())
    if isinstance(error, (OSError, ValueError, ImportError, NotImplementedError)) and message:
        return message
    return f'{type(error).__name__}: {message} (--debug shows where)'


def _leave_process_group() -> None:
    """Leave the process group after an error; the launcher then stops the other processes."""
    distributed = sys.modules.get('torch.distributed')
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
