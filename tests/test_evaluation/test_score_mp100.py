"""The command that scores a file of predictions, and its errors for files that do not fit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clamp_mmpose.cli.score_mp100 import main
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.evaluation.mp100.predictions import read_predictions, write_predictions

ROOT = Path(__file__).parents[2]


def annotation(number, category_id, x, bbox=(0, 0, 101, 101)):
    return dict(
        id=number,
        image_id=number,
        category_id=category_id,
        bbox=list(bbox),
        area=100,
        keypoints=[x, 5, 2.0, 50, 50, 1] if category_id == 1 else [x, 5, 2],
    )


@pytest.fixture
def folder(tmp_path):
    """Like split 5: the boxes of annotations 4 and 5 are negative and empty."""
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=400, height=400) for i in range(1, 6)],
        annotations=[
            annotation(1, 1, 5),
            annotation(2, 1, 15),
            annotation(3, 2, 30),
            annotation(4, 2, 5, (10, 10, -5, 20)),
            annotation(5, 2, 5, (10, 10, 20, 0)),
        ],
        categories=[
            dict(id=1, name='Gull', supercategory='bird', keypoints=['0', '1'], skeleton=[]),
            dict(id=2, name='bed', supercategory='furniture', keypoints=['0'], skeleton=[]),
        ],
    )
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    save(tmp_path, PREDICTIONS)
    return tmp_path


PREDICTIONS = {'1': [[5, 5], [50, 50]], '2': [[15, 5], [80, 50]], '3': [[30, 27]]}


def save(folder, predictions):
    (folder / 'predictions.json').write_text(predictions if isinstance(predictions, str) else json.dumps(predictions))


@pytest.fixture
def score(folder, capsys):
    """Run the command on the folder's files: exit code, standard output, standard error."""

    def score(*args):
        files = ['--ann', folder / 'ann.json', '--predictions', folder / 'predictions.json']
        code = main(list(map(str, [*files, *args])))
        return (code, *capsys.readouterr())

    return score


def test_table_and_json(folder, score):
    """Errors .0 and .0; .0 and .3; .22 of the normalizer."""
    code, printed, err = score('--protocol', 'query_only', '--json', folder / 'out.json')
    assert code == 0, err
    out = json.loads((folder / 'out.json').read_text())
    assert {key: value for key, value in out.items() if 'categories' not in key} == pytest.approx(
        {
            'PCK@0.05': 0.5,
            'PCK@0.1': 0.5,
            'PCK@0.15': 0.5,
            'PCK@0.2': 0.5,
            'PCK@0.25': 2.5 / 3,
            'mPCK': 8.5 / 15,
            'NME': (0.15 + 0.22) / 3,
            'AUC': (19 + (19 + 13) / 2 + 15) / 60,
            'instances': 3,
        }
    )
    assert out['categories']['gull']['PCK@0.25'] == 0.75 and out['categories']['gull']['instances'] == 2
    assert out['supercategories']['furniture'] == out['categories']['bed']
    lines = printed.splitlines()
    assert lines[0] == f'3 instances of 2 categories in {folder / "ann.json"}'
    assert lines[1] == 'dropped because of their boxes: 2 annotations (4, 5)'
    table = lines[2:]
    assert [line.split()[0] for line in table] == [
        'PCK@0.05',
        'overall',
        'supercategories',
        'bird',
        'furniture',
        'categories',
        'gull',
        'bed',
    ]
    assert table[1].split()[1:] == ['0.5000'] * 4 + ['0.8333', '0.5667', '0.1233', '0.8333', '3']
    assert len({len(line) for line in table if 'categories' not in line}) == 1, 'aligned'


def test_predictions_of_dropped_boxes_are_ignored(folder, score):
    save(folder, {**PREDICTIONS, '4': [[0, 0]], '5': 'anything'})
    code, out, _ = score('--protocol', 'query_only')
    assert code == 0 and 'ignored: 2 predictions of dropped annotations' in out


def test_missing_predictions(folder, score):
    save(folder, {'1': PREDICTIONS['1'], '3': PREDICTIONS['3']})
    code, out, err = score('--protocol', 'query_only')
    assert code == 1 and '1 of 3 annotations have no prediction, such as 2' in err
    code, out, err = score('--protocol', 'query_only', '--missing', 'skip', '--json', folder / 'out.json')
    assert code == 0, err
    assert 'without a prediction: 1 of 3 instances (gull 1); left out: 1 instances' in out
    assert json.loads((folder / 'out.json').read_text())['instances'] == 2


