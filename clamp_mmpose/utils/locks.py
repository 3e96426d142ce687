"""Locks of open files, free again when the process ends, however it ends."""

import os
from typing import IO

if os.name == 'nt':
    import msvcrt

    def lock_file(file: IO) -> None:
        """Lock the file against other processes, or raise BlockingIOError or PermissionError at once."""
        place = file.tell()
        file.seek(2**30)  # not where the text is, which others may read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(place)

    lock_file_of_process = lock_file
else:
    import fcntl

    def lock_file(file: IO) -> None:
        """Lock the file against all that open it too, or raise BlockingIOError at once."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_file_of_process(file: IO) -> None:
        """Lock the file against other processes, child processes included, or raise BlockingIOError or PermissionError.

        Unlike :func:`lock_file`, loader workers do not inherit it: they may outlive a killed training. It is lost when
        this process closes any file that it opened under the same path.
        """
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
