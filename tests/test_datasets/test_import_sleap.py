"""SLEAP files: those of sleap-io, and real ones."""

import numpy as np
import pytest
from import_files import NAMES, check_sleap_labels

from clamp_mmpose.cli.import_data import main
from clamp_mmpose.datasets.imports import read_project


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
