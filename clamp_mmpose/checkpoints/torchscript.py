"""Reads the weights of a TorchScript archive without running it.

``torch.jit.load`` runs the ``__setstate__`` of the archive's classes, which can write any file.
"""

import math
import pickle
import re
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from .pickles import RestrictedUnpickler

MAX_MODULES = 1_000_000  # a module may be shared, but not without end
MAX_EXPANDED = 2**12  # values of a tensor whose strides are 0
DTYPES = dict(
    Float=torch.float32,
    Double=torch.float64,
    Half=torch.float16,
    BFloat16=torch.bfloat16,
    Long=torch.int64,
    Int=torch.int32,
    Short=torch.int16,
    Char=torch.int8,
    Byte=torch.uint8,
    Bool=torch.bool,
    ComplexFloat=torch.complex64,
    ComplexDouble=torch.complex128,
)


class _Declared(NamedTuple):
    """What the code of a class says about its attributes."""

    parameters: Tuple[str, ...] = ()
    buffers: Tuple[str, ...] = ()


class _Object:
    """An object of a TorchScript class: only its state, its code is never run."""

    class_name = ''
    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Storage(NamedTuple):
    content: bytearray
    dtype: torch.dtype


def is_torchscript(path: Path) -> bool:
    """Whether ``torch.load`` would take the file for a TorchScript archive."""
    with path.open('rb') as file:
        if file.read(4) != b'PK\x03\x04':
            return False
    try:
        return 'constants.pkl' in torch._C.PyTorchFileReader(str(path)).get_all_records()
    except RuntimeError:  # damaged, which its reader reports
        return False


