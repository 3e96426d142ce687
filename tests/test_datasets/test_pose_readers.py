"""Poses of data sets in the layouts that their authors ship: rotations, frames, images, boxes, and no code is run."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from mmpose.registry import DATASETS
from parity_folders import parity_folder
from pose_files import RANDOM, Runs, amass, person, png, python_2, tar_of, vectors
from scipy.spatial.transform import Rotation

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.poses.amass import read_frames

ROOTS = np.load(parity_folder('rotations.npz'))


def read(**reader):
    made = DATASETS.build(reader)
    return list(made), dict(made.dropped)


def matrices(rows):
    return Rotation.from_rotvec(np.reshape(rows, (-1, 3))).as_matrix().reshape(-1, 3, 3)


def apart(found, expected):
    return np.abs(found - expected).max()


# --- PoseScript and AMASS


@pytest.fixture(scope='module')
def posescript(tmp_path_factory):
    """Both releases: three poses of two sequences, one of them in a folder with a newer name."""
    folder = tmp_path_factory.mktemp('posescript')
    first = amass(folder / 'amass', 'CMU', 5)
    second = amass(folder / 'amass', 'BMLrub', len(ROOTS['root_in']), ROOTS['root_in'])
    places = {
        '7': ['AMASS', 'CMU/sub/walk_poses.npz', 4],
        '8': ['AMASS', 'BioMotionLab_NTroje/sub/walk_poses.npz', 3],
        '12': ['AMASS', 'BioMotionLab_NTroje/sub/walk_poses.npz', 0],
        '20': ['AMASS', 'KIT/sub/walk_poses.npz', 0],
    }
    automatic = {f'automatic_{letter}.json': {'8': f'{letter}.'} for letter in 'ABCDEF'}
    old = {
        'ids_2_dataset_sequence_and_frame_index.json': places,
        'human6293.json': {'12': 'By hand.', '7': 'Own.'},
        **automatic,
        'train_ids.json': [12, 7, 8],
        'val_ids.json': [7, 20],
    }
    new = {
        'ids_2_dataset_sequence_and_frame_index_100k.json': places,
        'posescript_human_6293.json': {'12': ['By hand.', 'Again.']},
        'posescript_auto_100k.json': {'12': ['Rule.'], '8': ['Rule 8.']},
        'train_ids_100k.json': [12, 8],
    }
    with zipfile.ZipFile(folder / 'old.zip', 'w') as archive:
        for name, content in old.items():
            archive.writestr(f'posescript/{name}', json.dumps(content))
    (folder / 'new').mkdir()
    for name, content in new.items():
        (folder / 'new' / name).write_text(json.dumps(content))
    return folder, first, second


def test_posescript(posescript):
    """The first release, from its zip: the right frames, roots in the camera's frame, SMPL-H's fingers left out."""
    folder, first, second = posescript
    found, _ = read(type='PoseScript', root=str(folder / 'old.zip'), amass=str(folder / 'amass'))
    assert [one.record_id for one in found] == ['12', '7', '8']
    assert [list(one.texts) for one in found] == [['By hand.'], ['Own.'], [f'{letter}.' for letter in 'ABCDEF']]
    for one, rows in zip(found, (second[0], first[4], second[3])):
        assert apart(one.rotations[1:22], matrices(rows.reshape(52, 3)[1:22])) < 1e-6
        assert apart(one.rotations[22:], np.eye(3)) == 0 and one.mask.tolist() == [True] * 22 + [False] * 2
        assert one.rotations.dtype == np.float32 and one.image is None and one.betas is None
    assert apart(found[0].rotations[0], ROOTS['root_out_matrix'][0]) < 1e-6
    assert apart(found[2].rotations[0], ROOTS['root_out_matrix'][3]) < 1e-6
    human, _ = read(type='PoseScript', root=str(folder / 'old.zip'), amass=str(folder / 'amass'), texts='human')
    assert [list(one.texts) for one in human] == [['By hand.'], ['Own.'], []]


def test_posescript_100k(posescript):
    folder, *_ = posescript
    options = dict(type='PoseScript', root=str(folder / 'new'), amass=str(folder / 'amass'))
    found, _ = read(**options)
    assert [list(one.texts) for one in found] == [['By hand.', 'Again.', 'Rule.'], ['Rule 8.']]
    assert [list(one.texts) for one in read(**options, texts='automatic')[0]] == [['Rule.'], ['Rule 8.']]
    with pytest.raises(FileNotFoundError, match=r'new has no val_ids_100k.json'):
        read(**options, split='val')


def test_frames_that_a_sequence_lacks(tmp_path):
    np.savez(tmp_path / 'a.npz', poses=np.zeros((3, 156)))
    assert read_frames(tmp_path / 'a.npz', [2, 0]).shape == (2, 52, 3)
    for frames, wrong in (([2, -1], '-1'), ([0, 3, 9], '3')):
        with pytest.raises(ValueError, match=f'has 3 frames, frame {wrong} is asked for'):
            read_frames(tmp_path / 'a.npz', frames)


def test_posescript_without_a_subset(posescript, tmp_path):
    folder, *_ = posescript
    options = dict(type='PoseScript', root=str(folder / 'old.zip'), amass=str(folder / 'amass'), split='val')
    with pytest.raises(FileNotFoundError, match=r"KIT/sub/walk_poses.npz of PoseScript is not in .*missing='skip'"):
        read(**options)
    found, dropped = read(**options, missing='skip')
    assert [one.record_id for one in found] == ['7'] and dropped == {'poses without their AMASS sequence': 1}
    amass(tmp_path, 'CMU', 3)
    with pytest.raises(ValueError, match='has 3 frames, frame 4 is asked for'):
        read(**dict(options, amass=str(tmp_path)), missing='skip')
    with pytest.raises(FileNotFoundError, match='give the folder or the zip file of PoseScript'):
        read(**dict(options, root=str(tmp_path)))


# --- SPIN and HMR2.0's evaluation


def test_spin(tmp_path):
    """3dpw_test.npz as SPIN writes it; its extra_info of objects is not opened."""
    poses = vectors(2, 24).reshape(2, 72)
    fields = dict(
        imgname=np.array(['imageFiles/a/image_00001.jpg', 'imageFiles/a/image_00002.jpg']),
        center=np.array([[100.0, 50.0], [10.0, 20.0]]),
        scale=np.array([0.5, 1.25]),
        pose=poses,
        shape=np.arange(20.0).reshape(2, 10),
        gender=np.array(['m', 'f']),
        part=np.zeros((2, 24, 3)),
    )
    np.savez(
        tmp_path / '3dpw_test.npz', **fields, extra_info=np.array([dict(x=1), Runs(tmp_path / 'ran')], dtype=object)
    )
    found, _ = read(type='SPIN', ann_files='3dpw_test.npz', data_root=str(tmp_path), images='data/3DPW')
    assert [one.record_id for one in found] == ['3dpw_test:0', '3dpw_test:1']
    assert found[0].image == 'data/3DPW/imageFiles/a/image_00001.jpg'
    assert found[0].box == (50, 0, 150, 100) and found[1].box == (-115, -105, 135, 145)
    assert [one.gender for one in found] == ['male', 'female'] and found[1].betas.tolist() == list(range(10, 20))
    for one, rows in zip(found, poses):
        assert apart(one.rotations, matrices(rows)) < 1e-6 and one.mask.all()
    np.savez(tmp_path / 'more.npz', **fields)
    both, _ = read(type='SPIN', ann_files=['more.npz', '3dpw_test.npz'], data_root=str(tmp_path))
    assert [one.record_id for one in both] == ['more:0', 'more:1', '3dpw_test:0', '3dpw_test:1']
    fields['imgname'] = fields['imgname'].astype(object)
    np.savez(tmp_path / 'objects.npz', **fields)
    with pytest.raises(ValueError, match=r'objects.npz: imgname is an array of objects.*save it again as plain'):
        read(type='SPIN', ann_files=str(tmp_path / 'objects.npz'))
    np.savez(tmp_path / 'short.npz', **dict(fields, imgname=np.array(['a', 'b']), pose=poses[:, :69]))
    with pytest.raises(ValueError, match=r'pose must be numbers \[2, 72\], got \[2, 69\]'):
        read(type='SPIN', ann_files=str(tmp_path / 'short.npz'))
    assert not (tmp_path / 'ran').exists()


def test_evaluation_files_of_hmr2(tmp_path):
    """Scales in pixels, of width and height; Human3.6M has 3D joints without poses."""
    body, extra = RANDOM.rand(2, 25, 4), RANDOM.rand(2, 19, 4)
    poses = vectors(2, 24).reshape(2, 72).astype(np.float32)
    np.savez(
        tmp_path / 'h36m_val_p2.npz',
        imgname=np.array([b'S9/a.jpg', b'S9/b.jpg']),
        center=np.array([[100.0, 50.0], [10.0, 20.0]]),
        scale=np.array([[60.0, 80.0], [20.0, 40.0]]),
        body_pose=poses,
        has_body_pose=np.array([0.0, 1.0]),
        betas=np.zeros((2, 10)),
        body_keypoints_2d=np.zeros((2, 25, 3)),
        body_keypoints_3d=body,
        extra_keypoints_3d=extra,
    )
    reader = dict(type='SPIN', ann_files='h36m_val_p2.npz', data_root=str(tmp_path), images='h36m')
    found, _ = read(**reader)
    assert found[0].image == 'h36m/S9/a.jpg' and found[0].box == (70, 10, 130, 90)
    assert not found[0].mask.any() and found[1].mask.all() and apart(found[1].rotations, matrices(poses[1])) < 1e-6
    assert apart(found[0].joints_3d, np.concatenate([body[0], extra[0]])) < 1e-6
    # training leaves out who has no pose; an evaluation by joints keeps them
    assert len(DATASETS.build(dict(type='PoseDataset', reader=reader, task='image'))) == 1
    kept = DATASETS.build(dict(type='PoseDataset', reader=reader, task='image', test_mode=True, serialize_data=False))
    info = kept.get_data_info(0)
    assert len(kept) == 2 and info['joints_3d'].shape == (44, 4) and not info['pose_masks'].any()
    assert info['bbox'] == (70, 10, 130, 90) and info['conversations'][1]['value'] == 'The SMPL pose is <POSE>.'


# --- 4D-Humans


def test_tars_of_4d_humans(tmp_path):
    people = [
        person(),
        person(has_body_pose=np.float32(0)),
        person(center=np.array([5.0, 5.0]), has_betas=np.float32(0)),
    ]
    mask = io.BytesIO()
    np.savez(mask, masks=np.zeros((3, 4, 4), bool))
    entries = [
        ('coco/a.b/000001.detection.npz', mask.getvalue()),
        ('coco/a.b/000001.data.pyd', pickle.dumps(people)),
        ('coco/a.b/000001.jpg', png(10)),
        ('coco/a.b/000002.jpg', png(20)),
        ('coco/a.b/000002.data.pyd', pickle.dumps([person()], protocol=2)),
        ('coco/a.b/000003.jpg', png(30)),
    ]
    tar_of(tmp_path / '000000.tar', entries)
    found, dropped = read(type='Humans4D', tars=f'{tmp_path}/*.tar')
    assert [one.record_id for one in found] == [
        '000000/coco/a.b/000001:0',
        '000000/coco/a.b/000001:2',
        '000000/coco/a.b/000002:0',
    ]
    assert dropped == {'people without pose': 1, 'images without labels': 1, 'labels without image': 0}
    assert apart(found[0].rotations, matrices(people[0]['body_pose'])) < 1e-6
    assert found[0].box == (20, 10, 40, 30) and found[0].betas.tolist() == list(range(10)) and found[1].betas is None
    # images are read where they are in the tar
    assert [read_image(one.image)[0, 0, 0] for one in found] == [10, 10, 20]
    dataset = DATASETS.build(
        dict(
            type='PoseDataset',
            reader=dict(type='Humans4D', tars=f'{tmp_path}/*.tar'),
            task='image',
            serialize_data=False,
            pipeline=[dict(type='CropPerson', size=16)],
        )
    )
    crop = np.array(dataset[1]['images'][0])
    assert crop.shape == (16, 16, 3) and crop[-1, -1, 0] == 10 and crop[0, 0, 0] == 0, 'the border is black'


def test_tars_with_code_or_without_people(tmp_path):
    for i, content in enumerate(([person(extra_info=Runs(tmp_path / 'ran'))], dict(x=1), [dict(has_body_pose=1)])):
        tar_of(tmp_path / f'{i}.tar', [('a.jpg', png(1)), ('a.data.pyd', pickle.dumps(content))])
    for i, text in enumerate((r'0.tar: a.data.pyd was refused.*posix.system', 'a list of dicts', 'needs body_pose')):
        with pytest.raises(ValueError, match=text):
            read(type='Humans4D', tars=f'{tmp_path}/{i}.tar')
    assert not (tmp_path / 'ran').exists()
    lists = [0]
    for _ in range(24):  # a few bytes, which would fill the memory when they are written out
        lists = [lists, lists]
    tar_of(tmp_path / '4.tar', [('a.jpg', png(1)), ('a.data.pyd', pickle.dumps(lists))])
    with pytest.raises(ValueError, match=r'a.data.pyd cannot be read \(ValueError: .*expand to more than 10,000,000'):
        read(type='Humans4D', tars=f'{tmp_path}/4.tar')
    (tmp_path / '3.tar').write_bytes(b'no tar' * 200)
    with pytest.raises(ValueError, match='cannot be read as a tar'):
        read(type='Humans4D', tars=f'{tmp_path}/3.tar')
    with pytest.raises(FileNotFoundError, match='no file is named'):
        read(type='Humans4D', tars=f'{tmp_path}/none/*.tar')


# --- 3DPW


@pytest.fixture
def threedpw(tmp_path):
    """A sequence of two people and three frames; the camera of one frame is not valid."""
    cameras = np.tile(np.eye(4), (3, 1, 1))
    cameras[:, :3, :3] = matrices(vectors(3))
    points = np.zeros((2, 3, 3, 18))
    points[:, :, 0, :2], points[:, :, 1, :2], points[:, :, 2, :2] = [100, 140], [50, 150], 0.9
    points[1, 1, 2] = 0
    content = dict(
        sequence='downtown_a_00',
        poses=[vectors(3, 24).reshape(3, 72) for _ in range(2)],
        betas=[np.arange(10.0), np.arange(300.0)],
        trans=[np.zeros((3, 3))] * 2,
        poses2d=list(points),
        cam_poses=cameras,
        campose_valid=[np.array([1, 0, 1]), np.array([1, 1, 1])],
        genders=['m', 'f'],
        jointPositions=[np.zeros((3, 72))] * 2,
        img_frame_ids=np.arange(3),
        v_template_clothed=[np.zeros((4, 3))] * 2,
        texture_maps=[np.zeros((2, 2, 3), np.uint8)],
        cam_intrinsics=np.eye(3),
    )
    folder = tmp_path / 'sequenceFiles/test'
    folder.mkdir(parents=True)
    (folder / 'downtown_a_00.pkl').write_bytes(python_2(content))
    return tmp_path, content


def test_threedpw(threedpw):
    root, content = threedpw
    found, dropped = read(type='ThreeDPW', root=str(root))
    assert [one.record_id for one in found] == [f'downtown_a_00:{i}' for i in ('0:0', '0:2', '1:0', '1:2')]
    assert dropped == {'frames without a valid camera': 1, 'people without 2D keypoints': 1}
    for one, (who, frame) in zip(found, ((0, 0), (0, 2), (1, 0), (1, 2))):
        rows = content['poses'][who][frame].reshape(24, 3)
        assert apart(one.rotations[1:], matrices(rows[1:])) < 1e-6 and one.mask.all()
        assert apart(one.rotations[0], content['cam_poses'][frame][:3, :3] @ matrices(rows[0])[0]) < 1e-6
        assert one.image == str(root / f'imageFiles/downtown_a_00/image_{frame:05d}.jpg')
        assert one.betas.tolist() == list(range(10)) and one.gender == ('male', 'female')[who]
    # the extent is 40 by 100 around (120, 100): a square of 120
    assert found[0].box == pytest.approx((60, 40, 180, 160))


def test_threedpw_with_code(threedpw):
    root, content = threedpw
    path = root / 'sequenceFiles/test/downtown_a_00.pkl'
    path.write_bytes(pickle.dumps(dict(content, trans=Runs(root / 'ran')), 2))
    with pytest.raises(ValueError, match=r'downtown_a_00.pkl was refused.*posix.system'):
        read(type='ThreeDPW', root=str(root))
    assert not (root / 'ran').exists()
    path.write_bytes(pickle.dumps(dict(poses=[])))
    with pytest.raises(ValueError, match='has no betas, poses2d'):
        read(type='ThreeDPW', root=str(root))
    with pytest.raises(FileNotFoundError, match='no sequences in'):
        read(type='ThreeDPW', root=str(root), split='train')


# --- HumanData


@pytest.mark.parametrize(('kind', 'joints'), [('smpl', 23), ('smplx', 21)])
def test_humandata(tmp_path, kind, joints):
    """As MMHuman3D dumps it: the dict of the body is an array of one object."""
    root, body = vectors(2), vectors(2, joints)
    fields = dict(
        image_path=np.array(['a.jpg', 'b/c.jpg']),
        bbox_xywh=np.array([[10.0, 20, 30, 40, 1], [0, 0, 5, 6, 1]]),
        meta=dict(gender=['m', 'f']),
        keypoints2d=np.zeros((2, 5, 3)),
        __data_len__=2,
    )
    fields[kind] = dict(global_orient=root, body_pose=body, betas=np.ones((2, 10)), transl=np.zeros((2, 3)))
    np.savez_compressed(tmp_path / 'a.npz', **fields)
    found, _ = read(type='HumanData', ann_files='a.npz', data_root=str(tmp_path), images='data')
    assert [one.image for one in found] == ['data/a.jpg', 'data/b/c.jpg'] and found[0].box == (10, 20, 40, 60)
    assert [one.gender for one in found] == ['male', 'female']
    for i, one in enumerate(found):
        assert apart(one.rotations[0], matrices(root[i])) < 1e-6
        assert apart(one.rotations[1 : joints + 1], matrices(body[i])) < 1e-6
        assert one.mask.sum() == joints + 1 and (one.betas is None) == (kind == 'smplx')
    np.savez(tmp_path / 'wrong.npz', **dict(fields, **{kind: dict(global_orient=root, body_pose=body[:, 1:])}))
    with pytest.raises(ValueError, match=f'body_pose has {joints - 1} joints, expected {joints}'):
        read(type='HumanData', ann_files=str(tmp_path / 'wrong.npz'))


def test_humandata_with_code(tmp_path):
    np.savez(tmp_path / 'a.npz', smpl=dict(global_orient=Runs(tmp_path / 'ran')))
    with pytest.raises(ValueError, match=r'a.npz: smpl was refused.*posix.system'):
        read(type='HumanData', ann_files=str(tmp_path / 'a.npz'))
    np.savez(tmp_path / 'b.npz', keypoints2d=np.zeros(3))
    with pytest.raises(ValueError, match='has none of smpl, smplh, smplx, only keypoints2d'):
        read(type='HumanData', ann_files=str(tmp_path / 'b.npz'))
    content = (tmp_path / 'a.npz').read_bytes()
    (tmp_path / 'd.npz').write_bytes(content.replace(b'global_orient', b'global_0rient'))
    with pytest.raises(ValueError, match=r'd.npz: smpl is damaged \(Bad CRC-32'):
        read(type='HumanData', ann_files=str(tmp_path / 'd.npz'))
    (tmp_path / 'c.npz').write_bytes(b'no zip')
    with pytest.raises(ValueError, match=r'c.npz is not a .npz file'):
        read(type='HumanData', ann_files=str(tmp_path / 'c.npz'))
    assert not (tmp_path / 'ran').exists()
