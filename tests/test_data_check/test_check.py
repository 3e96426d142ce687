"""Clean data sets give no findings; a planted fault of files, metainfo or config is found, and nothing else."""

import copy
import json

import numpy as np
import pytest
from mmengine.config import Config
from mmpose.registry import DATASETS
from PIL import Image
from toy_dataset import LEVELS

from clamp_mmpose.cli.check_dataset import main
from clamp_mmpose.data_check.check import check_config, check_dataset
from clamp_mmpose.data_check.report import CheckReport

MOUSE = 'configs/clamp/openfield_mouse/clamp_rn-tiny_openfield-mouse.py'


def comment(path, other):
    """Write the JPEG, whole or not, with a comment, as a file of other bytes."""
    content = path.read_bytes()
    other.write_bytes(content[:2] + b'\xff\xfe\x00\x03x' + content[2:])


def test_real_data_is_clean(shared_data):
    cfg = Config.fromfile(MOUSE)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(shared_data / 'openfield_mouse')
    report = check_config(cfg)
    assert report == CheckReport([], 2, 116, 116)
    folder = shared_data / 'mmpose_ap10k'
    findings = check_dataset(
        dict(type='AP10KDataset', ann_file=str(folder / 'test_ap10k.json'), data_prefix=dict(img=str(folder)))
    )
    assert findings == []


def test_toy_is_clean(toy):
    assert toy.found() == []
    assert len(DATASETS.build(toy.dataset)) == 4


def truncate(toy):
    toy.image(2).write_bytes(toy.image(2).read_bytes()[:-200])


def cut(path, image_format, kept):
    with Image.open(path) as image:
        image.save(path, image_format)
    path.write_bytes(path.read_bytes()[:kept])


def exif(path, orientation):
    with Image.open(path) as image:
        tags = Image.Exif()
        tags[0x0112] = orientation
        image.save(path, exif=tags)


FILES = {
    'truncated': (truncate, 'image is truncated or damaged', '2.jpg'),
    'PNG without its end': (lambda t: cut(t.image(2), 'PNG', -12), 'image is truncated or damaged', '2.jpg'),
    'half a bitmap': (lambda t: cut(t.image(2), 'BMP', 3000), 'image is truncated or damaged', '2.jpg'),
    'not an image': (
        lambda t: t.image(2).write_text('<html>not found</html>'),
        'image is truncated or damaged',
        '2.jpg',
    ),
    'empty image': (lambda t: t.image(2).write_bytes(b''), 'image is truncated or damaged', '2.jpg'),
    'missing': (lambda t: t.image(2).unlink(), 'image does not exist', '2.jpg'),
    'size': (
        lambda t: Image.new('RGB', (48, 64)).save(t.image(2)),
        'image has another size than its annotations',
        '2.jpg',
    ),
    'rotated, other size': (lambda t: exif(t.image(2), 6), 'image has another size than its annotations', '2.jpg'),
    'rotated, same size': (lambda t: exif(t.image(2), 3), 'image is rotated by its EXIF tag', '2.jpg'),
    'folder': (lambda t: (t.root / 'images').rename(t.root / 'renamed'), 'image folder does not exist', 'images'),
    'truncated JSON': (
        lambda t: (t.root / 'train.json').write_text('{"images": [{"id"'),
        'annotation file cannot be read',
        'train.json',
    ),
    'binary JSON': (
        lambda t: (t.root / 'train.json').write_bytes(b'\x80\x04\xff'),
        'annotation file cannot be read',
        'train.json',
    ),
    'no JSON file': (lambda t: (t.root / 'train.json').unlink(), 'annotation file does not exist', 'train.json'),
    'list': (lambda t: (t.root / 'train.json').write_text('[1, 2]'), 'annotation file is not COCO-style', 'train.json'),
}


