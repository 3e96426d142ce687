"""Reads pickles of tensors and of MMEngine's training state without executing code in them."""

import io
import math
import pickle
import re
from _compat_pickle import IMPORT_MAPPING
from collections import Counter, OrderedDict
from types import ModuleType
from typing import Any, Callable, Dict, Tuple, Union

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.utils import digit_version
from torch import nn

TORCH_HAS_SAFE_GLOBALS = digit_version(torch.__version__) >= digit_version('2.6.0')
MAX_VALUES = 10_000_000  # after lists and dicts that are shared are written out
NUMBERS_AND_STRINGS = re.compile('[bui][1248]|b1|f(?:2|4|8|16)|[SU][0-9]{0,9}')


class _Dtype:
    """Replaces ``numpy.dtype``, whose state can make it read bytes as pointers to objects."""

    def __init__(self, code: str, align: bool = False, copy: bool = False):
        if not isinstance(code, str) or not NUMBERS_AND_STRINGS.fullmatch(code):
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype({code!r:.20})')
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        if state[1] in ('<', '>'):  # the rest follows from the code
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """Replaces ``numpy.ndarray``; ``value`` is the real one."""

    value: np.ndarray

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, data = state
        data = data.encode('latin1') if type(data) is str else data  # written by Python 2
        if type(dtype) is not _Dtype or type(data) is not bytes or len(data) != math.prod(shape) * dtype.value.itemsize:
            raise pickle.UnpicklingError('GLOBAL numpy.ndarray of objects or of another size')
        self.value = np.ndarray(shape, dtype.value, data, order='F' if fortran else 'C').copy(order='A')


class _History:
    """Replaces MMEngine's ``HistoryBuffer``, whose state replaces methods of the class."""

    def __setstate__(self, state: dict) -> None:
        self.arguments = state['_log_history'], state['_count_history'], state['max_length']


def _reconstruct(kind: type, shape: Any, code: Any) -> _Array:
    if kind is not _Array:
        raise pickle.UnpicklingError(f'GLOBAL numpy array of type {kind!r:.40}')
    return _Array()


def _scalar(dtype: _Dtype, data: bytes) -> np.generic:
    array = _Array()
    array.__setstate__((1, (), dtype, False, data))
    return array.value[()]


def _history_method(owner: type, name: str) -> str:
    """``getattr`` in a checkpoint: only the statistics of MMEngine's HistoryBuffer, which are not used."""
    if owner is _History and name in ('min', 'max', 'current', 'mean'):
        return name
    raise pickle.UnpicklingError(f'getattr of {name!r} on {owner!r}')


def _bytes(text: str, encoding: str) -> bytes:
    """Pickle protocol 2 stores bytes as an encoded string; PyTorch 2.6 and later read that themselves."""
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'GLOBAL _codecs.encode to {encoding!r}')
    return text.encode(encoding)


def _no_bytes() -> bytes:
    """Pickle protocol 2 stores the bytes of an empty array as a call; ``bytes(number)`` would fill the memory."""
    return b''


# names in the pickles of MMEngine's checkpoints, apart from tensors; NumPy 1 writes numpy.core, NumPy 2 numpy._core
MMENGINE_GLOBALS: Dict[str, Any] = {
    'builtins.getattr': _history_method,
    'mmengine.logging.history_buffer.HistoryBuffer': _History,
    'numpy.ndarray': _Array,
    'numpy.dtype': _Dtype,
    'numpy.core.multiarray._reconstruct': _reconstruct,
    'numpy._core.multiarray._reconstruct': _reconstruct,
    'numpy.core.multiarray.scalar': _scalar,
    'numpy._core.multiarray.scalar': _scalar,
    'builtins.set': set,
    'builtins.bytes': _no_bytes,
    '_codecs.encode': _bytes,
}


