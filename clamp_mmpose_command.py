"""The command ``clamp-mmpose``: outside of the package, whose import takes seconds, so that --help is immediate."""

import sys
from typing import Optional, Sequence

# read by clamp_mmpose/__init__.py: MMPose is imported after the arguments have been parsed
parses_first = False


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run a command.

    Args:
        argv: the command's name and arguments; None: those of this process.

    Returns:
        int: the exit code; wrong usage raises ``SystemExit(2)``.
    """
    global parses_first
    parses_first = True
    try:
        from clamp_mmpose.cli.main import main as run
    finally:
        parses_first = False
    return run(sys.argv[1:] if argv is None else argv)


if __name__ == '__main__':
    from clamp_mmpose_command import main  # the module of this name is the one that the package looks at

    raise SystemExit(main())
