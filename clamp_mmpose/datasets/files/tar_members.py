"""Images inside tar files, read where they are: MMEngine reads ``tar://OFFSET+SIZE:PATH``."""

import re
from typing import Union

from mmengine.fileio import register_backend
from mmengine.fileio.backends import BaseStorageBackend

ADDRESS = re.compile(r'tar://(\d+)\+(\d+):(.+)', re.DOTALL)


def tar_address(path: str, offset: int, size: int) -> str:
    """The address of a member of a tar file that is not compressed.

    Args:
        offset, size: of its bytes in the file, ``offset_data`` and ``size`` of :class:`tarfile.TarInfo`.
    """
    return f'tar://{offset}+{size}:{path}'


class TarMembers(BaseStorageBackend):
    """Reads members of tar files by their addresses."""

    def get(self, filepath: str) -> bytes:
        """
        Raises:
            FileNotFoundError: the tar file does not exist.
            ValueError: not such an address, or the file is too short.
        """
        found = ADDRESS.fullmatch(str(filepath))
        if found is None:
            raise ValueError(f'{filepath} is no address of a member, tar://OFFSET+SIZE:PATH.')
        offset, size = int(found[1]), int(found[2])
        with open(found[3], 'rb') as file:
            file.seek(offset)
            content = file.read(size)
        if len(content) < size:
            raise ValueError(f'{found[3]} is too short for a member of {size:,} bytes at {offset:,}: copy it again.')
        return content

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> Union[str, bytes]:
        return self.get(filepath).decode(encoding)


register_backend('tar', TarMembers, prefixes='tar', force=True)
