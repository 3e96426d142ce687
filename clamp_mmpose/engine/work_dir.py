"""The work dir of a training: one run at a time, files written whole, and the checkpoint to resume from."""

import logging
import os
import re
import socket
from pathlib import Path
from typing import IO, Iterator, List, Optional, Tuple, Union
from weakref import WeakValueDictionary

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.utils.files import atomic_write
from clamp_mmpose.utils.locks import lock_file_of_process

LOCK_NAME = '.train.lock'
# by process and path: closing one of two files would unlock both
HELD: 'WeakValueDictionary[Tuple[int, Path], IO]' = WeakValueDictionary()
RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')


def lock_work_dir(work_dir: Union[str, Path], launcher: str = 'none') -> Optional[IO]:
    """Lock a work dir until the returned file is closed or this process ends, however it ends.

    The first process of a distributed run locks it for all of them; None in the others, and where the file system has
    no locks. Trainings of one process, which follow one another, share the file.

    Raises:
        ValueError: another training uses it.
    """
    if int(os.environ.get(RANKS.get(launcher, ''), 0)):
        return None
    path = Path(work_dir, LOCK_NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    held = HELD.get((os.getpid(), path.resolve()))
    if held is not None and not held.closed:
        return held
    file = path.open('a+', encoding='utf-8')
    try:
        lock_file_of_process(file)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        if isinstance(error, (BlockingIOError, PermissionError)):
            raise ValueError(
                f'another training{owner and f" ({owner})"} uses the work dir {work_dir}: wait until it ends, or give '
                'another one (--work-dir).'
            ) from error
        print_log(
            f'{path} cannot be locked ({error}): make sure that no other training uses this work dir.',
            level=logging.WARNING,
        )
        return None
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}')
    file.flush()
    HELD[os.getpid(), path.resolve()] = file
    return file


class WholeFileBackend(LocalBackend):
    """MMEngine's writer of local files, but a killed run or a full disk leaves no partial checkpoint."""

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        atomic_write(Path(filepath), obj)


def write_files_whole() -> None:
    """Make MMEngine write checkpoints through :class:`WholeFileBackend`."""
    register_backend('local', WholeFileBackend, force=True, prefixes='')


def latest_checkpoint(
    work_dir: Union[str, Path], out_dir: Optional[str] = None, sharded: bool = False
) -> Tuple[Optional[str], str]:
    """The checkpoint to resume from, and what to say about the choice; None in a new work dir.

    It is the one that ``last_checkpoint`` names. If that file is damaged, or names one that is missing or damaged, it
    is the newest ``epoch_*.pth`` or ``iter_*.pth`` that can be read.

    Args:
        work_dir: the folder of ``last_checkpoint``.
        out_dir: ``out_dir`` of the CheckpointHook.
        sharded: the checkpoints are folders of DeepSpeed, which only the training that wrote them may read: it runs
            code in them.

    Raises:
        ValueError: there are checkpoints, but none can be read.
        FileNotFoundError: ``last_checkpoint`` names one that is missing, and there are no others.
    """
    work_dir = Path(work_dir)
    folders = [work_dir, Path(out_dir, work_dir.resolve().name)] if out_dir else [work_dir]
    pointer = work_dir / 'last_checkpoint'
    text = pointer.read_text(encoding='utf-8', errors='replace').strip() if pointer.is_file() else ''
    problems = []
    named = [Path(folder, Path(text.replace('\\', '/')).name) for folder in folders] + [Path(text)] if text else []
    for path in named:  # beside it first: the work dir may have been copied or moved
        if _exists(path, sharded):
            step, problem = _step_of(path, sharded)
            if step is not None:
                return str(path), ''
            problems.append(problem)
            break
    else:
        problems.append(f'{pointer} {f"names {text!r}, which does not exist" if text else "is missing or empty"}')
    candidates = [list(_numbered(folder, kind)) for folder in folders for kind in ('epoch', 'iter')]
    if not any(candidates) and not pointer.is_file():
        return None, f'{work_dir} has no checkpoint: the training starts from the beginning.'
    found: List[Tuple[int, Path]] = []
    for numbered in candidates:
        for path in numbered:
            step, problem = _step_of(path, sharded)
            if step is not None:
                found.append((step, path))
                break
            problems.append(problem)
    reason = '; '.join(dict.fromkeys(problems))
    if found:
        newest = max(found)[1]
        return str(newest), f'{reason}: resuming from {newest}, the newest checkpoint that can be read.'
    remedy = f'no checkpoint in {work_dir} can be read; name one (--resume FILE), or train without --resume'
    raise (ValueError if any(candidates) else FileNotFoundError)(f'{reason}: {remedy}.')


def is_sharded_checkpoint(path: Union[str, Path, None]) -> bool:
    """Whether it is a folder that DeepSpeed has written, such as ``epoch_1.pth``."""
    return path is not None and Path(path).is_dir() and any(Path(path).glob('*_model_states.pt'))


def _exists(path: Path, sharded: bool) -> bool:
    try:
        return is_sharded_checkpoint(path) if sharded else path.is_file()
    except (OSError, ValueError):  # what a damaged file names may not be a path
        return False


def _numbered(folder: Path, kind: str) -> Iterator[Path]:
    """``epoch_12.pth``, ``epoch_9.pth`` and so on, the newest first."""
    matches = (re.fullmatch(rf'{kind}_(\d+)\.pth', path.name) for path in folder.glob(f'{kind}_*.pth'))
    for match in sorted(filter(None, matches), key=lambda match: -int(match[1])):
        yield folder / match[0]


def _step_of(path: Path, sharded: bool) -> Tuple[Optional[int], str]:
    """The iteration of a checkpoint, or None and why it cannot be read; the number in its name for a folder."""
    if sharded:
        number = re.search(r'\d+', path.name)
        return (int(number[0]), '') if number and is_sharded_checkpoint(path) else (None, f'{path} is not complete')
    try:
        meta = read_checkpoint(path).get('meta')
        return int((meta or {}).get('iter', 0)), ''
    except (ValueError, OSError, TypeError) as error:
        return None, str(error).split(': ')[0]
