import pytest

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
    assert keypoint_names(['L_Eye', ' Point B ']) == ['L_Eye', 'Point B']  # given names are not changed


@pytest.mark.parametrize(
    'source, message',
    [
        ('NoSuchDataset', "'NoSuchDataset' is not a registered data set"),
        (['Left eye', 'nose', 'left eye'], "but 'Left eye' and 'left eye' are the same"),
        (['nose', ' '], 'must not be empty'),
        ([], 'must not be empty'),
        ('BaseCocoStyleDataset', 'this data set type has no metainfo'),
    ],
)
def test_unusable_names_are_explained(source, message):
    with pytest.raises(ValueError, match=message):
        keypoint_names(source)