class RestrictedUnpickler(pickle._Unpickler):  # the version in Python, whose instructions can be replaced
    """Knows a list of names, calls nothing else, and gives a state only to the types of ``stateful``.

    For PyTorch before 2.6, whose ``weights_only`` does not accept further names, for TorchScript, and for pickle
    protocols that ``weights_only`` does not read.
    """

    stateful: Tuple[type, ...] = (OrderedDict, torch.Tensor, nn.Parameter, _Dtype, _Array, _History)
    dispatch: Dict[int, Callable] = dict(pickle._Unpickler.dispatch)

    def known(self) -> Dict[str, Any]:
        from torch._weights_only_unpickler import _get_allowed_globals

        # milestones of MMEngine's schedulers; newer versions of PyTorch allow it themselves
        return {'collections.Counter': Counter, **_get_allowed_globals(), **MMENGINE_GLOBALS}

    def find_class(self, module: str, name: str) -> Any:
        name = f'{IMPORT_MAPPING.get(module, module)}.{name}'  # protocol 2 writes __builtin__
        known = self.known()
        if name not in known:
            raise pickle.UnpicklingError(f'GLOBAL {name}')
        return known[name]

    def load_reduce(self) -> None:
        function = self.stack[-2]
        if not any(function is value for value in self.known().values()):
            raise pickle.UnpicklingError(f'GLOBAL {function!r:.60}')
        pickle._Unpickler.load_reduce(self)

    def load_build(self) -> None:
        if type(self.stack[-2]) not in self.stateful:
            raise pickle.UnpicklingError(f'GLOBAL {type(self.stack[-2]).__name__}.__setstate__')
        pickle._Unpickler.load_build(self)

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.BUILD[0]] = load_build


def load_pickle(file: Union[str, io.BytesIO], map_location: Any) -> Any:
    """Like ``torch.load``, without executing code.

    Raises:
        pickle.UnpicklingError: the pickle holds more than weights and training state.
        ValueError: a list contains itself, or shared lists expand to more than ``MAX_VALUES`` values.
    """
    content = real_objects(_load(file, map_location), {})
    if _expanded_size(content, {}) > MAX_VALUES:
        raise ValueError(f'a list contains itself, or its shared lists expand to more than {MAX_VALUES:,} values')
    return content


def _load(file: Union[str, io.BytesIO], map_location: Any) -> Any:
    if TORCH_HAS_SAFE_GLOBALS:
        allowed = [(value, name) for name, value in MMENGINE_GLOBALS.items()]
        with torch.serialization.safe_globals(allowed):
            try:
                return torch.load(file, map_location=map_location, weights_only=True)
            except pickle.UnpicklingError as error:  # of pickle protocols 3 to 5 too
                if 'Unsupported operand' not in str(error):
                    raise
    if isinstance(file, io.BytesIO):
        file.seek(0)
    restricted: Any = ModuleType('restricted_pickle')
    restricted.Unpickler = RestrictedUnpickler
    restricted.load = lambda stream, **kwargs: RestrictedUnpickler(stream, **kwargs).load()
    return torch.load(file, map_location=map_location, weights_only=False, pickle_module=restricted)


def _expanded_size(value: Any, sizes: Dict[int, float]) -> float:
    """The number of values after shared ones are written out; infinite for a list that contains itself."""
    if not isinstance(value, (dict, list, tuple)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = math.inf  # while its items are counted
        items = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_expanded_size(item, sizes) for item in items)
    return sizes[id(value)]


def real_objects(value: Any, done: Dict[int, tuple]) -> Any:
    """The content with arrays and histories instead of the classes that replaced them."""
    if id(value) in done:
        return done[id(value)][1]
    result = value
    if type(value) in (_Array, _Dtype):
        result = value.value
    elif type(value) is _History:
        log, count, length = (real_objects(argument, done) for argument in value.arguments)
        result = HistoryBuffer(log, count, length)
    elif type(value) is tuple:
        result = tuple(real_objects(item, done) for item in value)
    done[id(value)] = value, result  # the value too: an id is reused after its object is gone
    if type(value) in (dict, OrderedDict):
        for key in value:
            value[key] = real_objects(value[key], done)
    elif type(value) is list:
        value[:] = [real_objects(item, done) for item in value]
    return result
