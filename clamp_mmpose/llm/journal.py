"""An append-only file of every answer of a language model, so that none is paid for twice."""

import json
import logging
import os
from array import array
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Type, Union

from mmengine.logging import print_log

from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.utils.files import check_writable
from clamp_mmpose.utils.locks import lock_file

from .request import NO_TOKENS, Usage

STATUSES = ('done', 'truncated', 'refused', 'unparsable', 'error')
LONGEST_LINE = 2**24  # bytes
MOST_TOKENS = 2**40  # more are damage
START = b'{"key":'  # of each line


@dataclass
class Entry:
    """One line of a journal: one attempt to answer one request.

    Attributes:
        key: see :meth:`Request.key`.
        id: of the request.
        status: 'done', 'truncated' (cut at ``max_tokens``), 'refused' (by the model or its filter), 'unparsable', or
            'error' (no answer).
        attempt: counts from 0.
        text: raw, as the model wrote it.
        reason: why it is not done.
        finish_reason: see :class:`Reply`.
        usage: the tokens that are paid for.
        estimated: the server did not say how many; they are estimated from the length of the texts.
        model: its name, as answered.
        prompt: name and version.
        settings: of the model and the request.
        time: UTC, ISO 8601; by default now.
    """

    key: str
    id: str
    status: str
    attempt: int
    text: str = ''
    reason: str = ''
    finish_reason: str = ''
    usage: Usage = NO_TOKENS
    estimated: bool = False
    model: str = ''
    prompt: str = ''
    settings: Dict[str, Any] = field(default_factory=dict)
    time: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec='milliseconds'))


FIELDS = {one.name for one in fields(Entry)}
TEXTS = itemgetter(*FIELDS - {'settings', 'attempt', 'usage', 'estimated'})


class Place(NamedTuple):
    """Where an entry is in the file, in bytes."""

    offset: int
    status: str


class JournalIndex:
    """What is in a journal, without its texts; another process may be writing it.

    Attributes:
        usage: tokens of all lines.
        damaged: numbers of the lines that cannot be read, from 1. They are not used.
        size: bytes up to the end of the last whole line.
        cut: the last line, if it does not end, as after a full disk.

    Raises:
        ValueError: the file is none of ours.
    """

    def __init__(self, path: Union[str, Path]):
        self.path = Path(path)
        self.usage = NO_TOKENS
        self.damaged: List[int] = []
        self.size = 0
        self.cut = b''
        # 16 bytes of a key are as good as all; pairs of offset and status, since tuples would take most of the memory
        self._places: Dict[bytes, array] = {}
        if self.path.exists():
            self._read()

    def __len__(self) -> int:
        """Number of different requests."""
        return len(self._places)

    def places(self, key: str) -> List[Place]:
        """Where the attempts to answer a request are, in order."""
        pairs = self._places.get(_short(key), ())
        return [Place(pairs[i], STATUSES[pairs[i + 1]]) for i in range(0, len(pairs), 2)]

    def _read(self) -> None:
        with self.path.open('rb') as file:
            for number, (offset, line, ended) in enumerate(_lines(file), 1):
                if not ended:
                    self.cut = line
                    break
                self.size = file.tell()
                content = _content(line)
                if content is None:
                    self.damaged.append(number)
                else:
                    self.add(content['key'], content['status'], content['usage'], offset)
        if not self._places and (self.damaged or not (self.cut[:7] == START[: len(self.cut)] or _is_lost(self.cut))):
            raise ValueError(
                f'{self.path} is not a journal of answers: give the name of a new file, or remove this one.'
            )

    def add(self, key: str, status: str, usage: Sequence[int], offset: int) -> None:
        """Count an entry in."""
        self._places.setdefault(_short(key), array('Q')).extend((offset, STATUSES.index(status)))
        self.usage = Usage(self.usage.prompt_tokens + usage[0], self.usage.completion_tokens + usage[1])