def test_pairs(shared_data, folder, score):
    """Both protocols on the real split."""
    ann = shared_data / 'mp100/annotations/mp100_split1_test.json'
    instances = read_instances(ann).instances
    save(folder, {i.id: [[i.bbox[0] + i.bbox[2] / 2, i.bbox[1] + i.bbox[3] / 2]] * len(i.visible) for i in instances})
    code, _, err = score('--protocol', 'pairs', '--ann', ann, '--json', folder / 'out.json')
    assert code == 0, err
    out = json.loads((folder / 'out.json').read_text())
    assert [round(out[f'PCK@{threshold}'], 6) for threshold in (0.05, 0.1, 0.15, 0.2, 0.25)] == [
        0.011375,
        0.039231,
        0.085867,
        0.158480,
        0.268207,
    ]
    assert out['pairs'] == 60000 and len(out['categories']) == 20
    code, out, err = score('--protocol', 'pairs', '--ann', ann, '--episodes', 100, '--json', folder / 'out.json')
    assert code == 0 and json.loads((folder / 'out.json').read_text())['pairs'] == 30000


def test_pairs_need_16_instances(folder, score):
    code, _, err = score('--protocol', 'pairs')
    assert code == 1 and "'gull' has 2" in err


@pytest.mark.parametrize(
    'predictions, message',
    [
        ({**PREDICTIONS, '9': [[1, 2]], '8': [[1, 2]]}, '2 annotation ids are not in .*, such as 9, 8'),
        ({**PREDICTIONS, 'bed': [[1, 2]]}, "'bed' is not an annotation id"),
        ({**PREDICTIONS, '1': [[1, 2]]}, r'annotation 1 \(gull\) has 2 keypoints, 1 are predicted'),
        ({**PREDICTIONS, '1': [[1, 2, 1], [3, 4, 1]]}, 'annotation 1 must have a list of'),
        ({**PREDICTIONS, '1': dict(x=1)}, 'annotation 1 must have a list of'),
        ({**PREDICTIONS, '1': [dict(x=1, y=2)] * 2}, 'annotation 1 has predictions that are not finite numbers'),
        ({**PREDICTIONS, '1': [[1, float('nan')], [3, 4]]}, 'annotation 1 has predictions that are not finite'),
        ({**PREDICTIONS, '1': [[1, None], [3, 4]]}, 'annotation 1 has predictions that are not finite'),
        ({**PREDICTIONS, '1': [['1', '2'], ['3', '4']]}, 'annotation 1 has predictions that are not finite'),
        ({**PREDICTIONS, '1': [[True, False], [True, True]]}, 'annotation 1 has predictions that are not finite'),
        ({**PREDICTIONS, '1': [[1, [2]], [3, 4]]}, 'annotation 1 has predictions that are not finite'),
        ({'1': PREDICTIONS['1'], '01': PREDICTIONS['1']}, 'annotation 1 occurs twice'),
        ([[1, 2]], 'must be one JSON object'),
        ('3', 'must be one JSON object'),
        ('{"1": [[', 'cannot be read as JSON'),
    ],
)
def test_wrong_predictions(folder, predictions, message):
    save(folder, predictions)
    with pytest.raises(ValueError, match=message) as error:
        read_predictions(folder / 'predictions.json', read_instances(folder / 'ann.json'), missing='skip')
    assert 'predictions.json' in str(error.value)


def test_no_file(folder, score):
    (folder / 'predictions.json').unlink()
    code, _, err = score('--protocol', 'query_only')
    assert code == 1 and 'predictions.json not found' in err


def test_written_predictions_are_read_again(folder):
    written = {1: np.array([[1.25, 2], [3, 4]], np.float32), 2: np.zeros((2, 2)), 3: np.array([[1e-3, 1 / 3]])}
    write_predictions(folder / 'new/predictions.json', written)
    loaded = read_predictions(folder / 'new/predictions.json', read_instances(folder / 'ann.json')).keypoints
    assert list(loaded) == [1, 2, 3] and all((loaded[i] == written[i]).all() for i in written)


def test_failed_write_leaves_the_old_file(folder, monkeypatch):
    before = (folder / 'predictions.json').read_bytes()
    monkeypatch.setattr('os.replace', lambda *args: (_ for _ in ()).throw(OSError('disk')))
    with pytest.raises(OSError, match='disk'):
        write_predictions(folder / 'predictions.json', {1: np.zeros((2, 2))})
    assert (folder / 'predictions.json').read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ['ann.json', 'predictions.json']


def test_the_command_imports_no_torch(folder):
    """Importing MMPose takes 5 seconds, the score of 60,000 pairs less than one."""
    files = ['--ann', folder / 'ann.json', '--predictions', folder / 'predictions.json', '--protocol', 'query_only']
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', ROOT / 'tools/score_mp100.py', *files],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert done.returncode == 0 and 'PCK' in done.stdout, done.stderr[-2000:]
    imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
    assert 'numpy' in imported and imported.isdisjoint({'torch', 'mmpose', 'cv2'})