@pytest.mark.parametrize('name', FILES)
def test_faulty_files(toy, name):
    spoil, what, item = FILES[name]
    spoil(toy)
    [(level, found, where)] = toy.found()
    assert (level, found) == (LEVELS[what], what)
    assert where.rstrip('/').endswith(item)


def set_keypoint(i, **values):
    return lambda d: d['metainfo']['keypoint_info'][i].update(values)


@pytest.mark.parametrize(
    'spoil, level, what, item',
    [
        (set_keypoint(1, swap=''), 'error', 'flip pair is not symmetric', 'left ear'),
        (set_keypoint(1, swap='chin'), 'error', 'metainfo cannot be used', 'BaseCocoStyleDataset'),
        (set_keypoint(2, name=''), 'error', 'keypoint names cannot be prompts', 'toy'),
        (set_keypoint(2, name=7), 'error', 'metainfo cannot be used', 'BaseCocoStyleDataset'),
        (set_keypoint(2, name='left eye'), 'warning', 'left or right keypoint has no partner', 'left eye'),
        (
            lambda d: d['metainfo'].update(sigmas=[0.05]),
            'error',
            'metainfo has another number of joint_weights or sigmas',
            'toy',
        ),
        (lambda d: d.pop('metainfo'), 'error', 'metainfo cannot be used', 'BaseCocoStyleDataset'),
        (lambda d: d.update(type='MyDataset'), 'error', 'data set type is unknown', 'MyDataset'),
        (lambda d: d.update(data_prefix=dict(img=3)), 'error', 'paths cannot be joined', 'train.json'),
        (lambda d: d.update(ann_file=None), 'error', 'annotation file does not exist', 'None'),
        (lambda d: d.update(bbox_file='detections.json'), 'error', 'detection file cannot be read', 'detections.json'),
    ],
)
def test_faulty_settings(toy, spoil, level, what, item):
    spoil(toy.dataset)
    assert toy.found() == [(level, what, item)]


def test_two_names_that_read_the_same(toy):
    toy.dataset['metainfo']['keypoint_info'][2]['name'] = 'Left_Ear'
    assert toy.found() == [
        ('error', 'keypoint names cannot be prompts', 'toy'),
        ('warning', 'flip pair does not swap left and right', 'Left_Ear'),
    ]


def test_left_paired_with_the_wrong_right(toy):
    info = toy.dataset['metainfo']['keypoint_info']
    for i, swap in enumerate(('nose', '', 'left ear')):
        info[i]['swap'] = swap
    assert {(what, item) for _, what, item in toy.found()} == {
        ('flip pair does not swap left and right', 'left ear'),
        ('flip pair does not swap left and right', 'right ear'),
    }


@pytest.mark.parametrize('orientation', [5, 6, 7, 8])
def test_exif_rotation_as_in_the_annotations(toy, orientation):
    exif(toy.image(2), orientation)
    toy.content['images'][2].update(width=48, height=64)
    toy.write()
    assert toy.found() == [('info', 'image is rotated by its EXIF tag, as in its annotations', '2.jpg')]


@pytest.mark.parametrize('orientation', [2, 3, 4])
def test_exif_mirroring_keeps_the_size(toy, orientation):
    exif(toy.image(2), orientation)
    assert toy.found() == [('warning', 'image is rotated by its EXIF tag', '2.jpg')]


def test_without_images_only_the_annotations_are_read(toy):
    truncate(toy)
    assert toy.found(images=False) == []


def test_data_sets_of_other_formats(shared_data):
    folder = shared_data / 'mmpose_mpii'
    findings = check_dataset(
        dict(type='MpiiDataset', ann_file=str(folder / 'test_mpii.json'), data_prefix=dict(img=str(folder)))
    )
    assert [f.text for f in findings] == ['format is not checked']


