"""tools/check_dataset.py on data sets of whole images."""

import json

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from tiny_llava import tiny_llava_processor

from clamp_mmpose.data_check.check import check_config, check_dataset


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'images').mkdir()
    for i in range(4):
        cv2.imwrite(str(tmp_path / f'images/{i}.jpg'), np.full((40, 50, 3), 60, np.uint8))
    people = [
        dict(
            image=f'{i}.jpg',
            joints=[[5.0 + k, 6.0] for k in range(16)],
            joints_vis=[1] * 16,
            center=[20.0, 20.0],
            scale=0.2,
            description='One stands.',
        )
        for i in range(2)
    ]
    (tmp_path / 'train.json').write_text(json.dumps(people))
    (tmp_path / 'acts.json').write_text(
        json.dumps(
            dict(
                task='Activity',
                top_k=1,
                classes=['sit', 'run'],
                templates=['{}'],
                images=[dict(file_name=f'images/{i}.jpg', labels=[0]) for i in (1, 2, 2, 3)],
            )
        )
    )
    return tmp_path


def mpii(folder, **changes):
    return dict(
        dict(
            type='MPIIDescriptionsDataset',
            data_root=str(folder),
            ann_file='train.json',
            data_prefix=dict(img='images/'),
        ),
        **changes,
    )


def config(folder):
    acts = dict(type='ZeroShotDataset', ann_file='acts.json', data_root=str(folder))
    faces = dict(type='UTKFaceDataset', data_root=str(folder / 'no'))
    return Config(
        dict(
            train_dataloader=dict(dataset=mpii(folder)),
            test_dataloader=dict(dataset=dict(type='ZeroShotTasks', tasks=dict(acts=acts, faces=faces), pipeline=[])),
        )
    )


def summary(findings):
    return sorted((finding.level, finding.text, finding.item) for finding in findings)


def test_absent_data_sets_and_images_of_both_kinds(folder):
    report = check_config(config(folder))
    assert (report.datasets, report.images, report.instances) == (3, 2 + 3, 2 + 4)
    assert summary(report.findings) == [
        ('warning', 'image is used for training and for evaluation', '1.jpg'),
        ('warning', 'zero-shot data set is absent', 'UTKFaceDataset'),
    ]
    assert {finding.where for finding in report.findings} == {
        'train_dataloader, test_dataloader.dataset.tasks.acts',
        'test_dataloader.dataset.tasks.faces',
    }


def test_damaged_images(folder):
    path = folder / 'images/3.jpg'
    path.write_bytes(path.read_bytes()[:-100])
    (folder / 'images/2.jpg').unlink()
    findings = [finding for finding in check_config(config(folder)).findings if finding.level == 'error']
    assert summary(findings) == [
        ('error', 'image does not exist', str(folder / 'images/2.jpg')),
        ('error', 'image is truncated or damaged', str(path)),
    ]


@pytest.mark.parametrize(
    'changes, detail',
    [
        (dict(ann_file='no.json'), 'no.json not found'),
        (dict(data_prefix=dict(img='other/')), '2 of 2 images'),
        (dict(description_files=['none.json']), 'none.json not found'),
        (dict(ann_file='acts.json'), 'must be a list'),
    ],
)
def test_annotations_that_cannot_be_read(folder, changes, detail):
    (finding,) = check_dataset(mpii(folder, **changes))
    assert (finding.level, finding.text) == ('error', 'data set cannot be read') and detail in finding.detail


def test_data_sets_that_cannot_be_built(folder):
    for dataset, detail in (
        (dict(type='EmoticDataset', task='Age'), "task='Age', expected one of 'age'"),
        (dict(type='EmoticDataset'), 'task'),
        (mpii(folder, missing_descriptions='no'), "='no'"),
    ):
        (finding,) = check_dataset(dataset)
        assert (finding.level, finding.text) == ('error', 'data set cannot be read') and detail in finding.detail


def test_same_images_of_other_splits(folder):
    """Data sets with different splits are all checked."""
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=mpii(folder)),
            val_dataloader=dict(dataset=mpii(folder, missing_descriptions='skip')),
        )
    )
    assert check_config(cfg, images=False).datasets == 2


def test_missing_descriptions(folder):
    entries = json.loads((folder / 'train.json').read_text())
    del entries[1]['description']
    (folder / 'train.json').write_text(json.dumps(entries))
    (finding,) = check_dataset(mpii(folder))
    assert '1 of 2 images have no description' in finding.detail
    assert check_dataset(mpii(folder, missing_descriptions='skip')) == []


def test_images_kept_as_pixels_need_no_file(tmp_path):
    header = 'neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF'
    (tmp_path / 'fer2013new.csv').write_text(f'Usage,Image name,{header}\nPrivateTest,fer1.png,10,0,0,0,0,0,0,0,0,0\n')
    (tmp_path / 'fer2013.csv').write_text('emotion,pixels,Usage\n6,' + ' '.join(['7'] * 48 * 48) + ',PrivateTest\n')
    assert check_dataset(dict(type='FERPlusDataset', data_root=str(tmp_path))) == []


def test_both_crops_of_lagenda(tmp_path):
    corners = [f'{of}_{corner}' for of in ('face', 'person') for corner in ('x0', 'y0', 'x1', 'y1')]
    rows = ['img_name,age,' + ','.join(corners), 'a.jpg,30,1,2,3,4,5,6,7,8', 'b.jpg,9,1,2,3,4,-1,-1,-1,-1']
    (tmp_path / 'lagenda_annotation.csv').write_text('\n'.join(rows))
    tasks = {crop: dict(type='LagendaDataset', crop=crop, data_root=str(tmp_path)) for crop in ('body', 'face')}
    report = check_config(
        Config(dict(test_dataloader=dict(dataset=dict(type='ZeroShotTasks', tasks=tasks, pipeline=[])))), images=False
    )
    assert (report.datasets, report.instances) == (2, 1 + 2)


def test_evaluation_of_poses(folder):
    """Labeled poses are tried as predictions; metrics of other answers are not tried."""
    pytest.importorskip('transformers')
    tiny_llava_processor(folder / 'model')
    tokenize = dict(type='TokenizeConversation', processor=str(folder / 'model'), pose_token='<POSE>', max_length=400)
    pose = dict(axis_angle=[[3, 0, 0], *[[0.1, 0, 0]] * 23])
    (folder / 'poses.json').write_text(json.dumps([dict(id='a', texts=['One sits.'], poses=[pose])]))
    data = dict(
        type='PoseDataset',
        task='text',
        reader=dict(type='PoseRecords', ann_files=str(folder / 'poses.json')),
        pipeline=[tokenize],
        test_mode=True,
    )

    def codes(*metrics):
        cfg = Config(dict(test_dataloader=dict(dataset=data), test_evaluator=list(metrics), test_cfg={}))
        return [(finding.code, finding.detail) for finding in check_config(cfg).findings]

    assert codes(dict(type='BodyPoseError'), dict(type='PoseRetrieval')) == []
    found = codes(dict(type='BodyPoseError', shape='label'))
    assert [code for code, _ in found] == ['EV008'] and 'has no betas' in found[0][1]
