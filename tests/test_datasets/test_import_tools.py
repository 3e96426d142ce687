"""Projects written by sleap-io, and the forms of tools by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from import_files import SIZE, contents, deeplabcut_project, draw_image

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance, Skeleton, write_predictions
from clamp_mmpose.apis.formats.imported_names import as_imported
from clamp_mmpose.cli.import_data import main
from clamp_mmpose.datasets.imports import LabeledInstance, ReadOptions, data_folder, import_project, read_project
from clamp_mmpose.datasets.imports.deeplabcut_h5 import read_h5
from clamp_mmpose.datasets.imports.names import normal_names

NAMES = ['nose', 'L_ear', 'R_ear']
NAN = [np.nan, np.nan]
POINTS = np.array([[[10, 12], [20, 22], [30, 12]], [[40, 10], NAN, [50.5, 40.25]]], float)


@pytest.fixture(scope='module')
def sleap_labels(tmp_path_factory):
    """Two images of 64 x 48 pixels, with one and two instances."""
    sio = pytest.importorskip('sleap_io')
    folder = tmp_path_factory.mktemp('frames')
    paths = [str(draw_image(folder / f'frame{i}.png', i)) for i in range(2)]
    skeleton = sio.Skeleton(list(NAMES), edges=[('nose', 'L_ear')], symmetries=[('L_ear', 'R_ear')], name='mouse')
    video = sio.Video.from_filename(paths)
    instances = [sio.Instance.from_numpy(points, skeleton=skeleton) for points in (POINTS[0], POINTS[0] + 1, POINTS[1])]
    frames = [
        sio.LabeledFrame(video=video, frame_idx=0, instances=instances[:1]),
        sio.LabeledFrame(video=video, frame_idx=1, instances=instances[1:]),
    ]
    return sio.Labels(frames, videos=[video], skeletons=[skeleton])


def check_sleap_labels(project, folder, atol=1e-3):
    """Import, and compare with what sleap-io wrote."""
    report = import_project(project, 'project', folder)
    images = contents(folder)
    assert len(images) == 2
    one, two = sorted((image['instances'] for image in images.values()), key=len)
    assert (len(one), len(two)) == (1, 2)
    found = [np.reshape(instance['keypoints'], (3, 3)) for instance in one + sorted(two, key=lambda i: i['bbox'][0])]
    for points, expected in zip(found, (POINTS[0], POINTS[0] + 1, POINTS[1])):
        np.testing.assert_allclose(points[:, :2], np.nan_to_num(expected), atol=atol)
        np.testing.assert_array_equal(points[:, 2] > 0, ~np.isnan(expected[:, 0]))
    return report, images


@pytest.mark.parametrize('embed', [False, True])
def test_slp(sleap_labels, tmp_path, embed):
    file = tmp_path / ('labels.pkg.slp' if embed else 'labels.slp')
    sleap_labels.save(str(file), embed=embed, verbose=False)
    project = read_project(file)
    assert (project.kind, project.names, project.links, project.swaps) == ('sleap', NAMES, [(0, 1)], [(1, 2)])
    report, _ = check_sleap_labels(project, tmp_path / 'out')
    assert report.folder.names == ['nose', 'left ear', 'right ear']
    assert [tuple(swap) for swap in report.swaps] == [(1, 2, 'the project')]
    if embed:
        assert all(image.pixels().shape == (48, 64, 3) for image in project.images)


def test_slp_of_sleap(shared_data):
    pytest.importorskip('sleap_io')
    project = read_project(shared_data / 'foreign/sleap/clip.2node.slp')
    assert project.names == ['head', 'thorax'] and project.links == [(1, 0)]
    assert len(project.images) == 1500
    image = project.images[0]
    assert image.name == 'clip/frame_000000.png' and [each.track for each in image.instances] == ['male', 'female']
    np.testing.assert_array_equal(image.instances[0].keypoints, [[335.25, 444.75], [301.75, 457.75]])
    assert image.pixels().shape == (1024, 1024, 3)


def test_slp_predictions_and_missing_video(shared_data, tmp_path, capsys):
    pytest.importorskip('sleap_io')
    source = shared_data / 'foreign/sleap/dance.mp4.labels.slp'
    project = read_project(source)
    assert sum(len(image.instances) for image in project.images) == 3
    assert '447 frames with predictions only left out' in project.notes[0]
    assert main([str(source), '--out', str(tmp_path / 'out')]) == 1
    assert 'no video dance.mp4; give the folder of the images with --images' in capsys.readouterr().err


def test_yolo_of_sleap_io(sleap_labels, tmp_path):
    sio = pytest.importorskip('sleap_io')
    sio.save_ultralytics(sleap_labels, str(tmp_path / 'yolo'), verbose=False, split_ratios={'train': 0.5, 'val': 0.5})
    project = read_project(tmp_path / 'yolo')
    assert (project.kind, project.names) == ('yolo', NAMES)
    report, images = check_sleap_labels(project, tmp_path / 'out')
    assert report.split == 'as in the project'
    assert sorted(images) == ['train/0000000.png', 'val/0000000.png']


def test_yolo_by_hand(tmp_path):
    root = tmp_path / 'pose'
    for name in ('a.png', 'b.png', 'c.png'):
        draw_image(root / 'images/train' / name)
    labels = root / 'labels/train'
    labels.mkdir(parents=True)
    # 64 x 48 pixels: 0.25 is 16 and 12
    (labels / 'a.txt').write_text(
        '1 0.5 0.5 0.5 0.5 0.25 0.25 2 0.5 0.75 1 0 0 0\n0 .5 .5 .5 .5 .5 .5 2 .5 .5 2 .5 .5 2\n'
    )
    (labels / 'b.txt').write_text('1 0.5 0.5 0.5 0.5 0.25 0.25\n')
    (labels / 'classes.txt').write_text('cat\ndog\n')  # of labelImg: no label
    (labels / 'gone.txt').write_text('1 0.5 0.5 0.5 0.5 0.25 0.25 2 0.5 0.75 1 0 0 0\n')
    (root / 'data.yaml').write_text(
        'path: /home/somebody/pose\ntrain: images/train\nval: images/train\nkpt_shape: [3, 3]\nflip_idx: [0, 2, 1]\n'
        'names:\n  0: cat\n  1: dog\n'
    )
    project = read_project(root, options=ReadOptions(category='dog'))
    assert (project.category, project.names, project.swaps) == ('dog', ['1', '2', '3'], [(1, 2)])
    train = {image.name: image.instances for image in project.images if image.split == 'train'}
    (dog,) = train['train/a.png']
    np.testing.assert_allclose(dog.keypoints, [[16, 12], [32, 36], NAN])
    assert dog.visible.tolist() == [True, False, False] and dog.box == (16, 12, 48, 36)
    assert train['train/b.png'] == train['train/c.png'] == []
    report = import_project(project, root, tmp_path / 'out')
    notes = '\n'.join(report.notes)
    assert '7 numbers, not the 14 of a class, a box and 3 points: left out' in notes
    assert 'gone.png does not exist' in notes
    assert report.folder.names == ['point 1', 'point 2', 'point 3']


def test_yolo_with_two_numbers_a_point(tmp_path):
    draw_image(tmp_path / 'train/images/a.png')
    (tmp_path / 'train/labels').mkdir()
    (tmp_path / 'train/labels/a.txt').write_text('0 0.5 0.5 0.5 0.5 0.25 0.25 0 0\n')
    (tmp_path / 'data.yaml').write_text(
        'train: ../train/images\nnames: [bee]\nkpt_shape: [2, 2]\nkpt_names: {0: [head, tail]}\n'
    )
    project = read_project(tmp_path / 'data.yaml')
    assert project.names == ['head', 'tail'] and project.category == 'bee'
    np.testing.assert_allclose(project.images[0].instances[0].keypoints, [[16, 12], NAN])


def test_coco_of_sleap_io(sleap_labels, tmp_path):
    sio = pytest.importorskip('sleap_io')
    file = Path(sleap_labels.videos[0].filename[0]).with_name('labels.json')  # it names images without their folder
    sio.save_coco(sleap_labels, str(file))
    project = read_project(file)
    assert (project.kind, project.names) == ('coco', NAMES)
    check_sleap_labels(project, tmp_path / 'out')


def coco(names, keypoints, file_name='a.png', **category):
    instances = [
        dict(id=i, image_id=7, category_id=1, keypoints=points, bbox=[5, 5, 40, 40], iscrowd=0)
        for i, points in enumerate(keypoints)
    ]
    base = dict(id=1, name='dog', keypoints=names, skeleton=[[1, 2]], **category)
    # Roboflow lists its super-category first, without keypoints
    return dict(
        images=[dict(id=7, file_name=file_name, width=64, height=48)],
        annotations=instances,
        categories=[dict(id=0, name='dogs', supercategory='none'), base],
    )


def test_roboflow(tmp_path):
    good = [10, 11, 2, 20, 21, 1, 0, 0, 0]
    for part, rows in dict(train=[good, good[:6]], valid=[good], test=[good]).items():
        draw_image(tmp_path / part / 'a.png', len(part))
        content = coco(NAMES, rows)
        content['annotations'].append(dict(content['annotations'][0], image_id=99))
        (tmp_path / part / '_annotations.coco.json').write_text(json.dumps(content))
    report = import_project(read_project(tmp_path), tmp_path, tmp_path / 'out')
    images = {**contents(tmp_path / 'out'), **contents(tmp_path / 'out', 'test')}
    assert {name: image['part'] for name, image in images.items()} == {
        'train/a.png': 'train',
        'valid/a.png': 'val',
        'test/a.png': 'test',
    }
    (instance,) = images['train/a.png']['instances']
    assert instance['keypoints'] == [10, 11, 2, 20, 21, 1, 0, 0, 0] and instance['bbox'] == [5, 5, 40, 40]
    assert (report.folder.category, report.folder.links) == ('dog', [(0, 1)])
    notes = '\n'.join(report.notes)
    assert '1 instances of another image left out' in notes
    assert '1 instances with another number of keypoints left out' in notes


def test_folders_of_coco_2017(tmp_path):
    """COCO's own layout; both parts have an image of the same name."""
    for part in ('train2017', 'val2017'):
        draw_image(tmp_path / part / 'a.png', len(part))
        content = dict(
            images=[dict(id=1, file_name='a.png', width=64, height=48)],
            annotations=[dict(id=1, image_id=1, category_id=1, keypoints=[len(part), 9, 2], bbox=[2, 3, 30, 20])],
            categories=[dict(id=1, name='mouse', keypoints=['nose'])],
        )
        (tmp_path / 'annotations').mkdir(exist_ok=True)
        (tmp_path / f'annotations/person_keypoints_{part}.json').write_text(json.dumps(content))
    report = import_project(read_project(tmp_path), tmp_path, tmp_path / 'out')
    assert report.added == 2 and report.split == 'as in the project'
    files = {part: contents(tmp_path / 'out', part).values() for part in ('train', 'val')}
    assert {part: image['source']['file'] for part, (image,) in files.items()} == {
        part: str(tmp_path / f'{part}2017/a.png') for part in files
    }
    assert [image['instances'][0]['keypoints'][0] for (image,) in files.values()] == [9, 7]


