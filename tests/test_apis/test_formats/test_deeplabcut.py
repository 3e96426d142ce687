"""Tables of DeepLabCut, read by sleap-io."""

import csv

import numpy as np
import pytest
from predicted import MOUSE, instance, photos, video

from clamp_mmpose.apis.formats import PredictedFrame, write_predictions
from clamp_mmpose.datasets.imports.deeplabcut_h5 import read_h5

sleap_io = pytest.importorskip('sleap_io', reason="needs the extra 'io'")


def rows(path):
    return list(csv.reader(path.read_text().splitlines()))


def test_video(tmp_path):
    frames = video([instance(8, 1)], [], [instance(9, 2)], every=5)
    table = rows(write_predictions(frames, MOUSE, 'dlc-csv', tmp_path / 'mouse.csv'))
    assert table[0] == ['scorer', *['clamp_mmpose'] * 9]
    assert table[1] == ['bodyparts', *['snout'] * 3, *['leftear'] * 3, *['rightear'] * 3]
    assert table[2] == ['coords', *['x', 'y', 'likelihood'] * 3]
    assert [row[0] for row in table[3:]] == ['0', '5', '10']
    assert list(map(float, table[3][1:])) == [8, 10, 0.5, 9, 20, 0.75, 10, 30, 1]
    assert table[4][1:] == [''] * 9 and float(table[5][1]) == 9


def test_several_animals(tmp_path):
    frames = video([instance(8, 10), instance(20, 2)], [instance(9, 10)], [instance(30)])
    table = rows(write_predictions(frames, MOUSE, 'dlc-csv', tmp_path / 'mice.csv'))
    assert table[1] == ['individuals', *['individual_1'] * 9, *['track_2'] * 9, *['track_10'] * 9]
    assert [row[0] for row in table[:4]] == ['scorer', 'individuals', 'bodyparts', 'coords']
    x = [[row[column] for column in (1, 10, 19)] for row in table[4:]]
    assert x == [['', '20.00000', '8.00000'], ['', '', '9.00000'], ['30.00000', '', '']]


@pytest.mark.parametrize('place', ['', 'elsewhere'])
def test_images_are_found_by_sleap_io(tmp_path, place):
    """In the project's folder, with DeepLabCut's paths; and in another one."""
    frames = photos(tmp_path / 'labeled-data' / 'm4s1', [instance(8)], [], [instance(12.25)])
    path = write_predictions(frames, MOUSE, 'dlc-csv', tmp_path / place / 'mouse.csv')
    assert (rows(path)[3][0] == 'labeled-data/m4s1/img000.png') == (not place)
    labels = sleap_io.load_dlc(path)
    assert len(labels) == 3 and labels[0].video.filename == [frame.source for frame in frames]
    order = [labels.skeleton.node_names.index(name) for name in MOUSE.names]  # it sorts the names
    found = [labels.find(labels.video, i)[0].instances[0].numpy()[order] for i in (0, 2)]
    assert np.allclose(found, [frames[i].instances[0].keypoints for i in (0, 2)])


def test_several_images_in_one_file_of_several_videos(tmp_path):
    frames = video([instance(8)]) + video([instance(8)], path='b.avi')
    with pytest.raises(ValueError, match='frames of one video'):
        write_predictions(frames, MOUSE, 'dlc-csv', tmp_path / 'a.csv')
    with pytest.raises(ValueError, match='frames of one video'):
        write_predictions([frames[0], PredictedFrame('a.png', 64, 48)], MOUSE, 'dlc-csv', tmp_path / 'a.csv')


@pytest.mark.parametrize('images', [False, True])
def test_h5_is_the_table_without_pickles(tmp_path, images):
    h5py = pytest.importorskip('h5py')
    frames = photos(tmp_path / 'labeled-data' / 'm', [instance(8)], [instance(9), instance(20)]) if images else None
    frames = frames or video([instance(8, 1)], [], [instance(9, 2)], every=5)
    path = write_predictions(frames, MOUSE, 'dlc-h5', tmp_path / 'mouse.h5')
    with h5py.File(path) as file:
        group = file['df_with_missing']
        index = ['labeled-data/m/img000.png', 'labeled-data/m/img001.png'] if images else [0, 5, 10]
        assert [row.decode() if images else row for row in group['axis1'][:]] == index
        levels = [[name.decode() for name in group[f'axis0_level{i}'][:]] for i in range(group.attrs['axis0_nlevels'])]
        assert levels[-1] == ['likelihood', 'x', 'y'] and levels[-2] == sorted(MOUSE.names)
        assert group['axis0_label2' if not images else 'axis0_label3'][:6].tolist() == [1, 2, 0, 1, 2, 0]
        assert group['block0_values'][0, :3].tolist() == [8, 10, 0.5]
        texts = []
        for target in (file, group, *group.values()):
            texts += [value for value in target.attrs.values() if isinstance(value, (str, bytes))]
        assert len(texts) > 30 and not any(str(text).endswith('.') for text in texts)  # as every pickle does
    columns, read, values = read_h5(path)
    assert read == [str(name) for name in index]
    animal = 'individual_1' if images else ''
    assert columns[:3] == [
        ('clamp_mmpose', animal, *part) for part in (('snout', 'x'), ('snout', 'y'), ('leftear', 'x'))
    ]
    assert values[0, :4].tolist() == [8, 10, 9, 20]
    pandas = pytest.importorskip('pandas')
    pytest.importorskip('tables', reason='needs PyTables, with which pandas reads HDF5')
    table = pandas.read_hdf(path)
    write_predictions(frames, MOUSE, 'dlc-csv', tmp_path / 'mouse.csv')
    header = list(range(4 if images else 3))
    pandas.testing.assert_frame_equal(table, pandas.read_csv(tmp_path / 'mouse.csv', header=header, index_col=0))
