"""Data files of strangers: whatever their suffix, nothing runs, and a broken one is a named error of one line."""

import csv
import pickle
import struct
import zlib
from pathlib import Path

import mmengine
import mmpose
import numpy as np
import pytest
import yaml
from mmengine.config import Config
from mmpose.datasets import CocoDataset
from tiny import write_dots
from xtcocotools.coco import COCO

from clamp_mmpose.cli.predict import find_boxes
from clamp_mmpose.datasets.descriptions.entries import read_entries
from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.datasets.files.tables import read_csv, read_rows
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.datasets.transforms.generate_focus_heatmap import read_map
from clamp_mmpose.datasets.zero_shot.emotic import _read_split
from clamp_mmpose.engine.launch import check_annotation_files
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.utils.files import parse_json, read_json, read_yaml
from clamp_mmpose.utils.safe_yaml import parse_yaml


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


def read_texts(path):
    (path.parent / 'mp100.yml').write_bytes(path.read_bytes())
    return load_texts(path.parent)


READERS = dict(
    annotations=lambda path: read_annotations(path, 'do'),
    mp100=read_instances,
    coco=lambda path: COCO(str(path)),
    descriptions=read_entries,
    boxes=lambda path: find_boxes(str(path), []),
    boxes_of_a_config=lambda path: check_annotation_files(
        Config(dict(test_dataloader=dict(dataset=dict(bbox_file=str(path)))))
    ),
    texts=read_texts,
    rows=lambda path: list(read_rows(path, 3)),
    table=lambda path: list(read_csv(path, ['a'])),
    emotic=lambda path: _read_split(path, 'test'),
    map=lambda path: read_map(str(path.rename(path.with_suffix('.npy')))),
    mmengine=lambda path: mmengine.load(str(path)),
)
SUFFIXES = ('.json', '.pkl', '.pickle', '.yml', '.yaml', '.npy', '.csv', '.mat', '.txt')


def hostile(folder):
    bomb = Bomb(folder / 'ran')
    yield pickle.dumps(bomb)
    yield f'!!python/object/apply:os.mkdir ["{folder}/ran"]'.encode()
    yield b'[' * 100_000
    yield b'{"a":' * 100_000
    yield b'- ' * 100_000 + b'a'
    yield b'\xff\xfe\x00\xd8'
    yield '{"a": 1}'.encode('utf-16')
    np.save(folder / 'objects', np.array([bomb], object))
    yield (folder / 'objects.npy').read_bytes()


@pytest.mark.parametrize('name', READERS)
def test_no_reader_runs_a_file(tmp_path, name):
    """Every reader with every hostile file under every suffix."""
    for suffix in SUFFIXES:
        for content in hostile(tmp_path):
            folder = tmp_path / 'file'
            folder.mkdir(exist_ok=True)
            path = folder / f'a{suffix}'
            path.write_bytes(content)
            with pytest.raises((ValueError, TypeError)) as caught:  # TypeError: a suffix that MMEngine does not know
                READERS[name](path)
            assert '\n' not in str(caught.value) and len(str(caught.value)) < 1000
            assert not (tmp_path / 'ran').exists(), (suffix, content[:20])


def test_mmengine_still_reads_and_writes(tmp_path):
    content = {'a': [1, 2.5, 'x'], 'b': None}
    for suffix in ('json', 'yml', 'yaml'):
        mmengine.dump(content, str(tmp_path / f'a.{suffix}'))
        assert mmengine.load(str(tmp_path / f'a.{suffix}')) == content
    mmengine.dump(content, str(tmp_path / 'a.pkl'))
    with pytest.raises(ValueError, match=r'a pickle .* is never read: save the data as JSON'):
        mmengine.load(str(tmp_path / 'a.pkl'))
    assert pickle.loads((tmp_path / 'a.pkl').read_bytes()) == content