class Journal:
    """An append-only JSONL file, one line for each attempt; locked against other processes until it is closed.

    Each line is written at once, so that a killed process loses none. :meth:`sync` guards against a loss of power.

    Args:
        path: the file; it is created if it does not exist. A last line that was cut is removed.

    Raises:
        ValueError: another process uses it, or it is not a journal.
        OSError: it cannot be written.
    """

    def __init__(self, path: Union[str, Path]):
        self.path = Path(path)
        check_writable(self.path)
        self._file = self.path.open('ab+', buffering=0)
        try:
            self._lock()
            self.index = JournalIndex(self.path)
            self._heal()
        except BaseException:
            self._file.close()
            raise
        self._unsynced = False

    def __enter__(self) -> 'Journal':
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def entries(self, key: str) -> List[Entry]:
        """All attempts to answer a request, read from the file."""
        return [self._entry(place.offset) for place in self.index.places(key)]

    def append(self, entry: Entry) -> None:
        """Write one line.

        Raises:
            ValueError: an unknown status, or a text of more than 16 MB.
            OSError: the disk is full; what was written of the line is removed.
        """
        check_choice('status', entry.status, STATUSES)
        line = _line(entry)
        offset = self._file.seek(0, os.SEEK_END)
        try:
            _write(self._file, line)
        except OSError as error:
            self._file.truncate(offset)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._unsynced = True
        self.index.add(entry.key, entry.status, entry.usage, offset)

    def sync(self) -> None:
        """Have the lines written to the disk itself, which takes milliseconds."""
        if self._unsynced:
            self._unsynced = False
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write what is left and unlock the file."""
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._file.close()

    def _entry(self, offset: int) -> Entry:
        """What the index has checked is not checked again."""
        self._file.seek(offset)
        try:
            content = DECODER.decode(_read_line(self._file).decode())
            return Entry(**{**content, 'usage': Usage(*content['usage'])})
        except (ValueError, TypeError, KeyError):
            raise ValueError(f'journal {self.path} was changed by another program: run the command again.') from None

    def _lock(self) -> None:
        try:
            lock_file(self._file)
        except (BlockingIOError, PermissionError):
            raise ValueError(
                f'another process writes the journal {self.path}: wait until it ends, or give another file.'
            ) from None
        except OSError as error:
            print_log(
                f'journal {self.path} cannot be locked ({error}): make sure that no other process writes it.',
                logger='current',
                level=logging.WARNING,
            )

    def _heal(self) -> None:
        index, end = self.index, self._file.seek(0, os.SEEK_END)
        if index.damaged:
            lines = ', '.join(map(str, index.damaged[:10])) + (', ...' if len(index.damaged) > 10 else '')
            self._warn(f'damaged lines are not used: {lines}')
        if not index.cut:
            return
        content = _content(index.cut)
        if content is None and (index.cut.startswith(START) or START.startswith(index.cut) or _is_lost(index.cut)):
            self._file.truncate(index.size)
            self._warn('the last line was cut and is removed')
        else:
            self._file.seek(end)
            _write(self._file, b'\n')
            if content is not None:
                index.add(content['key'], content['status'], content['usage'], index.size)

    def _warn(self, what: str) -> None:
        print_log(f'journal {self.path}: {what}.', logger='current', level=logging.WARNING)


def _content(line: bytes) -> Optional[Dict[str, Any]]:
    """The checked fields of an entry; None if the line is damaged."""
    try:
        content = DECODER.decode(line.decode())
        return content if _is_valid(content) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _is_valid(content: Any) -> bool:
    prompt, completion = content['usage']
    attempt, key = content['attempt'], content['key']
    return (
        content.keys() == FIELDS
        and set(map(type, TEXTS(content))) == {str}
        and type(content['settings']) is dict
        and type(prompt) is type(completion) is type(attempt) is int
        and 0 <= prompt <= MOST_TOKENS
        and 0 <= completion <= MOST_TOKENS
        and 0 <= attempt <= MOST_TOKENS
        and content['status'] in STATUSES
        and len(key) == 64
        and len(bytes.fromhex(key)) == 32
    )


def _refuse(constant: str) -> None:
    raise ValueError(f'{constant} is not JSON')


DECODER = json.JSONDecoder(parse_constant=_refuse)


def _line(entry: Entry) -> bytes:
    """ASCII, so that no surrogate or line separator of a text breaks the file."""
    line = json.dumps({**vars(entry), 'usage': list(entry.usage)}, allow_nan=False, separators=(',', ':'))
    if len(line) >= LONGEST_LINE:
        raise ValueError(f'the answer to {entry.id!r:.60} has {len(line):,} bytes, too many for a journal.')
    return line.encode() + b'\n'


def _short(key: str) -> bytes:
    return bytes.fromhex(key[:32])


def _is_lost(line: bytes) -> bool:
    """A block that a file system had not written yet when the power failed, or nothing."""
    return not line.strip(b'\0')


def _lines(file: IO[bytes]) -> Iterator[Tuple[int, bytes, bool]]:
    """Offset and content of each line, and whether it ends; of a line too long to be one of ours only the beginning."""
    offset = 0
    while True:
        line = end = file.readline(LONGEST_LINE)
        if not line:
            return
        while len(end) == LONGEST_LINE and not end.endswith(b'\n'):
            end = file.readline(LONGEST_LINE)
        yield offset, line, end.endswith(b'\n')
        offset = file.tell()


def _read_line(file: IO[bytes]) -> bytes:
    """A line from an unbuffered file, on which readline reads byte by byte."""
    chunks = [file.read(2**13)]
    while chunks[-1] and b'\n' not in chunks[-1]:
        chunks.append(file.read(2**16))
    return b''.join(chunks).partition(b'\n')[0]


def _write(file: IO[bytes], content: bytes) -> None:
    while content:
        content = content[file.write(content) :]
