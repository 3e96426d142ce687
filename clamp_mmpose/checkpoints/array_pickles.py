"""Reads pickles of arrays, Python 2's too, as body models and data sets are shipped, without executing code in them."""

import io
import pickle
import re
from pathlib import Path
from typing import Any, Dict, Tuple, Union

import numpy as np
from scipy.sparse import csc_matrix

from .pickles import MMENGINE_GLOBALS, RestrictedUnpickler, _Array, _Dtype


class _Sparse:
    """Replaces ``scipy.sparse.csc_matrix``."""

    def __setstate__(self, state: dict) -> None:
        self.state = state


class ChumpyNode:
    """An object of chumpy, whose code is never loaded: the name of its class and its state."""

    name = ''

    def __setstate__(self, state: dict) -> None:
        self.state = state


def _new_object(kind: type, base: type, state: None) -> Any:
    """``copyreg._reconstructor``, which pickle protocols 0 and 1 write."""
    if kind is not _Sparse and not (isinstance(kind, type) and issubclass(kind, ChumpyNode)):
        raise pickle.UnpicklingError(f'GLOBAL copyreg._reconstructor of {kind!r:.40}')
    return kind()


CHUMPY_ARRAYS = ('chumpy.ch.Ch', 'chumpy.reordering.Select')
ARRAY_GLOBALS: Dict[str, Any] = {
    **{name: value for name, value in MMENGINE_GLOBALS.items() if name.split('.')[0] in ('numpy', '_codecs')},
    'builtins.bytes': MMENGINE_GLOBALS['builtins.bytes'],
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
        return (_Dtype, _Array, _Sparse, *self.nodes.values())

    def known(self) -> Dict[str, Any]:
        return {**ARRAY_GLOBALS, **self.nodes}

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
        the content, with sparse matrices of scipy, and arrays instead of chumpy's ``Ch`` and ``Select``; other objects
        of chumpy stay a :class:`ChumpyNode`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or names anything else, which is not loaded.
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        return _plain(_ArrayUnpickler(io.BytesIO(content)).load(), {})
    except Exception as error:  # damaged bytes raise errors of any kind
        found = re.search(r'GLOBAL (.+)', str(error))
        if found is None:
            raise ValueError(f'{what} {path} cannot be read ({type(error).__name__}: {error!s:.80}).') from error
        raise ValueError(
            f'{what} {path} was refused, and nothing in it was executed: it holds more than arrays and plain values '
            f'({found[1]}).'
        ) from error


def _plain(value: Any, done: Dict[int, tuple]) -> Any:
    """The content with arrays instead of the classes that replaced them."""
    if id(value) in done:
        return done[id(value)][1]
    result = value
    if type(value) in (_Array, _Dtype):
        result = value.value
    elif type(value) is tuple:
        result = tuple(_plain(item, done) for item in value)
    elif type(value) is _Sparse:
        result = _sparse(_plain(value.state, done))
    elif isinstance(value, ChumpyNode):
        result = _chumpy(value, _plain(value.state, done))
    done[id(value)] = value, result  # the value too: an id is reused after its object is gone
    if type(value) is dict:
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
