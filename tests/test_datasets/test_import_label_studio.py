"""Exports of Label Studio, and the labeling loop."""

import json

import numpy as np
import pytest
from import_files import (
    NAMES,
    POINTS,
    check_sleap_labels,
    contents,
    deeplabcut_project,
    draw_image,
    label_studio,
    regions,
    task,
)

from clamp_mmpose.apis.formats import PredictedFrame, PredictedInstance, Skeleton, write_predictions
from clamp_mmpose.apis.formats.imported_names import as_imported
from clamp_mmpose.cli.import_data import main
from clamp_mmpose.datasets.imports import ReadOptions, import_project, read_project
from clamp_mmpose.datasets.imports.deeplabcut_h5 import read_h5


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

    both['annotations'][1].pop('ground_truth')
    for annotation, day in zip(both['annotations'], (2, 1)):  # the same person, the last change first
        annotation.update(completed_by=1, updated_at=f'2024-01-0{day}T00:00:00Z')
    (instance,) = read_project(label_studio(tmp_path / 'c.json', both)).images[0].instances
    np.testing.assert_allclose(instance.keypoints, [[32, 24]])


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
