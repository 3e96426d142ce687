import os

import cv2
import numpy as np
import pytest
import torch
from mmpose.registry import TRANSFORMS
from PIL import Image

from clamp_mmpose.datasets.files import arrays
from clamp_mmpose.datasets.files.arrays import to_bgr, to_uint8
from clamp_mmpose.datasets.files.images import read_image


def pil(color, mode='RGB'):
    """Two pixels: the color and black."""
    image = Image.new('RGB', (2, 1))
    image.putpixel((0, 0), color)
    return image.convert(mode)


def first(image):
    """The first pixel, and the checks that all results pass."""
    found = to_bgr(image)
    assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3 and found.flags.c_contiguous
    return found[0, 0].tolist()


def test_pil_images_of_any_mode():
    assert first(pil((200, 30, 7))) == [7, 30, 200]
    assert first(pil((200, 30, 7), 'RGBA')) == [7, 30, 200]
    assert first(pil((200, 30, 7), 'CMYK')) == [7, 30, 200]
    assert first(pil((255, 0, 0), 'P')) == [0, 0, 255]
    assert first(pil((9, 9, 9), 'L')) == [9, 9, 9]
    assert first(pil((255, 255, 255), '1')) == [255, 255, 255]
    assert first(Image.merge('LA', [Image.new('L', (1, 1), 9), Image.new('L', (1, 1), 0)])) == [9, 9, 9]  # transparent
    assert first(Image.new('RGBA', (1, 1), (1, 2, 3, 0))) == [3, 2, 1]
    assert first(Image.new('PA', (1, 1))) == [0, 0, 0]
    # 12 bits: 2048 * 255 / 4095 = 127.5
    for mode in ('I;16', 'I'):
        deep = Image.fromarray(np.array([[2048, 4095, 0]], np.uint16 if mode == 'I;16' else np.int32))
        assert deep.mode == mode and to_bgr(deep)[0].tolist() == [[128] * 3, [255] * 3, [0] * 3]
    assert to_bgr(Image.fromarray(np.array([[0.2, 1.0]], np.float32)))[0, :, 0].tolist() == [51, 255]


def test_pil_images_are_rotated_as_files_are(tmp_path):
    """A row of red and blue: orientation 6 is shown as a column with red at the top, 8 with red at the bottom."""
    red, blue = [0, 0, 255], [255, 0, 0]
    row = Image.new('RGB', (2, 1))
    row.putpixel((0, 0), (255, 0, 0))
    row.putpixel((1, 0), (0, 0, 255))
    expected = {1: [[red, blue]], 3: [[blue, red]], 5: [[red], [blue]], 6: [[red], [blue]], 8: [[blue], [red]]}
    for orientation, pixels in expected.items():
        row.getexif()[0x0112] = orientation
        assert to_bgr(row).tolist() == pixels
        big = row.resize((32, 16), Image.Resampling.NEAREST)
        big.save(tmp_path / 'row.jpg', exif=row.getexif(), quality=100, subsampling=0)
        with Image.open(tmp_path / 'row.jpg') as opened:
            difference = to_bgr(opened).astype(int) - read_image(str(tmp_path / 'row.jpg'))
        assert abs(difference).max() <= 2  # two JPEG decoders