def config(toy, **model):
    val = copy.deepcopy(toy.dataset)
    val['ann_file'] = 'val.json'
    content = copy.deepcopy(toy.content)
    (toy.root / 'more').mkdir()
    for image in content['images']:
        comment(toy.root / 'images' / image['file_name'], toy.root / 'more' / image['file_name'])
    val['data_prefix'] = dict(img='more/')
    (toy.root / 'val.json').write_text(json.dumps(content))
    return Config(
        dict(
            model=model,
            train_dataloader=dict(dataset=toy.dataset),
            val_dataloader=dict(dataset=val),
            test_dataloader=dict(dataset=val),
        )
    )


def test_equal_data_sets_are_checked_once(toy):
    cfg = config(toy)
    assert check_config(cfg) == CheckReport([], 2, 8, 8)
    (toy.root / 'more/3.jpg').unlink()
    [finding] = check_config(cfg).findings
    assert finding.where == 'val_dataloader.dataset, test_dataloader.dataset'
    assert (finding.level, finding.item) == ('error', '3.jpg')


@pytest.mark.parametrize('key', ['bbox_file', 'classes', 'crop', 'split', 'task', 'texts'])
def test_data_sets_that_differ_in_one_setting_are_both_checked(toy, key):
    val = dict(toy.dataset, **{key: 'other'})
    cfg = Config(dict(train_dataloader=dict(dataset=toy.dataset), val_dataloader=dict(dataset=val)))
    assert check_config(cfg, images=False).datasets == 2


def test_progress_sees_every_image(toy):
    def progress(iterable, total, description):
        for item in iterable:
            seen.append((total, description))
            yield item
        seen.append('end')

    seen = []
    cfg = config(toy)
    cfg.val_dataloader = cfg.test_dataloader = None
    check_config(cfg, workers=2, progress=progress)
    assert seen == [(4, 'train_dataloader.dataset')] * 4 + ['end']


@pytest.mark.parametrize(
    'head, what',
    [
        (dict(names=['ear', 'chin', 'nose']), None),
        (dict(names=['ear', 'chin']), 'number of keypoints differs from the head'),
        (dict(names='AP10KDataset'), 'number of keypoints differs from the head'),
        (dict(out_channels=3), None),
        (dict(out_channels=17), 'number of keypoints differs from the head'),
        (dict(out_channels=9, decoder=dict(type='UDPHeatmap', heatmap_type='combined')), None),
        (dict(names=['ear', 'chin', 'Ear']), 'keypoint names cannot be prompts'),
        (dict(names='NoDataset'), 'keypoint names cannot be prompts'),
    ],
)
def test_head(toy, head, what):
    findings = check_config(config(toy, head=head), images=False).findings
    assert {finding.text for finding in findings} == ({what} if what else set())
    assert all(finding.level == 'error' for finding in findings)


def test_head_that_takes_the_metainfo(toy):
    assert check_config(config(toy, head=dict(names=toy.dataset['metainfo'])), images=False).findings == []


def test_names_of_the_head_replace_those_of_the_metainfo(toy):
    toy.dataset['metainfo']['keypoint_info'][2]['name'] = 'Left_Ear'
    cfg = config(toy, head=dict(names=['a', 'b', 'c']))
    assert 'keypoint names cannot be prompts' not in {
        finding.text for finding in check_config(cfg, images=False).findings
    }


def test_image_in_training_and_evaluation(toy):
    cfg = config(toy)
    cfg.val_dataloader.dataset.data_prefix = dict(img='images/')
    cfg.test_dataloader = None
    findings = check_config(cfg).findings
    assert [finding.item for finding in findings] == ['0.jpg', '1.jpg', '2.jpg', '3.jpg']
    assert {(f.level, f.text, f.where) for f in findings} == {
        ('warning', 'image is used for training and for evaluation', 'train_dataloader, val_dataloader.dataset')
    }


def test_the_training_set_itself_in_evaluation(toy):
    loader = dict(dataset=toy.dataset)
    findings = check_config(Config(dict(train_dataloader=loader, test_dataloader=loader))).findings
    assert [(f.code, f.item, f.where) for f in findings] == [
        ('RE001', f'{i}.jpg', 'train_dataloader, test_dataloader.dataset') for i in range(4)
    ]


