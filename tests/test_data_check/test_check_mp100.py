"""Faults planted in a data set of MP-100's format are found and counted by category."""

import json

import pytest
from mmengine.config import Config
from PIL import Image

from clamp_mmpose.cli.check_dataset import main
from clamp_mmpose.data_check.check import check_config, check_dataset

DROPPED = ('info', 'box is dropped by the benchmark', 'mug/5.png', 'mug')
UNLABELED = ('info', 'instances without labeled keypoints')


def dataset(mp100, **kwargs):
    return dict(
        dict(
            type='MP100Dataset',
            data_root=str(mp100),
            ann_file='ann.json',
            data_prefix=dict(img='images/'),
            texts=str(mp100 / 'texts'),
        ),
        **kwargs,
    )


def found(mp100, **kwargs):
    """The findings without those of the clean data set."""
    findings = [(f.level, f.text, f.item, f.category) for f in check_dataset(dataset(mp100, **kwargs))]
    assert findings.count(DROPPED) <= 1
    return [finding for finding in findings if finding != DROPPED and finding[:2] != UNLABELED]


def test_clean(mp100):
    assert found(mp100) == []
    [dropped, unlabeled] = check_dataset(dataset(mp100))
    assert (dropped.level, dropped.text, dropped.item, dropped.category) == DROPPED
    assert dropped.detail == 'annotation 15: [20, 25, -3, 51], area 5000'
    assert unlabeled.detail == '1 of 6'


def test_images(mp100):
    for name in ('mug/0.png', 'mug/1.png', 'pen/2.png'):
        (mp100 / 'images' / name).unlink()
    Image.new('RGB', (100, 160)).save(mp100 / 'images/pen/3.png')
    assert found(mp100) == [
        ('error', 'image does not exist', 'mug/0.png', 'mug'),
        ('error', 'image does not exist', 'mug/1.png', 'mug'),
        ('error', 'image does not exist', 'pen/2.png', 'pen'),
        ('error', 'image has another size than its annotations', 'pen/3.png', 'pen'),
    ]


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def annotate(mp100, i, **values):
    content = json.loads((mp100 / 'ann.json').read_text())
    content['annotations'][i].update(values)
    (mp100 / 'ann.json').write_text(json.dumps(content))


@pytest.mark.parametrize(
    'spoil, expected',
    [
        (lambda f: edit(f / 'texts/mp100.yml', 'id: 9', 'id: 8'), ('category has no texts', 'pen', 'pen')),
        (
            lambda f: edit(f / 'texts/mp100.yml', 'slug: pen, name: pen', 'slug: rod, name: rod'),
            ('category has no texts', 'pen', 'pen'),
        ),
        (
            lambda f: [
                edit(f / 'texts/mp100.yml', 'num_keypoints: 2', 'num_keypoints: 3'),
                edit(f / 'texts/pen.yml', 'skeleton', '- clip: The clip holds it.\nskeleton'),
            ],
            ('number of keypoints differs from the texts', 'pen', 'pen'),
        ),
        (
            lambda f: annotate(f, 2, keypoints=[1, 2, 2] * 3),
            ('number of keypoints differs from the category', 'pen/2.png', 'pen'),
        ),
        (lambda f: annotate(f, 2, bbox=[1, 2, 3]), ('box is not four finite numbers', 'pen/2.png', 'pen')),
        (lambda f: annotate(f, 2, id=10), ('id occurs more than once', 'pen/2.png', 'pen')),
        (lambda f: annotate(f, 2, category_id=3), ('category_id does not exist', 'pen/2.png', 'category 3')),
        (lambda f: edit(f / 'ann.json', '"Pen"', '"mug"'), ('category has no texts', 'mug', 'mug')),
    ],
)
def test_annotations_and_texts(mp100, spoil, expected):
    spoil(mp100)
    assert found(mp100) == [('error', *expected)]


def test_categories_that_list_no_keypoints(mp100):
    """As MP-100's faces."""
    edit(mp100 / 'ann.json', '["a", "b", "c"]', '[]')
    assert found(mp100) == []
    annotate(mp100, 1, keypoints=[1, 2, 2] * 4)
    assert found(mp100) == [('error', 'number of keypoints differs from the category', 'mug/1.png', 'mug')]
    edit(mp100 / 'ann.json', '"keypoints": []', '"other": []')
    assert found(mp100) == [('error', 'number of keypoints differs from the category', 'mug/1.png', 'mug')]


def test_texts_that_cannot_be_read(mp100):
    (mp100 / 'texts/pen.yml').unlink()
    assert found(mp100) == [('error', 'texts cannot be read', str(mp100 / 'texts'), '')]


def test_what_only_the_data_set_refuses(mp100):
    """MMPose leaves out an annotation without a box; MP100Dataset raises an error."""
    content = json.loads((mp100 / 'ann.json').read_text())
    del content['annotations'][2]['bbox']
    (mp100 / 'ann.json').write_text(json.dumps(content))
    assert found(mp100) == [
        ('warning', 'annotation without box or keypoints', 'pen/2.png', 'pen'),
        ('error', 'annotations are not complete', str(mp100 / 'ann.json'), ''),
    ]


def test_file_without_annotations(mp100):
    (mp100 / 'ann.json').write_text('[1, 2]')
    assert [what for _, what, *_ in found(mp100)] == ['annotation file is not COCO-style']


def test_config_and_command(mp100, capsys):
    """The head's number of keypoints is not compared: a category has its own."""
    cfg = Config(
        dict(
            model=dict(head=dict(type='HeatmapHead', out_channels=17)),
            test_dataloader=dict(dataset=dataset(mp100, test_mode=True)),
        )
    )
    report = check_config(cfg)
    assert (report.datasets, report.images, report.instances) == (1, 6, 6)
    assert {finding.level for finding in report.findings} == {'info'}
    (mp100 / 'images/pen/2.png').unlink()
    (mp100 / 'images/pen/3.png').unlink()
    cfg.dump(mp100 / 'config.py')
    assert main([str(mp100 / 'config.py'), '--json', str(mp100 / 'findings.json')]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:-1] == ['By category:', '  pen  image does not exist 2', '  mug  box is dropped by the benchmark 1']
    assert lines[-1] == '2 errors, 0 warnings in 1 data set (6 images, 6 instances)'
    assert [f['category'] for f in json.loads((mp100 / 'findings.json').read_text()) if f['level'] == 'error'] == [
        'pen',
        'pen',
    ]


def test_real_annotations(shared_data):
    """Split 1 is clean, except for places and repeats in the published annotations."""
    for part in ('val', 'test'):
        findings = check_dataset(
            dict(type='MP100Dataset', ann_file=str(shared_data / f'mp100/annotations/mp100_split1_{part}.json')),
            images=False,
        )
        assert {f.text for f in findings} <= {
            'box reaches beyond the image',
            'keypoint lies far outside the image',
            'keypoints lie outside their own box',
            'area is far smaller than the box',
            'image is listed under several ids',
            'instance is annotated twice',
        }
