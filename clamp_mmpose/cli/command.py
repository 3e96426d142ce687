"""Shared by all commands: argument parsing, exit codes, and user errors printed in one line."""

import argparse
import io
import math
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Callable, Optional, Sequence

from .cfg_options import CfgOptions
from .commands import COMMANDS


def build_parser(description: str, name: Optional[str] = None) -> argparse.ArgumentParser:
    """Build a parser with the arguments of all commands.

    Args:
        description: the first lines of the help.
        name: of a command of ``clamp-mmpose``, whose examples end the help.
    """
    if name is None:
        parser = argparse.ArgumentParser(description=description)
    else:
        lines = [f'  clamp-mmpose {name} {example}'.rstrip() for example in COMMANDS[name].examples]
        parser = argparse.ArgumentParser(
            f'clamp-mmpose {name}',
            description=textwrap.fill(description, 100),
            epilog='\n'.join(['examples:', *lines]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
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
        action=CfgOptions,
        default={},
        metavar='KEY=VALUE',
        help=f'override settings of the config, e.g. {example}',
    )


def positive_int(text: str) -> int:
    """Type of an argument: an integer of at least 1."""
    return int(_number(text, int, 'a whole number of at least 1', lambda number: number >= 1))


def whole_number(text: str) -> int:
    """Type of an argument: an integer of at least 0."""
    return int(_number(text, int, 'a whole number of at least 0', lambda number: number >= 0))


def positive_float(text: str) -> float:
    """Type of an argument: a finite number above 0."""
    return _number(text, float, 'a number above 0', lambda number: number > 0)


def price(text: str) -> float:
    """Type of an argument: a finite number of at least 0."""
    return _number(text, float, 'a number of at least 0', lambda number: number >= 0)


def percentage(text: str) -> float:
    """Type of an argument: a number above 0, at most 100."""
    return _number(text, float, 'a percentage above 0, at most 100', lambda number: 0 < number <= 100)


def finite_float(text: str) -> float:
    """Type of an argument: a finite number."""
    return _number(text, float, 'a finite number', lambda number: True)


def device(text: str) -> str:
    """Type of an argument: a device that PyTorch can use."""
    import torch

    try:
        torch.empty(1, device=text).item()  # fails for 'meta' too
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise argparse.ArgumentTypeError(f'{text!r}, expected a device such as cpu or cuda:0 ({reason:.120})') from None
    return text


def warn_of_unused_gpu(asked: Optional[str] = None) -> None:
    """Print a warning if a GPU is there and will not be used; ``asked`` is the device that was given, None for none."""
    from clamp_mmpose.utils.devices import unused_gpu

    warning = unused_gpu(asked)
    if warning:
        print(f'warning: {warning}', file=sys.stderr)


def _number(text: str, kind: type, expected: str, fits: Callable[[float], bool]) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or not fits(number):
        raise argparse.ArgumentTypeError(f'{text!r}, expected {expected}')
    return number


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
        int: the exit code, 1 after a user error, 130 after Ctrl-C. Wrong usage raises ``SystemExit(2)``, as in
        :mod:`argparse`. Other errors are raised, and with ``--debug`` user errors too.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names of other encodings cannot be printed otherwise
            stream.reconfigure(errors='backslashreplace')
    args = parser.parse_args(argv)
    try:
        return work(args) or 0
    except Exception as error:
        if 'debug' in args or not is_user_error(error):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
    finally:
        _leave_process_group()


def is_user_error(error: Exception) -> bool:
    """Whether the user can fix it: bad input, a missing package, or an error in a config."""
    if isinstance(error, (OSError, ValueError, ImportError, NotImplementedError)):
        return True
    files = [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__)]
    folders = [file.parts[-3:-1] for file in files]
    if ('mmengine', 'config') in folders or ('mmengine', 'registry') in folders:
        return True
    # libraries assert what a config must hold
    if isinstance(error, AssertionError) and str(error) and any('site-packages' in file.parts for file in files[-1:]):
        return True
    # an unknown setting of a loop, or two that contradict; the Runner builds it itself
    return isinstance(error, (TypeError, RuntimeError)) and folders[-1:] == [('mmengine', 'runner')]


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
