"""Finds the command that was asked for and runs it, see :mod:`clamp_mmpose_command`."""

import argparse
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Optional, Sequence

import clamp_mmpose

from .commands import COMMANDS, GROUPS

USAGE = 'usage: clamp-mmpose COMMAND [ARGUMENTS]'
WRONG_USAGE = 2  # the exit code of argparse


def overview() -> str:
    """The list of all commands."""
    lines = [USAGE, '', 'Pose estimation guided by text, a plugin for MMPose.']
    for title, commands in GROUPS.items():
        lines += ['', f'{title}:', *(f'  {name:<18}{command.summary}' for name, command in commands.items())]
    return '\n'.join([*lines, '', 'clamp-mmpose COMMAND --help shows the arguments of a command, with examples.'])


def main(argv: Sequence[str]) -> int:
    """Run the command ``argv[0]`` with the arguments after it; returns the exit code."""
    name, arguments = (argv[0] if argv else '--help'), argv[1:]
    if name in ('-h', '--help'):
        print(overview())
        return 0
    if name == '--version':
        print(f'clamp_mmpose {clamp_mmpose.__version__}')
        return 0
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, 1)
        hint = f'did you mean {near[0]}?' if near else 'clamp-mmpose --help lists them.'
        print(f'{USAGE}\nclamp-mmpose: error: there is no command {name!r}: {hint}', file=sys.stderr)
        return WRONG_USAGE
    return run_named(name, arguments)


def run_named(name: str, arguments: Sequence[str]) -> int:
    """Parse the arguments of a command, then import MMPose if the command needs it, and run it."""
    from .command import run_command

    command = COMMANDS[name]
    module = import_module(f'{__package__}.{command.module}')

    def work(args: argparse.Namespace) -> Optional[int]:
        if command.needs_mmpose:
            clamp_mmpose.register()
        return module.run(args)

    return run_command(module.make_parser(), work, arguments)
