"""Writes small files of 3D poses in the layouts of their data sets."""

import io
import os
import pickle
import struct
import tarfile

import cv2
import numpy as np

RANDOM = np.random.RandomState(0)


def vectors(*shape):
    return RANDOM.uniform(-1, 1, (*shape, 3))


class Runs:
    """Its pickle makes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


def amass(folder, subset, frames, roots=None):
    """A sequence of SMPL+H: 52 joints; with these roots."""
    poses = RANDOM.uniform(-1, 1, (frames, 156))
    if roots is not None:
        poses[:, :3] = roots
    path = folder / subset / 'sub/walk_poses.npz'
    path.parent.mkdir(parents=True)
    others = dict(trans=np.zeros((frames, 3)), betas=np.zeros(16), gender='male', mocap_framerate=120.0)
    np.savez(path, poses=poses, dmpls=np.zeros((frames, 8)), **others)
    return poses


def person(**fields):
    """A person of the pickles in HMR2.0's training data."""
    return dict(
        dict(
            keypoints_2d=np.zeros((44, 3), np.float32),
            keypoints_3d=np.zeros((44, 4), np.float32),
            center=np.array([30.0, 20.0]),
            scale=np.array([0.1, 0.1]),
            body_pose=vectors(24).reshape(72).astype(np.float32),
            betas=np.arange(10.0).astype(np.float32),
            has_body_pose=np.float32(1),
            has_betas=np.float32(1),
            extra_info=dict(name='a'),
        ),
        **fields,
    )


def tar_of(path, entries):
    with tarfile.open(path, 'w') as tar:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def png(value):
    return cv2.imencode('.png', np.full((40, 60, 3), value, np.uint8))[1].tobytes()


class Python2(pickle._Pickler):
    """Writes texts and bytes as Python 2 did: neither has a type of its own."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_raw(self, value):
        value = value.encode('latin1') if isinstance(value, str) else value
        self.write(b'T' + struct.pack('<i', len(value)) + value)

    dispatch[str] = dispatch[bytes] = save_raw


def python_2(content):
    file = io.BytesIO()
    Python2(file, protocol=2).dump(content)
    return file.getvalue().replace(b'numpy._core', b'numpy.core')