def test_arrays_of_any_layout(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    frozen = image.copy()
    frozen.flags.writeable = False
    mapped = np.memmap(tmp_path / 'image', np.uint8, 'w+', shape=image.shape)
    mapped[:] = image
    assert to_bgr(image).flags.writeable and to_bgr(image[..., 0]).flags.writeable
    for same in (image, frozen, mapped, np.asfortranarray(image), image[::-1, ::-1].copy()[::-1, ::-1]):
        np.testing.assert_array_equal(to_bgr(same), image)
        assert to_bgr(same).flags.c_contiguous
    assert to_bgr(image) is not None and np.shares_memory(to_bgr(image), image)  # nothing is copied
    for gray in (image[..., 0], image[..., :1]):
        np.testing.assert_array_equal(to_bgr(gray), np.repeat(image[..., :1], 3, axis=2))


@pytest.mark.parametrize(
    'image, message',
    [
        (
            np.full((2, 2, 3), 4095, np.uint16),
            r'ndarray of uint16 with the shape \[2, 2, 3\], values from 4095 to 4095',
        ),
        (
            np.full((2, 2, 3), 0.5, np.float32),
            r'ndarray of float32 with the shape \[2, 2, 3\], values from 0\.5 to 0\.5',
        ),
        (np.array([[0, np.nan]]), r'float64 with the shape \[1, 2\], values from 0 to 0, and NaN or infinity'),
        (np.full((2, 2), np.nan), r'float64 with the shape \[2, 2\], and NaN or infinity'),
        (np.ones((2, 2), bool), r'of bool with the shape \[2, 2\]'),
        (np.full((2, 2, 3), -1, np.int64), r'of int64 .* from -1 to -1; .*convert its values to 0\.\.255'),
        (np.zeros((2, 2, 4), np.uint8), r'uint8 with the shape \[2, 2, 4\].*drop the alpha channel'),
        (np.zeros((2, 2, 2), np.uint8), r'shape \[2, 2, 2\]'),
        (np.zeros((5, 2, 2, 3), np.uint8), r'shape \[5, 2, 2, 3\].*give a list of images'),
        (np.zeros((0, 2, 3), np.uint8), r'shape \[0, 2, 3\]'),
        (np.zeros((), np.uint8), r'shape \[\]'),
        (np.array([[None]]), r'of object with the shape \[1, 1\]'),
        (torch.rand(3, 4, 5).round(), r'Tensor of torch\.float32 with the shape \[3, 4, 5\], values from 0 to 1'),
        (torch.zeros(4, 5, 3, dtype=torch.bfloat16), r'torch\.bfloat16'),
        ([[1, 2]], 'of type list'),
        (None, 'of type NoneType'),
        (Image.new('RGB', (0, 3)), r'mode RGB with the size \(0, 3\)'),
        (Image.fromarray(np.full((1, 1), 3.5, np.float32)), 'float32 values from 3.5 to 3.5; expected 0 to 1'),
    ],
)
def test_anything_else_is_named(image, message):
    with pytest.raises(ValueError, match=rf'image 7.*{message}'):
        to_bgr(image, 'image 7')


def test_the_transform_takes_no_other_arrays():
    load = TRANSFORMS.build(dict(type='LoadIntactImage'))
    assert load(dict(img=np.zeros((4, 5), np.uint8)))['img'].shape == (4, 5, 3)
    with pytest.raises(ValueError, match=r'cat\.jpg is ndarray of float32'):
        load(dict(img=np.zeros((4, 5, 3), np.float32), img_path='cat.jpg'))


@pytest.mark.parametrize(
    'values, expected',
    [
        ([0, 100, 255], [0, 100, 255]),  # 8 bits in 16
        ([0, 300, 1023], [0, 75, 255]),  # 10 bits: 300 * 255 / 1023 = 74.8
        ([0, 8, 2048, 4095], [0, 0, 128, 255]),  # 12 bits: 8 * 255 / 4095 = 0.498, 2048 -> 127.5
        ([0, 4096, 16383], [0, 64, 255]),  # 14 bits: 4096 * 255 / 16383 = 63.8
        ([257, 16384, 65535], [1, 64, 255]),  # 16 bits: 16384 / 257 = 63.8
    ],
)
@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_files_of_16_bits(tmp_path, values, expected, suffix):
    path = str(tmp_path / f'deep.{suffix}')
    cv2.imwrite(path, np.array([values], np.uint16))
    assert read_image(path)[0].tolist() == [[value] * 3 for value in expected]
    assert read_image(path, 'grayscale')[0].tolist() == expected
    color = np.zeros((1, 1, 3), np.uint16)
    color[0, 0] = values[0], values[1], values[-1]
    cv2.imwrite(path, color)
    assert read_image(path)[0, 0].tolist() == [expected[0], expected[1], expected[-1]]


def test_depth_is_logged_once(monkeypatch):
    logged = []
    monkeypatch.setattr(arrays, '_logged', set())
    monkeypatch.setattr(arrays.MMLogger.get_current_instance(), 'info', logged.append)
    for name in ('a.png', 'b.png'):
        to_uint8(np.array([4095], np.uint16), name)
    assert len(logged) == 1 and 'a.png has uint16 values up to 4095: they are read as 12 bits' in logged[0]


def test_float_files(tmp_path):
    path = str(tmp_path / 'float.tif')
    cv2.imwrite(path, np.array([[[0, 0.2, 1]]], np.float32))
    assert read_image(path)[0, 0].tolist() == [0, 51, 255]
    Image.fromarray(np.array([[0, 0.2, 1]], np.float32)).save(path)  # gray, which OpenCV does not convert
    assert read_image(path)[0].tolist() == [[0] * 3, [51] * 3, [255] * 3]
    assert read_image(path, 'grayscale').tolist() == [[0, 51, 255]]
    for wrong in (np.nan, 1.5, -0.1):
        Image.fromarray(np.array([[0, wrong]], np.float32)).save(path)
        with pytest.raises(ValueError, match=r'float\.tif has float32 values .*expected 0 to 1'):
            read_image(path)
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(path)
    with pytest.raises(ValueError, match=r'float\.tif has int32 values from 0 to 70000; expected 0 to 65535'):
        read_image(path)


def test_pipes_and_folders_are_not_read(tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    for name in ('pipe.png', ''):
        with pytest.raises(ValueError, match='is not a regular file'):
            read_image(str(tmp_path / name))
