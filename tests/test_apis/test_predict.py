"""The predict command."""

import errno
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from clamp_mmpose.apis.formats import FORMATS
from clamp_mmpose.cli import predict
from clamp_mmpose.utils import files


@pytest.fixture
def run(trained, tmp_path, capsys):
    """Run the command on inputs: exit code, standard output, and the lines of standard error on images."""

    def call(*arguments, out='out'):
        code = predict.main([*trained[:2], *map(str, arguments), '--out-dir', str(tmp_path / out), '--device', 'cpu'])
        output, errors = capsys.readouterr()
        return code, output, [line for line in errors.splitlines() if line.startswith('skipped')]

    return call


@pytest.fixture
def images(trained, tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for name, path in zip('abc', trained[2]):
        (folder / f'{name}.png').write_bytes(Path(path).read_bytes())
    return folder


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


def test_predict_command(trained, tmp_path, capsys):
    images = tmp_path / 'images' / 'deep'
    images.mkdir(parents=True)
    for i, path in enumerate(trained[2][:3]):
        (images / f'{i}.png').write_bytes(Path(path).read_bytes()[: None if i else 900])
    boxes = {str(images / '1.png'): [[4, 4, 40, 60], [0, 0, 64, 64]]}
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
    options = ['--bboxes', str(tmp_path / 'boxes.json'), '--draw', 'score_maps', '--device', 'cpu']
    assert predict.main([*trained[:2], str(tmp_path / 'images'), '--out-dir', str(tmp_path / 'out'), *options]) == 1
    out, err = capsys.readouterr()
    assert '2 of 3 images done' in out and f'skipped {images / "0.png"}' in err
    assert sorted(path.name for path in (tmp_path / 'out/visualizations/deep').iterdir()) == ['1.png', '2.png']
    counts = [len(json.loads((tmp_path / f'out/predictions/deep/{i}.json').read_text())) for i in (1, 2)]
    assert counts == [2, 1]


def test_inputs_and_boxes(tmp_path):
    for name in ('a/1.jpg', 'b/1.png', 'b/2.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')
    out = str(tmp_path / 'out')
    assert list(predict.collect([str(tmp_path / 'b')], out).values()) == [Path('1.png'), Path('2.png')]
    twice = [str(tmp_path / 'b'), str(tmp_path / 'b/1.png'), f'{tmp_path}/a/../b/2.png']
    assert list(predict.collect(twice, out)) == [str(tmp_path / 'b/1.png'), str(tmp_path / 'b/2.png')]

    images = [str(tmp_path / 'b' / '1.png')]
    (tmp_path / 'boxes.json').write_text(json.dumps({f'{tmp_path}/a/../b/1.png': [[1, 2, 3, 4]]}))
    assert predict.find_boxes(str(tmp_path / 'boxes.json'), images) == {images[0]: [[1, 2, 3, 4]]}
    (tmp_path / 'boxes.json').write_text(json.dumps({'1.png': [[1, 2, 3, 4]]}))
    with pytest.raises(ValueError, match=r'boxes for 1 images that are not among the inputs, such as 1\.png'):
        predict.find_boxes(str(tmp_path / 'boxes.json'), images)
    (tmp_path / 'boxes.json').write_text(json.dumps({images[0]: [], f'{tmp_path}/a/../b/1.png': []}))
    with pytest.raises(ValueError, match=r'names .*1\.png twice'):
        predict.find_boxes(str(tmp_path / 'boxes.json'), images)
    for path in ('a\0.png', '\ud800.png'):
        (tmp_path / 'boxes.json').write_text(json.dumps({path: []}))
        with pytest.raises(ValueError, match='boxes for 1 images that are not among the inputs'):
            predict.find_boxes(str(tmp_path / 'boxes.json'), images)
    (tmp_path / 'boxes.json').write_text(json.dumps({images[0]: {}}))  # not an empty list of boxes
    assert predict.find_boxes(str(tmp_path / 'boxes.json'), images) == {images[0]: {}}
    for content in ([dict(image_id=1, bbox=[1, 2, 3, 4])], 3, 'boxes', None, []):
        (tmp_path / 'boxes.json').write_text(json.dumps(content))
        with pytest.raises(ValueError, match=r'must be one JSON object .*as in COCO'):
            predict.find_boxes(str(tmp_path / 'boxes.json'), images)


def test_each_bad_image_costs_only_itself(run, images, tmp_path):
    good = (images / 'a.png').read_bytes()
    _, jpeg = cv2.imencode('.jpg', cv2.imread(str(images / 'a.png')))
    for name, content in {
        'truncated.png': good[:900],
        'page.svg': b'<svg/>',
        'damaged.gif': b'GIF89a',
        'photo.jfif': jpeg.tobytes(),
    }.items():
        (images / name).write_bytes(content)
    (tmp_path / 'no suffix').write_bytes(good)
    boxes = {'b': [[0, 0, 9, 9], [9, 0, 0, 9]], 'c': [[0, 0, 64, 64]]}
    (tmp_path / 'boxes.json').write_text(json.dumps({f'{images}/{name}.png': box for name, box in boxes.items()}))
    code, output, errors = run(
        images, tmp_path / 'no suffix', tmp_path / 'gone.png', '--bboxes', tmp_path / 'boxes.json'
    )
    assert code == 1 and '2 of 9 images done, 7 failed' in output
    reasons = {
        'b.png': 'box 1 of .*b.png is .9, 0, 0, 9.',
        'truncated.png': 'is truncated',
        'page.svg': 'cannot be decoded',
        'damaged.gif': 'cannot be decoded',
        'photo.jfif': r'OpenCV writes no \.jfif',
        'no suffix': 'OpenCV writes no files without suffix',
        'gone.png': 'does not exist',
    }
    for name, reason in reasons.items():
        (error,) = (error for error in errors if f'{name}: ' in error)  # one message
        assert re.search(reason, error)
    assert len(errors) == 7
    # what could not be drawn has its predictions
    stems = ('a', 'c', 'no suffix', 'photo')
    assert written(tmp_path / 'out/predictions') == [f'{name}.json' for name in stems]
    assert written(tmp_path / 'out/visualizations') == ['a.png', 'c.png']
    assert run(images / 'photo.jfif', tmp_path / 'no suffix', '--draw', 'nothing', out='undrawn')[0] == 0


def test_failed_writes_cost_only_their_image(run, images, tmp_path, monkeypatch):
    (tmp_path / 'out/visualizations/a.png').mkdir(parents=True)
    plain = files.atomic_write

    def full(path, content):
        if path.name == 'b.json':
            raise OSError(errno.ENOSPC, 'No space left on device', str(path))
        plain(path, content)

    monkeypatch.setattr(files, 'atomic_write', full)
    code, output, errors = run(images)
    assert code == 1 and '1 of 3 images done, 2 failed' in output
    assert [('a.png' in error, 'b.png' in error) for error in errors] == [(True, False), (False, True)]
    assert 'No space left on device' in errors[1]
    assert written(tmp_path / 'out') == ['predictions/a.json', 'predictions/c.json', 'visualizations/c.png']


def test_an_unusable_output_folder(run, images, tmp_path, capsys, trained):
    (tmp_path / 'file').write_text('')
    assert predict.main([*trained[:2], str(images), '--out-dir', str(tmp_path / 'file')]) == 1
    assert capsys.readouterr().err.count('\n') == 1


@pytest.mark.parametrize(
    'option, message',
    [
        (['--batch-size', '0'], "argument --batch-size: '0', expected a whole number of at least 1"),
        (['--batch-size', '-1'], 'at least 1'),
        (['--batch-size', '1.5'], 'at least 1'),
        (['--kpt-thr', 'nan'], 'expected a finite number'),
        (['--device', 'gpu'], "'gpu', expected a device such as cpu or cuda:0"),
        (['--device', ''], 'expected a device'),
        (['--device', 'meta'], 'expected a device'),
        (['--device', 'cuda:99'], 'expected a device'),
    ],
)
def test_arguments_are_checked(option, message, capsys):
    with pytest.raises(SystemExit) as stop:
        predict.main(['config.py', 'model.pth', 'photo.png', *option])
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_formats_of_boxes_are_in_the_help():
    text = ' '.join(predict.make_parser().format_help().split())
    assert 'WIDTH and HEIGHT in pixels' in text and 'RIGHT and BOTTOM in pixels' in text


def test_equal_names(run, images, tmp_path):
    gray = np.full((64, 64), 4095, np.uint16)
    for suffix in ('png', 'tif'):
        cv2.imwrite(str(images / f'gray16.{suffix}'), gray)
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other/a.png').write_bytes((images / 'a.png').read_bytes())
    expected = ['b.json', 'c.json', 'gray16.png.json', 'gray16.tif.json', 'images/a.png.json', 'other/a.png.json']
    for inputs in ([images, tmp_path / 'other'], [tmp_path / 'other', images]):
        code, output, _ = run(*inputs, out=inputs[0].name + '-out')
        assert code == 0 and '6 of 6 images done' in output
        assert written(tmp_path / f'{inputs[0].name}-out/predictions') == expected


def test_inputs_are_never_overwritten(run, images, tmp_path, capsys):
    """Results beside the images; a second run does not take its results for images."""
    for _ in range(2):
        code, output, _ = run(images, out='images')
        assert code == 0 and '3 of 3 images done' in output
    drawn = images / 'visualizations'
    before = (drawn / 'a.png').read_bytes()
    (tmp_path / 'link').symlink_to(images)
    assert predict.main(['config', 'model', str(drawn), '--out-dir', str(tmp_path / 'link')]) == 1
    assert 'is an input and would be overwritten' in capsys.readouterr().err
    assert (drawn / 'a.png').read_bytes() == before


def test_formats(run, images):
    boxes = images.parent / 'boxes.json'
    boxes.write_text(json.dumps({str(images / 'c.png'): [[4, 4, 40, 60]]}))  # found first, written last
    formats = [option for format in ('coco', 'dlc-csv', 'yolo') for option in ('--format', format)]
    code, output, _ = run(images, '--bboxes', boxes, *formats, '--kpt-thr', '2', '--draw', 'nothing')
    assert code == 0 and list(predict.FORMATS) == list(FORMATS)
    folder = images.parent / 'out'
    assert f'coco: {folder / "predictions.coco.json"}' in output
    expected = json.loads((folder / 'predictions/b.json').read_text())[0]
    found = json.loads((folder / 'predictions.coco.json').read_text())[1]
    assert found['image_id'] == 2 and found['keypoints'][:2] == pytest.approx(expected['keypoints'][0], abs=1e-4)
    rows = [line.split(',') for line in (folder / 'predictions.dlc.csv').read_text().splitlines()]
    assert [row[0] for row in rows[3:]] == [str(images / f'{name}.png') for name in 'abc']
    row = rows[4]
    assert float(row[2]) == pytest.approx(expected['keypoints'][0][1], abs=1e-4)
    labels = (folder / 'predictions.yolo/train/labels/b.txt').read_text().split()
    assert len(labels) == 5 + 3 * len(expected['keypoints']) and set(labels[7::3]) == {'0'}  # no score is above 2


def test_formats_are_checked_before_the_model_is_loaded(run, images, capsys):
    (images.parent / 'out' / 'predictions.yolo').mkdir(parents=True)
    (images.parent / 'out' / 'predictions.yolo' / 'mine.txt').write_text('kept')
    parser = predict.make_parser()
    args = parser.parse_args(
        ['config', 'weights', str(images), '--out-dir', str(images.parent / 'out'), '--format', 'yolo']
    )
    with pytest.raises(FileExistsError, match=r'predictions\.yolo exists: move it away'):
        predict.run(args)


def test_a_full_disk_keeps_the_old_file(trained, run, images, monkeypatch, capsys):
    run(images / 'a.png', '--format', 'coco', '--draw', 'nothing')
    old = (images.parent / 'out/predictions.coco.json').read_bytes()
    plain = files.os.replace

    def replace(source, target):
        if str(target).endswith('.coco.json'):
            raise OSError(errno.ENOSPC, 'No space left on device')
        plain(source, target)

    monkeypatch.setattr(files.os, 'replace', replace)
    arguments = [str(images), '--out-dir', str(images.parent / 'out'), '--format', 'coco', '--draw', 'nothing']
    assert predict.main([*trained[:2], *arguments, '--device', 'cpu']) == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert (images.parent / 'out/predictions.coco.json').read_bytes() == old
    assert not list((images.parent / 'out').glob('.*.part'))
