"""Reads pickles of arrays, Python 2's too, as body models and data sets are shipped, without executing code in them."""

import io
import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, Tuple, Union

import numpy as np
from scipy.sparse import csc_matrix

from .pickles import MAX_VALUES, MMENGINE_GLOBALS, RestrictedUnpickler, _Array, _Dtype, _expanded_size


class _Sparse:
    """Replaces ``scipy.sparse.csc_matrix``."""

    def __setstate__(self, state: dict) -> None:
        self.state = state


class ChumpyNode:
    """An object of chumpy, whose code is never loaded: the name of its class and its state."""

    name = ''

    def __setstate__(self, state: dict) -> None:
        self.state = state


class _AnyDtype(_Dtype):
    """Also that of objects, such as the dicts that NumPy puts into an array to save them."""

    def __init__(self, code: str, align: bool = False, copy: bool = False):
        self.objects = code in ('O', 'O4', 'O8')
        super().__init__('b1' if self.objects else code)


class _AnyArray(_Array):
    """Also one of objects; ``value`` is then a list."""

    def __setstate__(self, state: tuple) -> None:
        version, shape, dtype, fortran, data = state
        if type(dtype) is not _AnyDtype:
            raise pickle.UnpicklingError('GLOBAL numpy.ndarray without a dtype')
        if dtype.objects:
            if type(data) is not list:  # bytes would be pointers
                raise pickle.UnpicklingError("GLOBAL numpy.dtype('O') of bytes")
            self.value: Any = data
            return
        plain = _Dtype('b1')
        plain.value = dtype.value
        super().__setstate__((version, shape, plain, fortran, bytes(data) if type(data) is bytearray else data))


def _reconstruct(kind: type, shape: Any, code: Any) -> _AnyArray:
    if kind is not _AnyArray:
        raise pickle.UnpicklingError(f'GLOBAL numpy array of type {kind!r:.40}')
    return _AnyArray()


def _scalar(dtype: _AnyDtype, data: Any) -> np.generic:
    array = _AnyArray()
    array.__setstate__((1, (), dtype, False, data))
    return array.value[()]


def _frombuffer(data: Any, dtype: _AnyDtype, shape: tuple, order: str) -> _AnyArray:
    """How protocol 5 writes arrays."""
    array = _AnyArray()
    array.__setstate__((1, shape, dtype, order == 'F', data))
    return array


def _new_object(kind: type, base: type, state: None) -> Any:
    """``copyreg._reconstructor``, which pickle protocols 0 and 1 write."""
    if kind is not _Sparse and not (isinstance(kind, type) and issubclass(kind, ChumpyNode)):
        raise pickle.UnpicklingError(f'GLOBAL copyreg._reconstructor of {kind!r:.40}')
    return kind()


CHUMPY_ARRAYS = ('chumpy.ch.Ch', 'chumpy.reordering.Select')
ARRAY_GLOBALS: Dict[str, Any] = {
    'numpy.ndarray': _AnyArray,
    'numpy.dtype': _AnyDtype,
    **{
        f'numpy.{core}.{name}': function
        for core in ('core', '_core')
        for name, function in (
            ('multiarray._reconstruct', _reconstruct),
            ('multiarray.scalar', _scalar),
            ('numeric._frombuffer', _frombuffer),
        )
    },
    **{name: MMENGINE_GLOBALS[name] for name in ('_codecs.encode', 'builtins.bytes')},
    'collections.OrderedDict': OrderedDict,
    'builtins.set': set,
    'builtins.object': object,
    'copyreg._reconstructor': _new_object,
    'scipy.sparse.csc.csc_matrix': _Sparse,
    'scipy.sparse._csc.csc_matrix': _Sparse,
}


class _ArrayUnpickler(RestrictedUnpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, encoding='latin1')
        self.nodes: Dict[str, type] = {}

    @property
    def stateful(self) -> Tuple[type, ...]:
        return (_AnyDtype, _AnyArray, _Sparse, *self.nodes.values())

    def known(self) -> Dict[str, Any]:
        return {**ARRAY_GLOBALS, **self.nodes} if self.nodes else ARRAY_GLOBALS

    def find_class(self, module: str, name: str) -> Any:
        if module.split('.')[0] == 'chumpy':
            full = f'{module}.{name}'
            self.nodes.setdefault(full, type('ChumpyNode', (ChumpyNode,), dict(name=full)))
        return super().find_class(module, name)


def read_array_pickle(path: Union[str, Path], what: str) -> Any:
    """Read a pickle of arrays, numbers, strings, lists and dicts without executing code in it.

    Args:
        path: of any pickle protocol; Python 2's strings are read as latin1.
        what: the kind of file, for the errors.

    Returns:
        see :func:`load_array_pickle`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or names anything else, which is not loaded.
    """
    return load_array_pickle(Path(path).read_bytes(), f'{what} {path}')


def load_array_pickle(content: bytes, what: str) -> Any:
    """Read the bytes of a pickle, see :func:`read_array_pickle`.

    Args:
        what: the kind of file and its path, for the errors.

    Returns:
        the content, with sparse matrices of scipy, and arrays instead of chumpy's ``Ch`` and ``Select``; other objects
        of chumpy stay a :class:`ChumpyNode`. An array of objects is a list.

    Raises:
        ValueError: see :func:`read_array_pickle`.
    """
    try:
        found = _plain(_ArrayUnpickler(io.BytesIO(content)).load(), {})
        if _expanded_size(found, {}) > MAX_VALUES:
            raise ValueError(f'a list contains itself, or shared lists expand to more than {MAX_VALUES:,} values')
        return found
    except Exception as error:  # damaged bytes raise errors of any kind
        refused = re.search(r'GLOBAL (.+)', str(error))
        if refused is None:
            unknown = isinstance(error, KeyError) and isinstance(error.args[0], int)  # a byte that is no instruction
            why = 'it is no pickle, or damaged' if unknown else f'{type(error).__name__}: {error!s:.80}'
            raise ValueError(f'{what} cannot be read ({why}).') from error
        raise ValueError(
            f'{what} was refused, and nothing in it was executed: it holds more than arrays and plain values '
            f'({refused[1]}).'
        ) from error


def _plain(value: Any, done: Dict[int, tuple]) -> Any:
    """The content with arrays instead of the classes that replaced them."""
    if id(value) in done:
        return done[id(value)][1]
    result = value
    if isinstance(value, (_Array, _Dtype)):
        result = _plain(value.value, done)  # a list for an array of objects
    elif type(value) is tuple:
        result = tuple(_plain(item, done) for item in value)
    elif type(value) is _Sparse:
        result = _sparse(_plain(value.state, done))
    elif isinstance(value, ChumpyNode):
        result = _chumpy(value, _plain(value.state, done))
    done[id(value)] = value, result  # the value too: an id is reused after its object is gone
    if type(value) in (dict, OrderedDict):
        for key in value:
            value[key] = _plain(value[key], done)
    elif type(value) is list:
        value[:] = [_plain(item, done) for item in value]
    return result


def _sparse(state: dict) -> csc_matrix:
    matrix = csc_matrix((state['data'], state['indices'], state['indptr']), shape=state['_shape'])
    matrix.check_format(full_check=True)
    return matrix


def _chumpy(node: ChumpyNode, state: dict) -> Any:
    source = dict(zip(CHUMPY_ARRAYS, 'xa')).get(node.name)
    if source is None or isinstance(state[source], ChumpyNode):  # an operation, or something made from one
        return node if source is None else state[source]
    array = np.asarray(state[source])
    return array if source == 'x' else array.ravel()[state['idxs']].reshape(state['preferred_shape'])
