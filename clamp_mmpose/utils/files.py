import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """All of a file or nothing, also if two processes write it or one is killed; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