def test_json_is_read_right_or_named(tmp_path):
    path = tmp_path / 'a.json'
    for text, expected in (
        ('\ufeff{"a": 1}\n\n\n', {'a': 1}),
        ('{"text": "NaN and 1e999", "e": 1e100, "small": 1e-999}', {'text': 'NaN and 1e999', 'e': 1e100, 'small': 0}),
        ('["\\"", 1E+2, ' + '1' * 299 + ']', ['"', 100, int('1' * 299)]),
        ('{"url": "f1e999", "n": [1.5, 3, 1e300]}', {'url': 'f1e999', 'n': [1.5, 3, 1e300]}),
        ('["' + '9' * 400 + '", 2, ' + '1' * 308 + ']', ['9' * 400, 2, int('1' * 308)]),
    ):
        path.write_text(text, encoding='utf-8')
        assert read_json(path, 'it', 'do') == expected
    for text, message in (
        ('{"a": [1,\n  NaN]}', 'NaN in line 2, column 3 is not a finite number'),
        ('[-Infinity]', '-Infinity in line 1, column 2 is'),
        ('["\\"NaN", 1e999]', '1e999 in line 1, column 11 is'),
        ('[' + '9' * 400 + ']', '9{20} in line 1, column 2 is'),
        ('[' + '9' * 5000 + ']', 'it .* cannot be read as JSON'),
        ('["x", 1e300, -1E+0400]', r'-1E\+0400 in line 1, column 14 is'),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' occurs twice in one object"),
        ('{' + ''.join(f'"{i}": 1, ' for i in range(300_000)) + '"299999": 2}', "the key '299999' occurs twice"),
        ('', 'cannot be read as JSON'),
        ('{"a": 1} x', 'truncated or damaged'),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message) as caught:
            read_json(path, 'it', 'do')
        assert str(path) in str(caught.value) and '\n' not in str(caught.value)
    path.write_text('[1]')
    with pytest.raises(ValueError, match=r'it .* must be a JSON object \{\.\.\.\}, got \[1\]'):
        read_json(path, 'it', 'do', expected=dict)
    assert np.isnan(parse_json('[NaN]')[0])  # readers that check numbers themselves say which one


def test_yaml_is_read_right_or_named(tmp_path):
    text = 'a: no\nb: 2020-01-01\nc: 1:30\nd: true\ne: 12\nf: -1.5e3\ng: null\nh: off\ni: 1_000\n'
    assert parse_yaml(text) == dict(
        a='no', b='2020-01-01', c='1:30', d=True, e=12, f=-1500.0, g=None, h='off', i='1_000'
    )
    assert parse_yaml('a: &x [1]\nb: *x\nc: {<<: {d: 2}}\n') == dict(a=[1], b=[1], c=dict(d=2))
    letters = 'abcdefghij'
    bomb = 'a: &a [x, x, x, x, x, x, x, x, x, x]\n' + ''.join(
        f'{now}: &{now} [{", ".join([f"*{last}"] * 10)}]\n' for last, now in zip(letters, letters[1:])
    )
    merges = 'a: &a {x: 1}\n' + ''.join(
        f'{now}: &{now} {{<<: [{", ".join([f"*{last}"] * 10)}]}}\n' for last, now in zip(letters, letters[1:])
    )
    for text, message in (
        (bomb, 'aliases of line 6 expand to more than 1,000,000 values'),
        (merges, 'expand to more than'),
        ('a: &a [*a]', 'contains itself'),
        ('a: 1\na: 2', "the key 'a' in line 2 occurs twice"),
        ('{a: ' * 200, 'nested deeper than 100 levels in line 1'),
        ('a: !!timestamp 99', 'it .*a.yml cannot be read as YAML'),
        ('? [a]\n: 1', 'unhashable'),
        ('--- 1\n--- 2', 'single document'),
    ):
        (tmp_path / 'a.yml').write_text(text)
        with pytest.raises(ValueError, match=message) as caught:
            read_yaml(tmp_path / 'a.yml', 'it', 'do')
        assert '\n' not in str(caught.value) and 'unicode string' not in str(caught.value)


def test_published_metafiles_read_as_before():
    """Nothing in MMPose's own YAML files depends on what is refused."""
    files = sorted(Path(mmpose.__file__).parent.glob('.mim/configs/**/*.yml'))
    assert len(files) > 50
    for path in files[::10]:
        assert parse_yaml(path.read_text()) == yaml.safe_load(path.read_text())


