"""Files of the inferencer's results."""

import errno
import os
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from clamp_mmpose.apis import outputs
from clamp_mmpose.utils.files import to_json


def run(inferencer, *args, **kwargs):
    predictions, drawn = [], []
    for result in inferencer(*args, **kwargs):
        predictions += result['predictions']
        drawn += result['visualization'] or []
    return predictions, drawn


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


@pytest.fixture
def photos(trained, tmp_path):
    """Four copies of images: one format cannot be written, the disk is full for another."""
    paths = [tmp_path / name for name in ('a.png', 'b.jfif', 'c.png', 'd.png')]
    for path, image in zip(paths, trained[2]):
        content = Path(image).read_bytes()
        path.write_bytes(cv2.imencode('.jpg', cv2.imread(image))[1].tobytes() if path.suffix == '.jfif' else content)
    return [str(path) for path in paths]


@pytest.fixture
def full_disk(monkeypatch):
    plain = outputs.atomic_write

    def write(path, content):
        if path.name.startswith('c.'):
            raise OSError(errno.ENOSPC, 'No space left on device', str(path))
        plain(path, content)

    monkeypatch.setattr(outputs, 'atomic_write', write)


@pytest.mark.parametrize('batch_size', [1, 4])
def test_a_failed_write_costs_only_its_image(dots_inferencer, photos, full_disk, tmp_path, batch_size):
    expected, _ = run(dots_inferencer, [photos[0], photos[3]])
    options = dict(out_dir=str(tmp_path / 'out'), batch_size=batch_size, on_error='skip')
    predictions, drawn = run(dots_inferencer, photos, return_vis=True, **options)
    assert predictions == expected and len(drawn) == 2
    failed = [(Path(path).name, str(error)) for path, error in dots_inferencer.failures]
    assert [name for name, _ in failed] == ['b.jfif', 'c.png']
    assert 'OpenCV writes no .jfif' in failed[0][1] and 'No space left on device' in failed[1][1]
    # what could not be drawn has its predictions
    names = ['predictions/a.json', 'predictions/b.json', 'predictions/d.json']
    assert written(tmp_path / 'out') == [*names, 'visualizations/a.png', 'visualizations/d.png']


def test_a_failed_write_is_raised_without_skip(dots_inferencer, photos, full_disk, tmp_path):
    for folder, index, error in (('vis_out_dir', 1, r'no \.jfif'), ('pred_out_dir', 2, 'No space left')):
        with pytest.raises((ValueError, OSError), match=error):
            run(dots_inferencer, photos[index], **{folder: str(tmp_path / 'out')})


def test_data_samples(dots_inferencer, photos, tmp_path):
    """They have their JSON file too, and can be pickled."""
    plain, _ = run(dots_inferencer, photos[0])
    (sample,), _ = run(dots_inferencer, photos[0], return_datasamples=True, pred_out_dir=str(tmp_path / 'out'))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(sample)).pred_instances.keypoints[0], plain[0][0]['keypoints']
    )
    assert (tmp_path / 'out/a.json').read_text() == to_json(plain[0], '', indent='  ')


def test_a_folder_with_a_dot(dots_inferencer, photos, tmp_path):
    run(dots_inferencer, photos[0], vis_out_dir=str(tmp_path / 'run.2'))
    run(dots_inferencer, photos[2], out_dir=tmp_path / 'run.3')
    assert written(tmp_path / 'run.2') == ['a.png']
    assert written(tmp_path / 'run.3') == ['predictions/c.json', 'visualizations/c.png']


@pytest.mark.parametrize('folder', ['out_dir', 'vis_out_dir', 'pred_out_dir'])
def test_files_of_single_boxes_are_refused(dots_inferencer, photos, tmp_path, folder):
    """They would overwrite each other."""
    with pytest.raises(ValueError, match='files are written for each image'):
        run(dots_inferencer, photos, merge_results=False, **{folder: str(tmp_path / 'out')})


def test_names_that_are_not_utf8(dots_inferencer, photos, tmp_path):
    """OpenCV ends the process at them."""
    content = Path(photos[0]).read_bytes()
    names = [os.fsdecode(name) for name in (b'\xff.png', b'photo.p\xff')]
    for name in names:
        (tmp_path / name).write_bytes(content)
    predictions, drawn = run(
        dots_inferencer,
        [str(tmp_path / name) for name in names],
        out_dir=str(tmp_path / 'out'),
        on_error='skip',
        return_vis=True,
    )
    assert len(predictions) == len(drawn) == 1
    ((path, error),) = dots_inferencer.failures
    assert path.endswith(names[1]) and 'cannot be drawn' in str(error)
    for suffix in ('.avi', '.mp4'):
        (tmp_path / f'{names[0]}{suffix}').write_bytes(b'')
        with pytest.raises(ValueError, match=r'\\udcff\.png\.\w+ is not UTF-8, which OpenCV needs'):
            run(dots_inferencer, str(tmp_path / f'{names[0]}{suffix}'))
