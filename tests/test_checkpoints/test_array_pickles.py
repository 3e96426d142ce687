"""Pickles of arrays of all protocols: the same values as by pickle, and nothing is run."""

import os
import pickle

import numpy as np
import pytest

from clamp_mmpose.checkpoints.array_pickles import load_array_pickle

CONTENT = dict(
    poses=[np.arange(12.0).reshape(3, 4), np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))],
    genders=['m', 'f'],
    number=np.float64(3.5),
    names=np.array(['ab', 'c']),
    flags=np.array([True, False]),
    empty=np.zeros((0, 3)),
    big=np.array([1, 258], '>i4'),
)
# {'poses': [array([[1., 2.]])], 'name': 'a\xe9'} as Python 2 wrote it with protocol 2
PYTHON_2 = (
    b'\x80\x02}q\x00(U\x05posesq\x01]q\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q'
    b'\x05U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x01K\x02\x86q\tcnumpy\ndtype\nq\nU\x02f8q\x0bK\x00K\x01\x87q\x0cRq\r(K\x03'
    b'U\x01<q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x10\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00'
    b'\x00\x00\x00\x00@q\x10tq\x11baU\x04nameq\x12U\x02a\xe9q\x13u.'
)


class Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('protocol', range(6))
def test_protocols(protocol):
    found = load_array_pickle(pickle.dumps(CONTENT, protocol), 'x')
    for given, read in zip(CONTENT['poses'], found['poses']):
        assert read.dtype == given.dtype and np.array_equal(read, given)
    assert found['number'] == 3.5 and found['genders'] == ['m', 'f']
    for name in ('names', 'flags', 'empty', 'big'):
        assert found[name].shape == CONTENT[name].shape and np.array_equal(found[name], CONTENT[name])
    # what NumPy saves of a dict is an array of one object
    held = np.array([dict(x=np.ones(2)), None], dtype=object)
    one, none = load_array_pickle(pickle.dumps(held, protocol), 'x')
    assert one['x'].tolist() == [1, 1] and none is None


def test_python_2():
    found = load_array_pickle(PYTHON_2, 'x')
    assert found['poses'][0].tolist() == [[1.0, 2.0]] and found['name'] == 'a\xe9'


@pytest.mark.parametrize('protocol', range(6))
def test_code_does_not_run(tmp_path, protocol):
    for value in (Runs(tmp_path / 'ran'), np.array([Runs(tmp_path / 'ran')], dtype=object)):
        with pytest.raises(ValueError, match=r'file x was refused, and nothing in it was executed.*posix.system'):
            load_array_pickle(pickle.dumps(value, protocol), 'file x')
    assert not (tmp_path / 'ran').exists()


def test_damaged():
    content = pickle.dumps(CONTENT)
    for wrong in (content[:-20], b'', b'text', content.replace(b'_reconstruct', b'_reconstrucX')):
        with pytest.raises(ValueError, match=r'file x (cannot be read|was refused)'):
            load_array_pickle(wrong, 'file x')
    with pytest.raises(ValueError, match=r'^file x cannot be read \(it is no pickle, or damaged\)\.$'):
        load_array_pickle(b'\xff\xd8\xff\xe0', 'file x')
