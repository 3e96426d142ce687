"""Unusual image files that MMPose reads are no faults; what it cannot read is."""

import os

import numpy as np
import pytest
from PIL import Image

from clamp_mmpose.data_check.check import check_dataset

SIZE = (64, 48)
NOISE = np.random.default_rng(1).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)


def save(**options):
    return lambda path, name: Image.fromarray(NOISE).save(path / name, **options)


def convert(mode):
    return lambda path, name: Image.fromarray(NOISE).convert(mode).save(path / name)


def deep(path, name):
    Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257).save(path / name)


def oriented(path, name):
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(NOISE.swapaxes(0, 1).copy()).save(path / name, exif=tags)


def rename(toy, name):
    toy.image(2).unlink()
    toy.content['images'][2]['file_name'] = name
    toy.write()


@pytest.mark.parametrize(
    'name, write',
    [
        ('a.tif', save()),
        ('a.webp', save()),
        ('a.bmp', save()),
        ('progressive.jpg', save(progressive=True)),
        ('gray.png', convert('L')),
        ('palette.png', convert('P')),
        ('alpha.png', convert('RGBA')),
        ('cmyk.jpg', convert('CMYK')),
        ('deep.png', deep),
        ('deep.tif', deep),
        ('many.jpg', lambda path, name: Image.fromarray(NOISE).save(path / name, 'MPO', save_all=True)),
        ('ä ö.jpg', save()),
    ],
)
def test_files_that_are_read(toy, name, write):
    rename(toy, name)
    write(toy.root / 'images', name)
    assert toy.found() == []


@pytest.mark.parametrize(
    'values, found',
    [
        (np.linspace(0, 1, 64 * 48, dtype=np.float32), None),
        (np.linspace(0, 255, 64 * 48, dtype=np.float32), r'float32 values from 0 to 255; expected 0 to 1'),
        (np.full(64 * 48, np.nan, np.float32), r'float32 values from nan to nan; expected 0 to 1'),
        (np.arange(64 * 48, dtype=np.int32), None),
        (np.arange(64 * 48, dtype=np.int32) - 5, r'int32 values from -5 to 3066; expected 0 to 65535'),
    ],
)
def test_values_that_the_reader_refuses(toy, values, found):
    rename(toy, 'deep.tif')
    Image.fromarray(values.reshape(48, 64)).save(toy.root / 'images/deep.tif')
    findings = check_dataset(toy.dataset)
    assert [finding.code for finding in findings] == ['IM005'] * (found is not None)
    assert found is None or found in findings[0].detail


def test_a_row_too_long_for_opencv(toy):
    rename(toy, 'row.png')
    toy.content['images'][2].update(width=2**20 + 1, height=1)
    toy.write()
    Image.new('1', (2**20 + 1, 1)).save(toy.root / 'images/row.png')
    assert 'IM005' in [finding.code for finding in check_dataset(toy.dataset)]


@pytest.mark.parametrize('name', ['a.tif', 'a.png', 'a.jpg', 'a.webp'])
def test_orientation_as_in_the_annotations(toy, name):
    """A 48 x 64 file with orientation 6 is read as 64 x 48."""
    rename(toy, name)
    oriented(toy.root / 'images', name)
    assert toy.found() == [('info', 'image is rotated by its EXIF tag, as in its annotations', name)]


def test_200_megapixels(toy):
    """Beyond Pillow's limit, and within OpenCV's."""
    rename(toy, 'large.png')
    Image.new('1', (20000, 10000)).save(toy.root / 'images/large.png')
    limit = Image.MAX_IMAGE_PIXELS
    toy.content['images'][2].update(width=20000, height=10000)
    toy.write()
    assert toy.found() == []
    assert limit == Image.MAX_IMAGE_PIXELS
    content = (toy.root / 'images/large.png').read_bytes()
    (toy.root / 'images/large.png').write_bytes(
        content[:-3000] + bytes(255 - b for b in content[-3000:-2990]) + content[-2990:]
    )
    assert toy.found() == [('error', 'image is truncated or damaged', 'large.png')]


def test_wrong_case_names_the_other_file(toy):
    toy.image(2).rename(toy.root / 'images/2.JPG')
    [finding] = check_dataset(toy.dataset)
    assert finding.code == 'IM004' and finding.detail.endswith('there is 2.JPG')


def test_copies_under_other_names(toy):
    """The same bytes twice; images of one color are no copies of each other."""
    toy.image(3).write_bytes(toy.image(1).read_bytes())
    toy.write()
    assert [found for found in toy.found() if found[0] != 'info'] == [
        ('warning', 'image is a copy of another one', '3.jpg')
    ]
    for i in (1, 3):
        Image.new('RGB', (64, 48), 'white').save(toy.image(i))
    assert toy.found() == []


def test_a_pipe_is_not_waited_for(toy):
    toy.image(2).unlink()
    os.mkfifo(toy.image(2))
    assert ('error', 'image is truncated or damaged', '2.jpg') in toy.found()
    os.mkfifo(toy.root / 'pipe.json')
    toy.dataset['ann_file'] = 'pipe.json'
    assert toy.found() == [('error', 'annotation file cannot be read', f'{toy.root}/pipe.json')]
