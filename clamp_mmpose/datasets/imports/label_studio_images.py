"""Where the image of a task of Label Studio lies."""

import re
from pathlib import Path, PurePosixPath
from typing import Any, Optional
from urllib.parse import parse_qs, unquote, urlsplit

from clamp_mmpose.datasets.files.images import is_image_name

from .project import LabeledImage

UPLOADED = re.compile(r'^[0-9a-f]{8}-')  # what Label Studio puts before the names of uploaded files


def task_image(task: dict, folder: Path) -> Optional[LabeledImage]:
    """The image of a task: an upload, a file of a local storage, an address, or a frame that sleap-io wrote."""
    data = task.get('data', task)
    values = [data.get(key) for key in ('image', 'img', 'image_url', 'url')] + list(data.values())
    address = next((value for value in values if isinstance(value, str) and _looks_like_image(value)), None)
    frame = (task.get('meta') or {}).get('video') if isinstance(task.get('meta'), dict) else None
    if address is None and isinstance(frame, dict):
        name, index = frame.get('filename'), frame.get('frame_idx')
        address = name[index] if isinstance(name, list) and isinstance(index, int) else name
        if not isinstance(address, str) or not is_image_name(address):
            return _frame(address, index, folder)
    if address is None:
        return None
    path = _path_of(address)
    file = Path(path)
    if '/local-files/' in address and not (folder / file).is_file():
        file = Path('/', path)  # the storage may start at the root of the file system
    name = path.lstrip('/')
    plain = UPLOADED.sub('', PurePosixPath(path).name)
    source = data.get('source') if isinstance(data.get('source'), dict) else {}
    return LabeledImage(
        plain if file.is_absolute() or 'data/upload/' in address else name,
        file if file.is_absolute() else folder / file,
        video=source.get('video'),
        frame=source.get('frame'),
        aliases=[name, PurePosixPath(path).name, plain],
    )


def _frame(name: Any, index: Any, folder: Path) -> Optional[LabeledImage]:
    if not isinstance(name, str) or not isinstance(index, int):
        return None
    from .sleap import open_frame

    return open_frame(name, index, folder)


def _looks_like_image(text: str) -> bool:
    return is_image_name(_path_of(text)) or '/local-files/' in text


def _path_of(address: str) -> str:
    """The path of an address: ``/data/local-files/?d=frames/a.png`` -> ``frames/a.png``."""
    parts = urlsplit(address.replace('\\', '/'))
    local = parse_qs(parts.query).get('d')
    if local:
        return local[0]
    if len(parts.scheme) > 1:  # not the letter of a drive
        path = unquote(parts.path)
        return path if parts.scheme == 'file' else path.lstrip('/')
    return unquote(address.replace('\\', '/')).split('?')[0]
