"""Arrays of .npz files, without executing code."""

import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, List, Optional, Type, Union

import numpy as np
from numpy.lib import format as npy

from clamp_mmpose.checkpoints.array_pickles import load_array_pickle


class NpzArrays:
    """The arrays of a .npz file, which are read when they are asked for; a context manager.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not a .npz file.
    """

    def __init__(self, path: Union[str, Path], what: str):
        self.path, self.what = Path(path), what
        if not self.path.is_file():
            raise FileNotFoundError(f'{what} {path} not found (looked in {Path.cwd()}): check the path.')
        try:
            self.file = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f'{what} {path} is not a .npz file ({error}): copy or download it again.') from error
        self.names: List[str] = [name[:-4] for name in self.file.namelist() if name.endswith('.npy')]

    def __enter__(self) -> 'NpzArrays':
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.file.close()

    def array(self, name: str) -> np.ndarray:
        """An array of numbers or texts.

        Raises:
            ValueError: there is none of this name, it holds objects, or it is damaged.
        """
        if name not in self.names:
            raise ValueError(f'{self.what} {self.path} has no {name}, only {", ".join(self.names)}.')
        try:
            with self.file.open(f'{name}.npy') as member:
                return npy.read_array(member, allow_pickle=False)
        except ValueError as error:
            if 'bject arrays' in str(error):
                raise ValueError(
                    f'{self.what} {self.path}: {name} is an array of objects, a pickle, which may run code and is not '
                    'read: save it again as plain numbers or texts, such as with .astype(float) or .astype(str).'
                ) from error
            raise ValueError(f'{self.what} {self.path}: {name} cannot be read: {error}.') from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ValueError(f'{self.what} {self.path}: {name} is damaged ({error}): copy it again.') from error

    def object(self, name: str) -> Any:
        """The one object of an array of objects, such as a dict, see :func:`load_array_pickle`.

        Raises:
            ValueError: there is none of this name, or it holds more than arrays, numbers, texts, lists and dicts.
        """
        if name not in self.names:
            raise ValueError(f'{self.what} {self.path} has no {name}, only {", ".join(self.names)}.')
        what = f'{self.what} {self.path}: {name}'
        with self.file.open(f'{name}.npy') as member:
            try:
                version = npy.read_magic(member)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(member)
                pickled = member.read()
            except ValueError as error:
                raise ValueError(f'{what} cannot be read: {error}.') from error
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise ValueError(f'{what} is damaged ({error}): copy it again.') from error
            if shape != () or not dtype.hasobject:
                raise ValueError(f'{what} is an array of {dtype} {list(shape)}, expected one object.')
            content = load_array_pickle(pickled, what)
        if not isinstance(content, list) or len(content) != 1:
            raise ValueError(f'{what}: expected one object, got {content!r:.60}.')
        return content[0]