def read_torchscript(path: Path) -> Dict[str, Tensor]:
    """The parameters and buffers of a TorchScript archive, with the names of ``torch.jit.load(path).state_dict()``.

    Raises:
        pickle.UnpicklingError: it holds objects that only code can restore.
        ValueError, KeyError, zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        root = next(name for name in archive.namelist() if re.fullmatch('[^/]+/data.pkl', name))[: -len('data.pkl')]
        reader = _Reader(archive, root)
        with archive.open(f'{root}data.pkl') as file:
            module = _Unpickler(file, reader).load()
        if not isinstance(module, _Object):
            raise ValueError(f'data.pkl holds a {type(module).__name__} instead of a module')
        return OrderedDict(reader.weights(module, '', [0]))


class _Reader:
    """Storages and declarations of one archive."""

    def __init__(self, archive: zipfile.ZipFile, root: str):
        self.archive, self.root = archive, root
        self.names = set(archive.namelist())
        order = archive.read(f'{root}byteorder').decode() if f'{root}byteorder' in self.names else 'little'
        self.swap = order != sys.byteorder
        self.storages: Dict[str, bytearray] = {}
        self.files: Dict[str, Dict[str, _Declared]] = {}

    def storage(self, dtype: torch.dtype, key: str, numel: int) -> _Storage:
        if key not in self.storages:
            content = bytearray(self.archive.read(f'{self.root}data/{key}'))
            if self.swap and dtype.itemsize > 1:
                width = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
                content = bytearray(np.frombuffer(content, f'u{width}').byteswap().tobytes())
            self.storages[key] = content
        if len(self.storages[key]) != numel * dtype.itemsize:
            raise ValueError(f'data/{key} has {len(self.storages[key]):,} bytes instead of {numel} * {dtype.itemsize}')
        return _Storage(self.storages[key], dtype)

    def weights(self, module: _Object, prefix: str, count: list) -> Iterator[Tuple[str, Tensor]]:
        count[0] += 1
        if count[0] > MAX_MODULES:
            raise ValueError(f'more than {MAX_MODULES:,} modules')
        declared = self.declared(module.class_name)
        if declared is None:  # an object that is not a module
            return
        if not isinstance(module.state, dict):
            raise pickle.UnpicklingError(f'GLOBAL {module.class_name}.__setstate__')
        for names in (declared.parameters, declared.buffers):
            for name in names:
                value = module.state.get(name)
                if isinstance(value, Tensor):  # None: a bias that is switched off
                    yield prefix + name, value
        for name, value in module.state.items():
            if isinstance(value, _Object):
                yield from self.weights(value, f'{prefix}{name}.', count)

    def declared(self, class_name: str) -> Optional[_Declared]:
        module, _, name = class_name.rpartition('.')
        if module not in self.files:
            source = f'{self.root}code/{module.replace(".", "/")}.py'
            if source not in self.names:
                raise ValueError(f'the code of {class_name} is missing')
            self.files[module] = dict(_read_declarations(self.archive.read(source).decode(), module))
        return self.files[module].get(name)


def _read_declarations(source: str, module: str) -> Iterator[Tuple[str, _Declared]]:
    """What the classes of a source file declare; nothing is parsed beyond single lines."""
    for text in re.split(r'^class ', source, flags=re.MULTILINE)[1:]:
        name, kind = re.match(r'(\w*)(?:\((\w+)\))?', text).groups()
        if kind != 'Module':
            continue
        if re.search(r'^  def __setstate__\(', text, flags=re.MULTILINE):
            raise pickle.UnpicklingError(f'GLOBAL {module}.{name}.__setstate__')
        lists = (re.search(rf'^  __{key}__ = \[(.*)\]$', text, flags=re.MULTILINE) for key in _Declared._fields)
        yield name, _Declared(*(tuple(re.findall('"([^"]*)"', found[1])) if found else () for found in lists))


class _Unpickler(RestrictedUnpickler):
    """Objects of the archive's classes are :class:`_Object`, tensors are views of its storages."""

    def __init__(self, file: Any, reader: _Reader):
        super().__init__(file)
        self.reader = reader
        self.classes: Dict[str, type] = {}
        self.functions = {
            'collections.OrderedDict': OrderedDict,
            'torch.device': str,
            'torch._utils._rebuild_tensor_v2': _rebuild_tensor,
            'torch.jit._pickle.restore_type_tag': _first,
            **{f'torch.jit._pickle.build_{kind}list': _first for kind in ('int', 'double', 'bool', 'tensor')},
            **{f'torch.{kind}Storage': dtype for kind, dtype in DTYPES.items()},
        }

    @property
    def stateful(self) -> Tuple[type, ...]:
        return tuple(self.classes.values())

    def known(self) -> Dict[str, Any]:
        return self.functions

    def find_class(self, module: str, name: str) -> Any:
        if module.split('.')[0] != '__torch__' or module.startswith('__torch__.torch.classes'):
            return super().find_class(module, name)
        class_name = f'{module}.{name}'
        if class_name not in self.classes:
            self.classes[class_name] = type('_Object', (_Object,), dict(class_name=class_name))
        return self.classes[class_name]

    def persistent_load(self, pid: tuple) -> _Storage:
        kind, dtype, key, _, numel = pid
        if kind != 'storage' or not isinstance(dtype, torch.dtype) or type(numel) is not int:
            raise ValueError(f'unknown storage {pid!r:.80}')
        return self.reader.storage(dtype, str(key), numel)


def _first(value: Any, *_: Any) -> Any:
    return value


def _rebuild_tensor(
    storage: _Storage, offset: int, size: tuple, stride: tuple, _grad: Any, _hooks: Any, bits: Optional[dict] = None
) -> Tensor:
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError(f'a tensor of size {size!r:.60}, stride {stride!r:.60} and offset {offset!r:.20}')
    flat = (
        torch.frombuffer(storage.content, dtype=storage.dtype) if storage.content else torch.empty(0).to(storage.dtype)
    )
    numel = math.prod(size)
    last = offset + sum((side - 1) * step for side, step in zip(size, stride))
    if numel and (last >= len(flat) or numel > max(len(flat), MAX_EXPANDED)):
        raise ValueError(f'a tensor of size {size} and offset {offset} exceeds its storage of {len(flat):,} values')
    value = flat.as_strided(size, stride, offset) if numel else flat.new_empty(size)
    if numel > len(flat):  # an expanded constant
        value = value.clone(memory_format=torch.contiguous_format)
    return value.conj() if bits and bits.get('conj') else value