def test_coco_with_several_categories(tmp_path):
    draw_image(tmp_path / 'images/a.png')
    content = coco(NAMES, [[10, 11, 2] * 3])
    content['categories'].append(dict(id=2, name='cat', keypoints=['nose', 'tail'], skeleton=[]))
    content['annotations'].append(
        dict(id=9, image_id=7, category_id=2, keypoints=[1, 2, 2, 3, 4, 2], bbox=[0, 0, 9, 9])
    )
    (tmp_path / 'all.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match='dog, cat have different keypoints: choose one with --category'):
        read_project(tmp_path / 'all.json')
    project = read_project(tmp_path / 'all.json', options=ReadOptions(category='cat'))
    assert project.names == ['nose', 'tail'] and project.images[0].path == tmp_path / 'images/a.png'
    np.testing.assert_array_equal(project.images[0].instances[0].keypoints, [[1, 2], [3, 4]])


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>mouse</name><type>skeleton</type><svg>&lt;line data-type="edge" data-node-from="1" data-node-to="2"/&gt;
&lt;circle data-node-id="1" data-label-name="nose"/&gt;
&lt;circle data-node-id="2" data-label-name="tail"/&gt;</svg></label>
<label><name>nose</name><type>points</type><parent>mouse</parent></label>
<label><name>tail</name><type>points</type><parent>mouse</parent></label></labels></task></meta>
<image id="0" name="sub/a.png" width="64" height="48">
<box label="cage" xtl="1" ytl="2" xbr="60" ybr="40" group_id="3"/>
<skeleton label="mouse" group_id="3"><points label="tail" occluded="1" outside="0" points="30.00,31.50"/>
<points label="nose" occluded="0" outside="0" points="10.25,11.00"/></skeleton>
<skeleton label="mouse"><points label="nose" occluded="0" outside="1" points="5,6"/>
<points label="tail" occluded="0" outside="0" points="40,41"/></skeleton></image></annotations>"""


def test_cvat_skeletons(tmp_path):
    draw_image(tmp_path / 'images/sub/a.png')
    (tmp_path / 'annotations.xml').write_text(CVAT)
    project = read_project(tmp_path)
    assert (project.kind, project.names, project.links, project.category) == (
        'cvat',
        ['nose', 'tail'],
        [(0, 1)],
        'mouse',
    )
    first, second = project.images[0].instances
    np.testing.assert_array_equal(first.keypoints, [[10.25, 11], [30, 31.5]])
    assert first.visible.tolist() == [True, False] and first.box == (1, 2, 60, 40)
    np.testing.assert_array_equal(second.keypoints, [NAN, [40, 41]])
    import_project(project, tmp_path, tmp_path / 'out')
    assert contents(tmp_path / 'out', 'train')['sub/a.png']['instances'][0]['num_keypoints'] == 2


def test_cvat_points_and_tracks(tmp_path):
    point = '<points label="{}" occluded="0" points="{}"/>'
    points = [('nose', '10,10'), ('tail', '20,20'), ('nose', '50,10'), ('tail', '55,20')]
    boxes = (
        '<box label="mouse" xtl="5" ytl="5" xbr="25" ybr="25"/><box label="mouse" xtl="45" ytl="5" xbr="60" ybr="25"/>'
    )
    body = ''.join(point.format(*each) for each in points)
    file = tmp_path / 'annotations.xml'
    file.write_text(
        f'<annotations><image id="0" name="a.png" width="64" height="48">{boxes}{body}</image></annotations>'
    )
    project = read_project(file)
    assert project.names == ['nose', 'tail']
    assert [each.keypoints.tolist() for each in project.images[0].instances] == [
        [[10, 10], [20, 20]],
        [[50, 10], [55, 20]],
    ]
    assert project.images[0].instances[1].box == (45, 5, 60, 25)
    frames = ''.join(
        f'<skeleton frame="{i}" outside="0" keyframe="{int(i != 1)}">{point.format("nose", f"{i},5")}</skeleton>'
        for i in range(3)
    )
    file.write_text(f'<annotations><track id="4" label="mouse">{frames}</track></annotations>')
    project = read_project(file)
    assert project.category == 'mouse' and 'imported as one' not in ''.join(project.notes)
    assert [(image.name, image.instances[0].track) for image in project.images] == [
        ('frame_000000.png', '4'),
        ('frame_000002.png', '4'),
    ]
    body = point.format('bee', '10,10;20,20')
    file.write_text(f'<annotations><image id="0" name="a.png" width="64" height="48">{body}</image></annotations>')
    with pytest.raises(ValueError, match='points without names, several in one shape: label a skeleton'):
        read_project(file)
    file.write_text('<!DOCTYPE a [<!ENTITY b "c">]>\n<annotations></annotations>')
    with pytest.raises(ValueError, match='declares entities'):
        read_project(file)


def regions(points, box=None, **item):
    """Results of Label Studio: name, x, y in percent."""
    size = dict(original_width=SIZE[0], original_height=SIZE[1], image_rotation=0, **item)
    made = [
        dict(size, id=f'{name}{x}', type='keypointlabels', value=dict(x=x, y=y, width=0.5, keypointlabels=[name]))
        for name, x, y in points
    ]
    if box:
        value = dict(x=box[0], y=box[1], width=box[2], height=box[3], rotation=0, rectanglelabels=['mouse'])
        made.append(dict(size, id=f'box{box[0]}', type='rectanglelabels', value=value))
    return made


def label_studio(path, *tasks):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(tasks)))
    return path


def task(image, *results, **more):
    annotations = [dict(completed_by=i + 1, result=result) for i, result in enumerate(results)]
    return dict(id=3, data=dict(image=image), annotations=annotations, **more)


def test_label_studio(tmp_path):
    for name in ('a.png', 'b.png', 'c.png', 'd 1.png'):
        draw_image(tmp_path / 'frames' / name)
    left = regions([('nose', 25, 50), ('tail', 30, 75)], (10, 10, 40, 80))
    right = regions([('nose', 75, 25)], (60, 10, 30, 80))
    file = label_studio(
        tmp_path / 'export.json',
        task('/data/upload/1/0a1b2c3d-a.png', left + right),
        task('/data/local-files/?d=frames/b.png', left[:2], regions([('nose', 26, 50), ('tail', 80, 75)])),
        task('http://host/frames/c.png?token=1', predictions=[dict(result=left)]),
        task('s3://bucket/frames/d%201.png', left),
    )
    project = read_project(file, options=ReadOptions())
    assert (project.kind, project.names, project.category) == ('label-studio', ['nose', 'tail'], 'mouse')
    report = import_project(project, file, tmp_path / 'out')
    images = contents(tmp_path / 'out')
    assert sorted(images) == ['a.png', 'frames/b.png', 'frames/d 1.png']
    # percent of 64 x 48 pixels
    first, second = images['a.png']['instances']
    assert first['keypoints'] == [16, 24, 2, 19.2, 36, 2] and first['bbox'] == [6.4, 4.8, 25.6, 38.4]
    assert second['keypoints'] == [48, 12, 2, 0, 0, 0]
    # two people: the mean of the nose; they do not agree on the tail
    assert images['frames/b.png']['instances'][0]['keypoints'] == [16.32, 24, 2, 0, 0, 0]
    notes = '\n'.join(report.notes)
    assert '1 tasks with predictions only left out' in notes
    assert '1 labels left out on which the people disagree: tail of frames/b.png, 32 pixels apart' in notes


def test_label_studio_turned_images_and_rotated_boxes(tmp_path):
    turned = regions([('nose', 25, 75)])
    turned[0]['image_rotation'] = 90  # shown as 48 x 64: 12, 48 there
    box = regions([], (50, 50, 25, 25))
    box[0]['value']['rotation'] = 90
    file = label_studio(tmp_path / 'a.json', task('a.png', turned + box))
    instances = read_project(file).images[0].instances
    np.testing.assert_allclose(instances[1].keypoints, [[48, 36]])
    # around its left upper corner (32, 24), clockwise: 16 x 12 become 12 x 16 to the left
    np.testing.assert_allclose(instances[0].box, [20, 24, 32, 40], atol=1e-9)


def test_label_studio_relations_min_and_ground_truth(tmp_path):
    result = regions([('nose', 1, 1), ('nose', 90, 90)], (50, 50, 10, 10))
    result.append(dict(type='relation', from_id='nose90', to_id='box50'))
    file = label_studio(tmp_path / 'a.json', task('a.png', result))
    instances = read_project(file).images[0].instances
    np.testing.assert_allclose([each.keypoints[0] for each in instances], [[57.6, 43.2], [0.64, 0.48]])
    assert instances[0].box == pytest.approx((32, 24, 38.4, 28.8)) and instances[1].box is None

    value = dict(x=50, y=50, width=1, keypointlabels=['nose'], original_width=64, original_height=48)
    small = label_studio(tmp_path / 'min.json', dict(id=1, image='/data/a.png', kp=[value], annotator=5))
    np.testing.assert_allclose(read_project(small).images[0].instances[0].keypoints, [[32, 24]])

    both = task('a.png', regions([('nose', 50, 50)]), regions([('nose', 25, 25)]))
    both['annotations'][1]['ground_truth'] = True
    (instance,) = read_project(label_studio(tmp_path / 'b.json', both)).images[0].instances
    np.testing.assert_allclose(instance.keypoints, [[16, 12]])


def test_label_studio_of_sleap_io(sleap_labels, tmp_path):
    sio = pytest.importorskip('sleap_io')
    sio.save_labelstudio(sleap_labels, str(tmp_path / 'labels.json'))
    project = read_project(tmp_path / 'labels.json')
    assert sorted(project.names) == sorted(NAMES)
    known = read_project_in_order(project)
    check_sleap_labels(known, tmp_path / 'out')


def read_project_in_order(project):
    """With the keypoints of a project in the order of ``NAMES``."""
    order = [project.names.index(name) for name in NAMES]
    for image in project.images:
        for instance in image.instances:
            instance.keypoints = instance.keypoints[order]
    project.names = NAMES
    return project


def test_corrected_predictions_add_to_the_data(tmp_path):
    """Predict, correct in Label Studio, import again: the labeling loop."""
    for i in range(6):
        draw_image(tmp_path / f'frames/{i}.png', i)
    tasks = [task(f'frames/{i}.png', regions([('nose', 25, 50), ('tail', 30, 75)])) for i in range(5)]
    out = tmp_path / 'out'
    assert main([str(label_studio(tmp_path / 'first.json', *tasks)), '--out', str(out), '--no-check']) == 0
    before = contents(out)
    corrected = [
        task('/data/local-files/?d=images/frames/0.png', regions([('tail', 50, 50), ('nose', 75, 75)])),
        task('frames/5.png', regions([('nose', 50, 50)])),
    ]
    second = label_studio(tmp_path / 'second.json', *corrected)
    assert main([str(second), '--out', str(out), '--no-check']) == 0
    after = contents(out)
    assert len(after) == 6 and all(after[name]['part'] == image['part'] for name, image in before.items())
    assert after['frames/0.png']['instances'][0]['keypoints'] == [48, 36, 2, 32, 24, 2]
    assert after['frames/5.png']['instances'][0]['keypoints'] == [32, 24, 2, 0, 0, 0]
    assert after['frames/1.png'] == {**before['frames/1.png'], 'id': after['frames/1.png']['id']}


def test_predictions_of_this_package_come_back(tmp_path):
    pytest.importorskip('sleap_io')
    project = deeplabcut_project(
        tmp_path / 'project', {'a.png': [1, 2, 3, 4, 5, 6], 'b.png': [1, 2, 3, 4, 5, 6]}, NAMES
    )
    out = tmp_path / 'data'
    assert main([str(project), '--out', str(out), '--no-check']) == 0
    loader = dict(dataset=dict(type='CocoDataset', metainfo=dict(from_file=str(out / 'metainfo.py'))))
    readable = Skeleton(('nose', 'left ear', 'right ear'), swaps=((1, 2),))
    skeleton = as_imported(readable, dict(train_dataloader=loader))
    assert skeleton == Skeleton(tuple(NAMES), swaps=((1, 2),))
    assert as_imported(Skeleton(('nose',)), dict(train_dataloader=loader)).names == ('nose',)

    new = draw_image(tmp_path / 'new' / 'c.png', 7)
    found = PredictedInstance(POINTS[0], np.ones(3), (5, 5, 40, 30), 0.9)
    frames = [PredictedFrame(str(path), 64, 48, instances=[found]) for path in (out / 'images/vid/a.png', new)]
    file = tmp_path / 'predictions.json'
    write_predictions(frames, skeleton, 'label-studio', file)
    assert main([str(file), '--out', str(out), '--no-check']) == 1  # nobody looked at them
    tasks = json.loads(file.read_text())
    for each in tasks:  # somebody submits them as they are
        each['annotations'] = [dict(result=each.pop('predictions')[0]['result'], completed_by=1)]
    file.write_text(json.dumps(tasks))
    assert main([str(file), '--out', str(out), '--no-check']) == 0
    images = contents(out)
    assert sorted(images) == ['c.png', 'vid/a.png', 'vid/b.png']
    for name in ('c.png', 'vid/a.png'):
        (instance,) = images[name]['instances']
        np.testing.assert_allclose(np.reshape(instance['keypoints'], (3, 3))[:, :2], POINTS[0], atol=1e-3)
        np.testing.assert_allclose(instance['bbox'], [5, 5, 35, 25], atol=0.01)

    write_predictions(frames, skeleton, 'dlc-h5', tmp_path / 'predictions.h5')
    columns, _, values = read_h5(tmp_path / 'predictions.h5')
    assert [column[2:] for column in columns] == [(name, axis) for name in NAMES for axis in 'xy']
    np.testing.assert_allclose(values, [POINTS[0].ravel()] * 2)


def test_empty_and_broken_projects(tmp_path, capsys):
    pytest.importorskip('sleap_io')

    def error(source, *arguments):
        assert main([str(source), '--out', str(tmp_path / 'out'), *arguments]) == 1
        return capsys.readouterr().err

    assert 'no keypoints' in error(label_studio(tmp_path / 'a.json', task('a.png')))
    (tmp_path / 'b.json').write_text('[{"annotations": [')
    assert 'truncated' in error(tmp_path / 'b.json')
    (tmp_path / 'c.slp').write_bytes(b'not HDF5')
    assert 'cannot be read by sleap-io' in error(tmp_path / 'c.slp')
    (tmp_path / 'd.yaml').write_text('kpt_shape: [3]\n')
    assert 'kpt_shape must be [number of keypoints, 2 or 3]' in error(tmp_path / 'd.yaml')
    (tmp_path / 'd.yaml').write_text('kpt_shape: [1000000000000, 3]\n')
    assert 'kpt_shape must be' in error(tmp_path / 'd.yaml')  # at once, without a list of so many names
    for i, (key, value) in enumerate([('width', float('inf')), ('id', [1])]):  # not what the tool writes
        content = coco([], [[1, 2, 2]])
        content['images'][0][key] = value
        (tmp_path / f'd{i}.json').write_text(json.dumps(content))
        assert 'has not the form of a project of coco' in error(tmp_path / f'd{i}.json')
    (tmp_path / 'e.xml').write_text('<annotations><image>')
    assert 'cannot be read as XML' in error(tmp_path / 'e.xml')
    (tmp_path / 'e.xml').write_text(
        '<annotations><track label="mouse"><skeleton frame="x" keyframe="1"/></track></annotations>'
    )
    assert "e.xml: invalid literal for int() with base 10: 'x'" in error(tmp_path / 'e.xml')
    (tmp_path / 'f.json').write_text(json.dumps(coco([], [[1, 2, 2]])))
    assert 'images can be used' in error(tmp_path / 'f.json')
    (tmp_path / 'g.zip').write_bytes(b'PK\x05\x06' + bytes(18))
    assert 'unpack it' in error(tmp_path / 'g.zip')
    assert 'not found' in error(Path('/nowhere'))
    assert not (tmp_path / 'out').exists()


def test_folders_with_one_export_and_with_two(sleap_labels, tmp_path):
    (tmp_path / 'a').mkdir()
    sleap_labels.save(str(tmp_path / 'a/first.slp'), verbose=False)
    assert read_project(tmp_path / 'a').names == NAMES
    (tmp_path / 'a/second.slp').write_bytes(b'')
    with pytest.raises(ValueError, match=r'one \.slp file, found first\.slp, second\.slp: give the file'):
        read_project(tmp_path / 'a')

    label_studio(tmp_path / 'b/min.json', task('a.png', regions([('nose', 50, 25)])))
    (tmp_path / 'b/classes.json').write_text('["mouse"]')
    project = read_project(tmp_path / 'b')
    assert (project.kind, project.names) == ('label-studio', ['nose'])
    label_studio(tmp_path / 'b/more.json', task('b.png', regions([('nose', 50, 25)])))
    with pytest.raises(ValueError, match=r'one JSON file of Label Studio, found min\.json, more\.json: give the file'):
        read_project(tmp_path / 'b')


@pytest.mark.parametrize(
    'names, readable',
    [
        (['A', 'B', 'tail_B'], ['a', 'b', 'tail b']),
        (['L_F_Paw', 'R_B_Paw'], ['left front paw', 'right back paw']),
    ],
)
def test_letters_that_count_are_not_short_for_words(names, readable):
    assert normal_names(names) == readable


def test_box_of_a_project_with_one_keypoint():
    """It has no extent: a sixteenth of the image's longer side around it, not a few pixels."""
    annotation = data_folder._annotation(LabeledInstance(np.array([[100.0, 80]])), (400, 320), 0.0)
    assert annotation['bbox'] == [87.5, 67.5, 25, 25]
