"""Files of users: byte order marks, home folders, hostile YAML; and files that several processes write."""

import os

import pytest

from clamp_mmpose.utils.files import atomic_write, parse_json, read_json, read_yaml

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
