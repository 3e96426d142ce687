import itertools
from pathlib import Path

import numpy as np
import pytest

from clamp_mmpose.apis.outputs import check_not_input, output_names, write_image


def named(*paths, relative=None):
    names = output_names(paths, relative or [Path(path).name for path in paths])
    return {path: (str(name.json), str(name.image)) for path, name in zip(paths, names)}


def test_names():
    assert named('/p/cat.png', '/p/dog.jpg', '/p/photo', '/p/a.b.png') == {
        '/p/cat.png': ('cat.json', 'cat.png'),
        '/p/dog.jpg': ('dog.json', 'dog.jpg'),
        '/p/photo': ('photo.json', 'photo'),
        '/p/a.b.png': ('a.b.json', 'a.b.png'),
    }


@pytest.mark.parametrize(
    'expected',
    [
        {
            '/p/gray.png': ('gray.png.json', 'gray.png'),
            '/p/gray.tif': ('gray.tif.json', 'gray.tif'),
            '/p/other.png': ('other.json', 'other.png'),
        },
        {'/a/x.png': ('a/x.png.json', 'a/x.png'), '/b/x.png': ('b/x.png.json', 'b/x.png')},
        {'/1/a/x.png': ('1/a/x.png.json', '1/a/x.png'), '/2/a/x.png': ('2/a/x.png.json', '2/a/x.png')},
        {'/p/x.png': ('x.png.json', 'x.png'), '/p/X.jpg': ('X.jpg.json', 'X.jpg')},
        {'/p/X.png': ('X.png.json', 'X.png'), '/p/x.png': ('x.png-2.png.json', 'x.png-2.png')},
        # the longer name gives way to that of the first two
        {
            '/p/g.png': ('p/g.png.json', 'p/g.png'),
            '/p/g.tif': ('g.tif.json', 'g.tif'),
            '/p/g.png.jpg': ('g.png.jpg.json', 'g.png.jpg'),
        },
    ],
)
def test_equal_names_become_distinct_in_any_order(expected):
    for paths in itertools.permutations(expected):
        assert named(*paths) == expected


def test_equal_names_in_subfolders():
    """Two folders with the same structure, given together."""
    paths, relative = ['/a/deep/x.png', '/b/deep/x.png', '/a/x.png'], ['deep/x.png', 'deep/x.png', 'x.png']
    assert [json for json, _ in named(*paths, relative=relative).values()] == [
        'a/deep/x.png.json',
        'b/deep/x.png.json',
        'x.json',
    ]


def test_inputs_are_not_overwritten(tmp_path):
    (tmp_path / 'real').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'real')
    check_not_input([tmp_path / 'link' / 'b.png'], [str(tmp_path / 'real' / 'a.png')])
    with pytest.raises(ValueError, match=r'link/a\.png is an input and would be overwritten'):
        check_not_input([tmp_path / 'link' / 'a.png'], [str(tmp_path / 'real' / 'a.png')])


@pytest.mark.parametrize('name', ['photo', 'photo.jfif', 'photo.svg', 'photo.heic'])
def test_formats_that_cannot_be_written(tmp_path, name):
    with pytest.raises(ValueError, match=rf'{name} cannot be drawn: .*\.png or \.jpg'):
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_images_that_a_format_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match='cannot write 70000x1 pixels'):
        write_image(tmp_path / 'wide.jpg', np.zeros((1, 70000, 3), np.uint8))
