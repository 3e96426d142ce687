import cv2
import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

from clamp_mmpose.datasets.files.images import is_truncated, read_image
from clamp_mmpose.language.keypoint_names import keypoint_names, readable_name


@pytest.mark.parametrize(
    'label, name',
    [
        ('L_Eye', 'left eye'),
        ('R_F_Paw', 'right front paw'),
        ('L_B_Elbow', 'left back elbow'),
        ('Root of tail', 'root of tail'),
        ('leftShoulder', 'left shoulder'),
        ('neck-base', 'neck base'),
        ('left_ear', 'left ear'),
        ('Nose', 'nose'),
    ],
)
def test_readable_names(label, name):
    assert readable_name(label) == name


def test_names_of_data_sets():
    names = keypoint_names('AP10KDataset')
    assert len(names) == 17 and names[:5] == ['left eye', 'right eye', 'nose', 'neck', 'root of tail']
    assert names[7] == 'left front paw'
    assert keypoint_names('CocoDataset')[5] == 'left shoulder'
    assert keypoint_names(dict(keypoint_id2name={0: 'A', 1: 'R_B'}, num_keypoints=2)) == ['a', 'right back']
    assert keypoint_names(['L_Eye', ' Point B ']) == ['L_Eye', 'Point B']  # given names are taken as they are


@pytest.mark.parametrize(
    'source, message',
    [
        ('NoSuchDataset', "'NoSuchDataset' is no registered data set"),
        (['Left eye', 'nose', 'left eye'], r"\['left eye'\] occur more than once"),
        (['nose', ' '], 'must not be empty'),
        ([], 'must not be empty'),
        ('BaseCocoStyleDataset', 'no metainfo of its own'),
    ],
)
def test_unusable_names_are_explained(source, message):
    with pytest.raises(ValueError, match=message):
        keypoint_names(source)


def photo(folder, suffix):
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    path = folder / f'photo.{suffix}'
    cv2.imwrite(str(path), picture)
    return path


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_images_are_read_whole_or_not_at_all(tmp_path, suffix):
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


def test_where_a_photo_ends(tmp_path):
    scan = b'\xff\xda' + bytes(20)
    thumbnail = b'\xff\xd8' + scan + b'\xff\xd9'
    header = b'\xff\xd8\xff\xff\xe1' + (2 + len(thumbnail)).to_bytes(2, 'big') + thumbnail
    assert is_truncated(header + scan)  # the end that is there is the thumbnail's
    assert is_truncated(header[:-4])
    assert not is_truncated(header + scan + b'\xff\xd9')
    for suffix in ('jpg', 'png'):  # phones append films to photos
        path = photo(tmp_path, suffix)
        picture = cv2.imread(str(path))
        path.write_bytes(path.read_bytes() + b'film \xff\xda' + bytes(100))
        np.testing.assert_array_equal(read_image(str(path)), picture)


def test_transform_loads_what_the_stock_one_loads(tmp_path):
    path = str(photo(tmp_path, 'jpg'))
    ours, stock = (TRANSFORMS.build(dict(type=name))(dict(img_path=path)) for name in ('LoadIntactImage', 'LoadImage'))
    np.testing.assert_array_equal(ours['img'], stock['img'])
    assert ours['img_shape'] == stock['img_shape'] == (40, 60) and ours['ori_shape'] == (40, 60)