def test_wrapped_data_sets(toy):
    other = dict(toy.dataset, ann_file='gone.json', pipeline=[dict(type='KeypointConverter', num_keypoints=17)])
    cfg = config(toy, head=dict(out_channels=17))
    cfg.train_dataloader.dataset = dict(
        type='CombinedDataset', datasets=[other, dict(type='RepeatDataset', times=2, dataset=toy.dataset)]
    )
    cfg.val_dataloader = cfg.test_dataloader = None
    assert [(f.where, f.text) for f in check_config(cfg).findings] == [
        ('train_dataloader.dataset.datasets.0', 'annotation file does not exist'),
        ('train_dataloader.dataset.datasets.1.dataset', 'number of keypoints differs from the head'),
    ]


@pytest.mark.parametrize(
    'content, what',
    [
        ({}, 'config has no data set'),
        (dict(model=3, train_dataloader=7), 'config has no data set'),
        (dict(val_dataloader=dict(dataset=[])), 'data set type is unknown'),
    ],
)
def test_config_without_data(content, what):
    assert [finding.text for finding in check_config(Config(content)).findings] == [what]


def test_command(toy, capsys):
    truncate(toy)
    cfg = config(toy)
    toy.content['annotations'][0]['area'] = 5000
    toy.write()
    cfg.dump(toy.root / 'config.py')
    path, out = str(toy.root / 'config.py'), str(toy.root / 'new/findings.json')
    assert main([path, '--workers', '1', '--json', out]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == '2 errors, 1 warning in 2 data sets (8 images, 8 instances)'
    assert (
        lines[0].split() == ['error', '1', 'IM005', 'image', 'is', 'truncated', 'or', 'damaged'] and '2.jpg' in lines[2]
    )
    findings = json.loads((toy.root / 'new/findings.json').read_text())
    assert sorted((f['level'], f['code'], f['item']) for f in findings) == [
        ('error', 'IM005', '2.jpg'),
        ('error', 'IM005', '2.jpg'),
        ('warning', 'BX010', '0.jpg'),
    ]
    damaged = next(finding for finding in findings if finding['code'] == 'IM005')
    assert damaged == dict(
        code='IM005',
        level='error',
        text='image is truncated or damaged',
        remedy='restore the file, or remove the image and its annotations',
        item='2.jpg',
        detail=damaged['detail'],
        category='',
        where='train_dataloader.dataset',
    )
    others = ['--cfg-options', 'val_dataloader=None', 'test_dataloader=None']
    assert main([path, '--no-images', '--json', out, *others]) == 0
    assert [f['code'] for f in json.loads((toy.root / 'new/findings.json').read_text())] == ['BX010']
    assert capsys.readouterr().out.splitlines()[-1] == '0 errors, 1 warning in 1 data set (4 images, 4 instances)'


def test_copies_of_training_images_in_evaluation(toy):
    """Renamed files of the same bytes leak as well."""
    (toy.root / 'other').mkdir()
    for i in (0, 1):
        (toy.root / f'other/{i}.jpg').write_bytes(toy.image(i).read_bytes())
    for i in (2, 3):  # those of other bytes are no copies
        Image.fromarray(np.full((48, 64, 3), (i, 50, 99), np.uint8)).save(toy.root / f'other/{i}.jpg')
    val = dict(toy.dataset, data_prefix=dict(img='other/'))
    cfg = Config(dict(train_dataloader=dict(dataset=toy.dataset), test_dataloader=dict(dataset=val)))
    findings = check_config(cfg).findings
    where = 'train_dataloader, test_dataloader.dataset'
    assert [(f.code, f.item, f.where) for f in findings] == [('RE004', f'{i}.jpg', where) for i in (0, 1)]
    assert findings[0].detail == f'{toy.root}/other/0.jpg, {toy.root}/images/0.jpg'
