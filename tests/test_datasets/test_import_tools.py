"""Projects that are empty or broken, and what all tools have in common."""

import json
from pathlib import Path

import numpy as np
import pytest
from import_files import (
    NAMES,
    coco,
    label_studio,
    regions,
    task,
)

from clamp_mmpose.cli.import_data import main
from clamp_mmpose.datasets.imports import LabeledInstance, data_folder, read_project
from clamp_mmpose.datasets.imports.names import normal_names


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
