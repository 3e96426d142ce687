"""DeepLabCut's tables in HDF5, which pandas writes in two layouts; read without pandas, so that nothing is unpickled.

pandas keeps the names of columns as pickles; only those of lists of strings are read, by their opcodes.
"""

import pickletools
from pathlib import Path
from typing import Any, List, Tuple

import numpy as np

Columns = List[Tuple[str, str, str, str]]
MARK = object()
MAX_NAMES = 100_000


def read_h5(path: Path) -> Tuple[Columns, List[str], np.ndarray]:
    """The columns (scorer, individual or '', body part, coordinate), the paths of the images, the values of a table.

    Raises:
        ValueError: the file is damaged, or not such a table.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("HDF5 files need h5py: pip install 'clamp_mmpose[io]'") from error
    try:
        with h5py.File(path, 'r') as file:
            group = next((group for group in file.values() if 'pandas_type' in group.attrs), None)
            if group is None:
                raise ValueError('no table of pandas')
            read = _read_frame_table if 'table' in group else _read_fixed
            columns, rows, values = read(group)
    except (OSError, KeyError, IndexError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise ValueError(
            f'{path} is not a table of labels of DeepLabCut ({reason:.120}): restore it, or give the CSV file.'
        ) from error
    used = [i for i, column in enumerate(columns) if column[-1] in ('x', 'y')]
    if not used:
        raise ValueError(f'{path} has no columns x and y.')
    return [columns[i] for i in used], rows, values[:, used]


def _read_fixed(group: Any) -> Tuple[Columns, List[str], np.ndarray]:
    """``df.to_hdf(format='fixed')``: levels of strings, and codes into them."""
    order = _axis(group, 'axis0')
    rows = _axis(group, 'axis1')
    values = np.full((len(rows), len(order)), np.nan)
    for block in range(int(group.attrs['nblocks'])):
        items, array = _axis(group, f'block{block}_items'), group[f'block{block}_values']
        content = np.asarray(array, float)
        content = content if array.attrs.get('transposed', 1) else content.T
        if content.shape != (len(rows), len(items)):
            raise ValueError(f'block {block} has the shape {content.shape}')
        for i, item in enumerate(items):
            values[:, order.index(item)] = content[:, i]
    names = [_text(group[f'axis0_level{i}'].attrs.get('name', b'')) for i in range(_levels(group, 'axis0'))]
    return [_column(item, names) for item in order], ['/'.join(row) for row in rows], values


def _levels(group: Any, axis: str) -> int:
    return int(group.attrs[f'{axis}_nlevels'])


def _axis(group: Any, axis: str) -> List[Tuple[str, ...]]:
    if _text(group.attrs.get(f'{axis}_variety', b'regular')) == 'regular':
        return [(_text(name),) for name in group[axis]]
    levels = []
    for i in range(_levels(group, axis)):
        level = [_text(name) for name in group[f'{axis}_level{i}']]
        levels.append([level[code] if code >= 0 else '' for code in group[f'{axis}_label{i}']])
    return list(zip(*levels))


def _read_frame_table(group: Any) -> Tuple[Columns, List[str], np.ndarray]:
    """``df.to_hdf(format='table')``: one row of a compound type for each image."""
    table = group['table']
    columns: List[Tuple[str, ...]] = []
    blocks = []
    for name in table.dtype.names:
        if name.startswith('values_block_'):
            columns += names_of_pickle(table.attrs[f'{name}_kind'])
            blocks.append(np.asarray(table[name], float).reshape(len(table), -1))
    values = np.concatenate(blocks, axis=1)
    if values.shape[1] != len(columns):
        raise ValueError(f'{values.shape[1]} columns of values, {len(columns)} names')
    names = (
        ['scorer', 'individuals', 'bodyparts', 'coords'] if len(columns[0]) == 4 else ['scorer', 'bodyparts', 'coords']
    )
    rows = [_text(row) for row in table['index']]
    return [_column(column, names) for column in columns], rows, values


def _column(item: Tuple[str, ...], names: List[str]) -> Tuple[str, str, str, str]:
    found = dict(zip(names, item))
    return found.get('scorer', ''), found.get('individuals', ''), found['bodyparts'], found['coords'].lower()


def names_of_pickle(content: bytes) -> List[Tuple[str, ...]]:
    """The strings of a pickled list of tuples of strings, by its opcodes; nothing is unpickled.

    Raises:
        ValueError: it holds anything else.
    """
    stack: List[Any] = []
    places = {}
    for opcode, argument, _ in pickletools.genops(bytes(content)):
        name = opcode.name
        if name in ('PROTO', 'FRAME'):
            continue
        if name == 'STOP':
            break
        if name == 'MARK':
            stack.append(MARK)
        elif name in ('UNICODE', 'BINUNICODE', 'SHORT_BINUNICODE', 'STRING', 'BINSTRING', 'SHORT_BINSTRING'):
            stack.append(str(argument))
        elif name in ('LIST', 'TUPLE'):
            start = len(stack) - 1 - stack[::-1].index(MARK)
            made: Any = stack[start + 1 :]
            stack[start:] = [tuple(made) if name == 'TUPLE' else made]
        elif name in ('EMPTY_LIST', 'EMPTY_TUPLE'):
            stack.append([] if name == 'EMPTY_LIST' else ())
        elif name in ('TUPLE1', 'TUPLE2', 'TUPLE3'):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name == 'APPEND':
            added = stack.pop()
            stack[-1].append(added)
        elif name == 'APPENDS':
            start = len(stack) - 1 - stack[::-1].index(MARK)
            stack[start - 1].extend(stack[start + 1 :])
            del stack[start:]
        elif name in ('PUT', 'BINPUT', 'LONG_BINPUT'):
            places[argument] = stack[-1]
        elif name == 'MEMOIZE':
            places[len(places)] = stack[-1]
        elif name in ('GET', 'BINGET', 'LONG_BINGET'):
            stack.append(places[argument])
        else:
            raise ValueError(f'the names of columns are pickled with {name}, which is not read')
        if len(stack) > MAX_NAMES:
            raise ValueError('too many names of columns')
    names = stack[-1] if stack else None
    if not isinstance(names, list) or not all(
        isinstance(name, tuple) and all(isinstance(level, str) for level in name) for name in names
    ):
        raise ValueError('the names of columns are not a list of strings')
    return names


def _text(value: Any) -> str:
    return value.decode('utf-8') if isinstance(value, bytes) else str(value)
