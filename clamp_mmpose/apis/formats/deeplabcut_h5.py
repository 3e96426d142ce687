"""Predictions as the HDF5 file of DeepLabCut."""

import io
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import numpy as np

from clamp_mmpose.utils.files import atomic_write

from .deeplabcut_csv import deeplabcut_table
from .extra import load_extra
from .predicted_frames import PredictedFrame, Skeleton

KEY = 'df_with_missing'  # where DeepLabCut looks


def write_deeplabcut_h5(frames: Sequence[PredictedFrame], skeleton: Skeleton, path: Path) -> None:
    """Write the table of :func:`deeplabcut_table` as HDF5, which ``pandas.read_hdf`` reads as DeepLabCut does.

    It has the layout of pandas' format 'fixed', written without pandas and PyTables; unlike theirs, no attribute holds
    a pickle.
    """
    table = deeplabcut_table(frames, skeleton, path.parent)
    content = io.BytesIO()
    with load_extra('h5py').File(content, 'w') as file:
        _describe(file, CLASS='GROUP', VERSION='1.0', PYTABLES_FORMAT_VERSION='2.1')
        group = file.create_group(KEY)
        _describe(group, CLASS='GROUP', VERSION='1.0', pandas_type='frame', encoding='UTF-8', errors='strict')
        group.attrs.update(ndim=2, nblocks=1)
        for axis in ('axis0', 'block0_items'):
            _write_columns(group, axis, table.levels, table.columns)
        if any(isinstance(entry, str) for entry in table.index):
            _describe(group.create_dataset('axis1', data=_bytes(table.index)), kind='string', nan_rep='nan')
        else:
            _describe(group.create_dataset('axis1', data=np.array(table.index, np.int64)), kind='integer')
        _describe(group, axis1_variety='regular')
        values = group.create_dataset('block0_values', data=table.values)
        values.attrs['transposed'] = np.uint8(1)
    atomic_write(path, content.getvalue())


def _write_columns(group: Any, axis: str, levels: Sequence[str], columns: List[Tuple[str, ...]]) -> None:
    """A pandas ``MultiIndex``: for each level its sorted values, and which of them each column has."""
    _describe(group, **{f'{axis}_variety': 'multi'})
    group.attrs[f'{axis}_nlevels'] = len(levels)
    for i, (level, names) in enumerate(zip(levels, zip(*columns))):
        values = sorted(set(names))
        dataset = group.create_dataset(f'{axis}_level{i}', data=_bytes(values))
        _describe(dataset, kind='string', name=level, nan_rep='nan', **{f'{axis}_name{level}': level})
        group.create_dataset(f'{axis}_label{i}', data=np.array([values.index(name) for name in names], np.int32))


def _bytes(values: Sequence[Any]) -> np.ndarray:
    return np.array([str(value).encode() for value in values])


def _describe(target: Any, **texts: str) -> None:
    """Add attributes as text of a fixed length, which PyTables tells from bytes."""
    string_dtype = load_extra('h5py').string_dtype
    for key, text in texts.items():
        target.attrs.create(key, text.encode(), dtype=string_dtype('utf-8', len(text.encode())))
