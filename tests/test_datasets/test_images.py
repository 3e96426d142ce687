import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS
from PIL import Image

from clamp_mmpose.datasets.files.images import is_truncated, opencv_logging, read_image, silence_opencv


def photo(folder, suffix):
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    path = folder / f'photo.{suffix}'
    cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_incomplete_images_are_errors(tmp_path, suffix):
    path = photo(tmp_path, suffix)
    whole = path.read_bytes()
    np.testing.assert_array_equal(read_image(str(path)), cv2.imread(str(path)))
    for share in (0.3, 0.6, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match=rf'photo\.{suffix} is truncated .*check_dataset'):
            read_image(str(path))
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'cannot be decoded \(0 bytes\)'):
        read_image(str(path))
    path.write_bytes(b'<html>not found</html>')
    with pytest.raises(ValueError, match='cannot be decoded'):
        read_image(str(path))
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf'photo\.{suffix} does not exist'):
        read_image(str(path))


def test_end_of_a_photo(tmp_path):
    scan = b'\xff\xda' + bytes(20)
    thumbnail = b'\xff\xd8' + scan + b'\xff\xd9'
    header = b'\xff\xd8\xff\xff\xe1' + (2 + len(thumbnail)).to_bytes(2, 'big') + thumbnail
    assert is_truncated(header + scan)  # the end marker found is that of the thumbnail
    assert is_truncated(header[:-4])
    assert not is_truncated(header + scan + b'\xff\xd9')
    for suffix in ('jpg', 'png'):  # phones append videos to photos
        path = photo(tmp_path, suffix)
        image = cv2.imread(str(path))
        path.write_bytes(path.read_bytes() + b'film \xff\xda' + bytes(100))
        np.testing.assert_array_equal(read_image(str(path)), image)


@pytest.mark.parametrize('color_type', ['color', 'grayscale'])
@pytest.mark.parametrize(
    'orientation, turned',
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (4, lambda image: image[::-1]),
        (5, lambda image: image.swapaxes(0, 1)),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: image[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda image: np.rot90(image)),
    ],
)
def test_rotated_as_the_exif_tag_says(tmp_path, orientation, turned, color_type):
    """Four corners of different gray: orientation 5 swaps x and y, 7 does so about the other diagonal."""
    stored = np.repeat(np.repeat(np.uint8([[0, 60, 120], [180, 220, 250]]), 16, axis=0), 16, axis=1)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(stored).convert('RGB').save(tmp_path / 'photo.jpg', exif=tags, quality=100)
    image = read_image(str(tmp_path / 'photo.jpg'), color_type)
    expected = turned(stored) if color_type == 'grayscale' else np.stack([turned(stored)] * 3, axis=-1)
    np.testing.assert_allclose(image, expected, atol=2)


def test_transform_loads_what_the_stock_one_loads(tmp_path):
    path = str(photo(tmp_path, 'jpg'))
    ours, stock = (TRANSFORMS.build(dict(type=name))(dict(img_path=path)) for name in ('LoadIntactImage', 'LoadImage'))
    np.testing.assert_array_equal(ours['img'], stock['img'])
    assert ours['img_shape'] == stock['img_shape'] == (40, 60) and ours['ori_shape'] == (40, 60)


def test_opencv_prints_nothing_on_damaged_images(tmp_path, capfd, monkeypatch):
    (tmp_path / 'a.gif').write_bytes(b'GIF89a')
    level = opencv_logging().getLogLevel()
    monkeypatch.delenv('OPENCV_LOG_LEVEL', raising=False)
    try:
        silence_opencv()
        with pytest.raises(ValueError, match=r'a\.gif cannot be decoded'):
            read_image(str(tmp_path / 'a.gif'))
    finally:
        opencv_logging().setLogLevel(level)
    assert capfd.readouterr() == ('', '')


def test_addresses_of_an_unknown_kind():
    with pytest.raises(ValueError, match="unknown kind of address, 'weird'"):
        read_image('weird://photo.png')
