"""Files of users: byte order marks, home folders, hostile YAML; and files that several processes write."""

import ast
import math
import os
from pathlib import Path

import numpy as np
import pytest

from clamp_mmpose.utils.files import (
    atomic_write,
    check_writable,
    parse_json,
    read_json,
    read_json_lines,
    read_yaml,
    to_json,
    without_nan,
)

MARK = b'\xef\xbb\xbf'


def test_byte_order_marks_are_skipped(tmp_path):
    path = tmp_path / 'marked'
    path.write_bytes(MARK + b'{"a": [1]}')
    assert read_json(path, 'it', 'do') == read_yaml(path, 'it', 'do') == {'a': [1]}
    assert parse_json(path.read_bytes()) == parse_json('\ufeff{"a": [1]}') == {'a': [1]}


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'a.json').write_text('3')
    assert read_json('~/a.json', 'it', 'do') == 3


@pytest.mark.parametrize('reader, form', [(read_json, 'JSON'), (read_yaml, 'YAML')])
def test_unreadable(tmp_path, reader, form):
    path = tmp_path / 'a'
    with pytest.raises(FileNotFoundError, match=r'it .*a not found \(looked in .*\): do\.'):
        reader(path, 'it', 'do')
    for content, message in ((b'[' * 100_000, f'cannot be read as {form}'), (b'"\xe9"', 'not text in UTF-8')):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            reader(path, 'it', 'do')


def test_yaml_creates_no_objects(tmp_path):
    (tmp_path / 'a.yml').write_text(f'!!python/object/apply:os.mkdir ["{tmp_path}/ran"]')
    with pytest.raises(ValueError, match='cannot be read as YAML'):
        read_yaml(tmp_path / 'a.yml', 'it', 'do')
    assert not (tmp_path / 'ran').exists()


def test_processes_write_to_temporary_files_of_their_own(tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr('os.replace', lambda source, target: used.append(source))
    for process in (1, 2):
        monkeypatch.setattr(os, 'getpid', lambda process=process: process)
        atomic_write(tmp_path / 'a', b'1')
    assert len({*used, tmp_path / 'a'}) == 3 and {path.parent for path in used} == {tmp_path}


def test_a_full_disk_and_a_folder_name_the_file(tmp_path):
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        atomic_write(Path('/dev/full'), b'1')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_text('kept')
    with pytest.raises(OSError, match="folder'"):
        atomic_write(tmp_path / 'folder', b'1')
    with pytest.raises(OSError, match='file'):
        atomic_write(tmp_path / 'file' / 'a.json', b'1')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'folder']
    atomic_write(Path('/dev/null'), b'1')
    assert Path('/dev/null').is_char_device()


def test_files_that_cannot_be_written_are_found_before_the_work(tmp_path):
    check_writable(tmp_path / 'new' / 'a.json')
    assert (tmp_path / 'new').is_dir() and not (tmp_path / 'new/a.json').exists()
    check_writable('/dev/null')
    with pytest.raises(IsADirectoryError, match='new is a folder'):
        check_writable(tmp_path / 'new')
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match='file'):
        check_writable(tmp_path / 'file' / 'a.json')


def test_json_is_strict():
    content = dict(points=np.array([[1, 2.5]], np.float32), n=np.int64(3), ok=np.bool_(True), pair=(1, None))
    assert to_json(content, 'scores') == '{"points": [[1.0, 2.5]], "n": 3, "ok": true, "pair": [1, null]}'
    for wrong, place in (
        ([dict(a=[0, math.nan])], r'\[0\]\.a\[1\]'),
        (dict(a=dict(b=math.inf)), r'a\.b'),
        (dict(a=np.array([1, np.nan], np.float32)), r'a\[1\]'),
        (dict(a=np.float32('nan')), 'a'),
        (-math.inf, ''),
    ):
        with pytest.raises(ValueError, match=rf'scores cannot be written as JSON: {place} is not a finite number'):
            to_json(wrong, 'scores')
    with pytest.raises(TypeError, match='set cannot be written'):
        to_json({1, 2}, 'scores')
    mixed = dict(a=[math.nan, 1, np.float32('inf')], b=(np.float64('nan'), 'nan', None, True))
    assert without_nan(mixed) == dict(a=[None, 1, None], b=[None, 'nan', None, True])


def test_nothing_writes_json_that_allows_nan():
    """All JSON goes through to_json, or sets allow_nan=False."""
    root = Path(__file__).parents[2]
    found = []
    for path in [file for folder in ('clamp_mmpose', 'benchmarks', 'demos') for file in (root / folder).rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            called = f'{getattr(node.func.value, "id", "")}.{node.func.attr}'
            strict = any(keyword.arg == 'allow_nan' and keyword.value.value is False for keyword in node.keywords)
            names_only = path.name in (
                'export.py',
                'folder.py',
                'trial.py',
            )  # of settings, metadata, a copy of what was read
            if called in ('json.dump', 'json.dumps', 'mmengine.dump') and not strict and not names_only:
                found.append(f'{path}:{node.lineno}')
    assert found == []


def test_json_lines_are_read_one_by_one(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_text('{"a": 1}\n\n[2, "\u2028"]\n', encoding='utf-8')  # a line separator is part of a text
    assert list(read_json_lines(path, 'texts', 'x')) == [
        (f'texts {path}, line 1', {'a': 1}),
        (f'texts {path}, line 3', [2, '\u2028']),
    ]
    for line, message in (('{"a": 1', 'line 2 cannot be read as JSON'), ('{"a": NaN}', 'NaN in line 1')):
        path.write_text(f'[]\n{line}')
        with pytest.raises(ValueError, match=message):
            list(read_json_lines(path, 'texts', 'x'))
    with pytest.raises(FileNotFoundError, match=r'none.*give a file'):
        list(read_json_lines(tmp_path / 'none.jsonl', 'texts', 'give a file'))
