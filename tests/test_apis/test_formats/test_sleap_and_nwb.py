"""Files of SLEAP and NWB, read by their own libraries."""

import numpy as np
import pytest
from predicted import MOUSE, film, instance, photos, video

from clamp_mmpose.apis.formats import Skeleton, write_predictions

sleap_io = pytest.importorskip('sleap_io', reason="needs the extra 'io'")


def test_slp_of_a_video(tmp_path):
    unseen = instance(30, 2)
    unseen.keypoints[1] = np.nan
    frames = video([instance(8, 1), unseen], [], [instance(9, 1)], path=film(tmp_path / 'mouse.avi'), every=3)
    labels = sleap_io.load_slp(str(write_predictions(frames, MOUSE, 'slp', tmp_path / 'out' / 'mouse.slp')))
    assert labels.skeleton.node_names == list(MOUSE.names) and labels.skeleton.edge_inds == [(0, 1), (0, 2)]
    assert labels.skeleton.symmetry_names == [('leftear', 'rightear')]
    assert [frame.frame_idx for frame in labels] == [0, 3, 6] and labels.video.filename == frames[0].source
    first, second = labels[0].instances
    assert np.allclose(first.numpy(scores=True), [[8, 10, 0.5], [9, 20, 0.75], [10, 30, 1]])
    assert np.isnan(second.numpy()[1]).all() and (second.track.name, second.score) == ('track_2', 0.75)
    assert labels[2].instances[0].track is first.track and len(labels.tracks) == 2
    assert abs(labels.video[6].astype(int) - 120).max() < 4  # it opens the file, whose frames are JPEGs


def test_slp_of_images(tmp_path):
    frames = photos(tmp_path / 'a', [instance(8)], [instance(9)]) + photos(tmp_path / 'b', [instance(10)])
    labels = sleap_io.load_slp(str(write_predictions(frames, MOUSE, 'slp', tmp_path / 'mice.slp')))
    assert [video.filename for video in labels.videos] == [[frames[0].source, frames[1].source], [frames[2].source]]
    assert [frame.instances[0].numpy()[0, 0] for frame in labels] == [8, 9, 10]
    assert labels[1].image.shape == (48, 64, 3) or labels[1].image.shape == (48, 64, 1)
    assert labels[0].instances[0].track is None


def test_nwb(tmp_path):
    pynwb = pytest.importorskip('pynwb')
    skeleton = Skeleton(('snout/tip', 'leftear', 'rightear'), ((0, 1),), (), 'mouse')
    frames = video([instance(8, 1)], [instance(9, 1), instance(40, 2)], path=film(tmp_path / 'm.avi'), every=5)
    path = write_predictions(frames, skeleton, 'nwb', tmp_path / 'mouse.nwb')
    with pynwb.NWBHDF5IO(str(path), 'r', load_namespaces=True) as reader:
        behavior = reader.read().processing['behavior']
        found = behavior['track_2']['snout_tip']
        assert found.timestamps[:].tolist() == [0, 0.5] and found.unit == 'pixels'  # 10 frames a second
        assert np.isnan(found.data[0]).all() and found.data[1].tolist() == [40, 10] and found.confidence[1] == 0.5
        assert behavior['track_1']['rightear'].data[:].tolist() == [[10, 30], [11, 30]]
        assert behavior['track_1'].skeleton.nodes[:].tolist() == ['snout_tip', 'leftear', 'rightear']
        assert behavior['track_1'].dimensions[:].tolist() == [[64, 48]]
    labels = sleap_io.load_nwb(str(path))
    assert sum(len(frame.instances) for frame in labels) == 3
    with pytest.raises(ValueError, match='give the frames of one video'):
        write_predictions(photos(tmp_path, [instance(8)]), skeleton, 'nwb', path)
    with pytest.raises(ValueError, match=r'gone\.avi does not say how many frames'):
        write_predictions(video([instance(8)], path='gone.avi'), skeleton, 'nwb', path)
