"""Import, predict, correct in Label Studio, import again."""

import json

import numpy as np
from import_files import contents
from mmengine.config import Config
from predicted import MOUSE, film, instance, photos, video

from clamp_mmpose.apis.formats import Skeleton, write_predictions
from clamp_mmpose.apis.formats.imported_names import as_imported
from clamp_mmpose.cli import import_data


def coco(folder, frames):
    """The frames as labels of a COCO project."""
    images, annotations = [], []
    for number, frame in enumerate(frames, 1):
        images.append(dict(id=number, file_name=frame.source, width=64, height=48))
        points = np.column_stack([frame.instances[0].keypoints, [2, 2, 2]]).reshape(-1).tolist()
        annotations.append(
            dict(id=number, image_id=number, category_id=1, keypoints=points, bbox=[4, 5, 10, 30], area=300, iscrowd=0)
        )
    category = dict(id=1, name='mouse', keypoints=list(MOUSE.names), skeleton=[[1, 2], [1, 3]])
    path = folder / 'labels.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations, categories=[category])))
    return path


def test_corrected_predictions_are_added(tmp_path, capsys):
    labeled = photos(tmp_path / 'old', *[[instance(8 + i)] for i in range(5)])
    data = tmp_path / 'data'
    assert import_data.main([str(coco(tmp_path, labeled)), '--out', str(data), '--no-check']) == 0
    before = contents(data)
    assert len(before) == 5

    # the model reads 'left ear'; Label Studio gets the names of the project
    model = Skeleton(('snout', 'left ear', 'right ear'), MOUSE.links, MOUSE.swaps, 'mouse')
    cfg = Config(dict(test_dataloader=dict(dataset=dict(metainfo=dict(from_file=str(data / 'metainfo.py'))))))
    found = photos(tmp_path / 'old', [instance(30)]) + photos(tmp_path / 'new & more', [instance(40)])
    film(tmp_path / 'mouse.avi')
    found += video([instance(16)], [instance(18), instance(45)], path=str(tmp_path / 'mouse.avi'), every=6)
    path = write_predictions(found, as_imported(model, cfg), 'label-studio', tmp_path / 'out' / 'tasks.json')
    tasks = json.loads(path.read_text())
    assert {label for task in tasks for label in labels_of(task)} == set(MOUSE.names)

    # a person accepts all, moves one point of the first image, and removes one of the second
    for task in tasks:
        task['annotations'] = [dict(result=task.pop('predictions')[0]['result'], completed_by=1)]
    tasks[0]['annotations'][0]['result'][1]['value'].update(x=50, y=25)
    del tasks[1]['annotations'][0]['result'][1:3]  # the point, and its relation to the box
    (tmp_path / 'corrected.json').write_text(json.dumps(tasks))
    assert import_data.main([str(tmp_path / 'corrected.json'), '--out', str(data), '--no-check']) == 0
    after = contents(data)
    assert len(after) == 8
    old = after[next(name for name in before if name.endswith('img000.png'))]
    assert np.reshape(old['instances'][0]['keypoints'], (3, 3)).tolist() == [[32, 12, 2], [31, 20, 2], [32, 30, 2]]
    assert old['instances'][0]['bbox'] == [26, 5, 10, 30]
    assert all(after[name]['part'] == before[name]['part'] for name in before)
    added = [image for name, image in after.items() if name not in before]
    counts = sorted([one['num_keypoints'] for one in image['instances']] for image in added)
    assert counts == [[2], [3], [3, 3]]
    assert sorted(image['source'].get('frame', -1) for image in added) == [-1, 0, 6]

    other = Skeleton(('snout', 'tail', 'left ear'))
    write_predictions(photos(tmp_path / 'b', [instance(8)]), other, 'label-studio', tmp_path / 'out' / 'other.json')
    assert import_data.main([str(tmp_path / 'out' / 'other.json'), '--out', str(data), '--predictions']) == 1
    assert 'tail' in capsys.readouterr().err and contents(data) == after


def labels_of(task):
    return [
        region['value']['keypointlabels'][0]
        for region in task['predictions'][0]['result']
        if region['type'] == 'keypointlabels'
    ]
