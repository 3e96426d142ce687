import json
import subprocess
import sys

import pytest

from clamp_mmpose.llm.journal import LONGEST_LINE, Entry, Journal, JournalIndex
from clamp_mmpose.llm.request import Usage

A, B, C = ('a' * 64, 'b' * 64, 'c' * 64)


def entry(key=A, text='text', **kwargs):
    return Entry(key, 'r0', kwargs.pop('status', 'done'), 0, text, usage=Usage(10, 4), **kwargs)


@pytest.fixture
def path(tmp_path):
    """Three entries."""
    path = tmp_path / 'journal.jsonl'
    with Journal(path) as journal:
        for key in (A, B, A):
            journal.append(entry(key, f'text of {key[0]}'))
    return path


def test_entries_are_read_back_in_order(path):
    with Journal(path) as journal:
        journal.append(entry(A, 'newest', status='truncated'))
        assert [found.text for found in journal.entries(A)] == ['text of a', 'text of a', 'newest']
        assert [place.status for place in journal.index.places(A)] == ['done', 'done', 'truncated']
        assert journal.entries(C) == [] and len(journal.index) == 2
        assert journal.index.usage == Usage(40, 16)
    with Journal(path) as journal:
        assert journal.entries(A)[2].status == 'truncated' and journal.index.usage == Usage(40, 16)


@pytest.mark.parametrize('text', ['\ud800 \udc00\ud800', 'a\u2028b\nc\r\0', '"}{\\', 'é😀' * 1000, 'NaN'])
def test_any_text_is_kept(tmp_path, text):
    with Journal(tmp_path / 'j') as journal:
        journal.append(entry(text=text))
    assert (tmp_path / 'j').read_bytes().count(b'\n') == 1
    with Journal(tmp_path / 'j') as journal:
        assert journal.entries(A)[0].text == text


@pytest.mark.parametrize('kept', [1, 5, 100])
def test_a_cut_last_line_is_removed(path, kept, caplog):
    whole = path.read_bytes()
    line = whole.splitlines(keepends=True)[0]
    path.write_bytes(whole + line[:kept])
    with Journal(path) as journal:
        assert path.read_bytes() == whole
        journal.append(entry(C))
    with Journal(path) as journal:
        assert len(journal.index) == 3 and not journal.index.damaged


def test_a_last_line_without_its_end_is_used(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with Journal(path) as journal:
        assert len(journal.entries(A)) == 2 and path.read_bytes() == whole


def test_zeros_after_a_loss_of_power_are_removed(path):
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(1000))
    with Journal(path):
        assert path.read_bytes() == whole


DAMAGED = [
    b'{"key": "a"',
    b'[]',
    b'null',
    b'\xff\xfe',
    b'{"key":"' + b'a' * 64 + b'"}',
    b'[' * 100_000,
    b'x' * (LONGEST_LINE + 5),
    json.dumps({**vars(entry()), 'usage': [-1, 2]}).encode(),
    json.dumps({**vars(entry()), 'usage': [10**30, 2]}).encode(),
    json.dumps({**vars(entry()), 'usage': [True, 2]}).encode(),
    json.dumps({**vars(entry()), 'usage': [1.5, 2]}).encode(),
    json.dumps({**vars(entry()), 'settings': dict(temperature=float('nan'))}).encode(),
    json.dumps({**vars(entry()), 'text': ['a']}).encode(),
    json.dumps({**vars(entry()), 'key': 'z' * 64}).encode(),
    json.dumps({**vars(entry()), 'status': 'paid'}).encode(),
]


def test_damaged_lines_are_named_and_the_others_used(path):
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b''.join(line + b'\n' for line in DAMAGED) + b''.join(others))
    index = JournalIndex(path)
    assert index.damaged == list(range(2, 2 + len(DAMAGED)))
    assert len(index.places(A)) == 2 and index.usage == Usage(30, 12)
    with Journal(path) as journal:
        assert [found.text for found in journal.entries(B)] == ['text of b']


def test_an_endless_last_line_stays_apart(path):
    path.write_bytes(path.read_bytes() + DAMAGED[6])
    with Journal(path) as journal:
        journal.append(entry(C))
    assert JournalIndex(path).damaged == [4] and len(JournalIndex(path)) == 3


def test_another_file_is_not_touched(tmp_path):
    path = tmp_path / 'notes.txt'
    path.write_text('my notes\nwithout an end')
    with pytest.raises(ValueError, match=r'notes.txt is not a journal of answers: give the name of a new file'):
        Journal(path)
    assert path.read_text() == 'my notes\nwithout an end'


def test_two_journals_cannot_share_a_file(path, tmp_path):
    (tmp_path / 'link').symlink_to(path)
    with Journal(path) as journal:
        for name in (path, tmp_path / 'link'):
            with pytest.raises(ValueError, match='another process writes the journal'):
                Journal(name)
        assert len(JournalIndex(path)) == 2  # reading is allowed
        journal.append(entry(C))
    Journal(path).close()


def test_another_process_cannot_write_and_its_death_frees_the_file(path):
    holder = 'import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()'
    process = subprocess.Popen([sys.executable, '-c', holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    with pytest.raises(ValueError, match='another process writes the journal'):
        Journal(path)
    process.kill()
    process.wait()
    Journal(path).close()


def test_a_full_disk_leaves_whole_lines(path, monkeypatch):
    whole = path.read_bytes()
    with Journal(path) as journal:

        def write(file, content):
            file.write(content[:10])
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr('clamp_mmpose.llm.journal._write', write)
        with pytest.raises(OSError, match=r'No space left on device.*journal.jsonl'):
            journal.append(entry(C))
    assert path.read_bytes() == whole