def test_annotations_of_mmpose_go_through_our_reader(tmp_path):
    root = write_dots(tmp_path / 'data', num_images=2)
    path = next(path for path in root.rglob('*.json'))
    text = path.read_text()
    path.write_text('\ufeff' + text, encoding='utf-8')
    assert len(COCO(str(path)).dataset['images']) == 2
    path.write_text(text.replace('"area": ', '"area": NaN, "_": ', 1))
    with pytest.raises(ValueError, match=r'annotations .*json cannot be read as JSON: NaN in line 1, column \d+'):
        CocoDataset(ann_file=str(path), data_prefix=dict(img=str(root)))


def test_boxes_of_a_config_are_json(tmp_path):
    def check(name, content):
        (tmp_path / name).write_bytes(content)
        check_annotation_files(Config(dict(test_dataloader=dict(dataset=dict(bbox_file=str(tmp_path / name))))))

    check('a.json', b'[]')
    for name in ('a.pkl', 'a.yaml', 'a'):
        with pytest.raises(ValueError, match=r'test_dataloader\.dataset\.bbox_file=.*JSON only'):
            check(name, b'[]')
    with pytest.raises(ValueError, match=r'boxes .*a\.json must be a JSON array'):
        check('a.json', b'{}')


def test_tables(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('\ufeffa,b\n1,"x\ny"\n', encoding='utf-8')
    assert [row for _, row in read_csv(path, ['a', 'b'])] == [{'a': '1', 'b': 'x\ny'}]
    path.write_text('a\n' + 'x' * (csv.field_size_limit() + 1))
    with pytest.raises(ValueError, match=r'a\.csv, line \d+: field larger than field limit'):
        list(read_csv(path, ['a']))
    for reader in (lambda: list(read_csv(path, ['a'])), lambda: list(read_rows(path, 1))):
        path.write_bytes(b'a\n\xff\n')
        with pytest.raises(ValueError, match=r'a\.csv is not text in UTF-8'):
            reader()


def test_a_mat_file_of_another_kind(tmp_path):
    """A compressed element that is cut, and one that claims to be larger than it is."""
    header = b'MATLAB 5.0'.ljust(124) + struct.pack('<HH', 0x0100, 0x4D49)
    packed = zlib.compress(bytes(1000))
    for body in (b'', struct.pack('<II', 15, len(packed)) + packed[:-9], struct.pack('<II', 14, 2**31)):
        (tmp_path / 'a.mat').write_bytes(header + body)
        with pytest.raises(ValueError, match=r'a\.mat'):
            _read_split(tmp_path / 'a.mat', 'test')


def test_a_focus_map_of_another_kind(tmp_path):
    def npy(descr, shape):
        text = str(dict(descr=descr, fortran_order=False, shape=shape)).ljust(117) + '\n'
        return b'\x93NUMPY\1\0' + struct.pack('<H', len(text)) + text.encode() + bytes(64)

    path = tmp_path / 'a.npy'
    path.write_bytes(npy('<f8', (2, 3)))
    assert read_map(str(path)).tolist() == [[0, 0, 0]] * 2
    for content, message in (
        (npy('<f8', (10**7, 10**7)), 'cannot be read'),
        (npy('<f8', (-2, -3)), 'cannot be read'),
        (b'\x93NUMPY\1\0' + struct.pack('<H', 900) + b'(' * 900, 'cannot be read'),
        (b'PK\3\4' + bytes(100), 'cannot be read'),
        (npy('|S8', (2, 3)), r'must be finite numbers \[h, w\], got \|S8 of shape \(2, 3\)'),
        (npy('<c8', (2, 3)), 'must be finite numbers'),
        (npy('<f8', (0, 3)), 'must be finite numbers'),
        (npy([('a', '<f8')], (2, 3)), 'must be finite numbers'),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf'heatmap .*a\.npy {message}') as caught:
            read_map(str(path))
        assert '\n' not in str(caught.value)


def test_json_of_lists_where_objects_belong(tmp_path):
    (tmp_path / 'a.json').write_text('[[1]]')
    for name in ('annotations', 'mp100', 'descriptions', 'boxes'):
        with pytest.raises(ValueError, match=r'a\.json'):
            READERS[name](tmp_path / 'a.json')
