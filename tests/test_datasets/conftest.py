import pytest
from import_files import NAMES, POINTS, draw_image


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
