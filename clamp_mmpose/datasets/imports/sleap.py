"""Projects of SLEAP (Pereira et al., Nature Methods 2022), ``.slp``, read by sleap-io."""

from collections import Counter
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from .project import LabeledImage, LabeledInstance, LabeledProject, ReadOptions


def is_sleap(source: Path) -> bool:
    if source.is_dir():
        return any(source.glob('*.slp'))
    return source.is_file() and source.suffix.lower() == '.slp'


def read_sleap(source: Path, options: ReadOptions) -> LabeledProject:
    """Read the labels of people, and of models if ``options.predictions``.

    sleap-io moves the coordinates of files before format 1.1, which count from the corner of a pixel, by half a pixel.

    Raises:
        ImportError: sleap-io is not installed.
        ValueError: the file is damaged or has no skeleton.
    """
    if source.is_dir():
        files = sorted(source.glob('*.slp'))
        if len(files) != 1:
            listed = ', '.join(file.name for file in files) or 'none'
            raise ValueError(f'{source} must have one .slp file, found {listed:.160}: give the file.')
        source = files[0]
    sio = sleap_io('.slp files')
    try:
        labels = sio.load_slp(str(source))
    except Exception as error:  # h5py's and sleap-io's own, of many kinds
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise ValueError(f'{source} cannot be read by sleap-io ({reason:.160}): save it again with SLEAP.') from error
    notes: List[str] = []
    skeleton = _skeleton(labels, notes)
    if skeleton is None:
        raise ValueError(f'{source} has no skeleton: define one and label frames in SLEAP.')
    names = [str(name) for name in skeleton.node_names]
    images, predicted = [], 0
    videos = _Videos(labels.videos, [source.parent, *options.image_folders])
    for frame in labels.labeled_frames:
        own = [instance for instance in frame.user_instances if instance.skeleton is skeleton]
        predicted += bool(frame.predicted_instances and not own)
        if options.predictions:
            own += [instance for instance in frame.unused_predictions if instance.skeleton is skeleton]
        instances = [
            LabeledInstance(instance.numpy(), track=instance.track.name if instance.track else None) for instance in own
        ]
        if instances or not frame.predicted_instances:
            images.append(videos.image(frame.video, int(frame.frame_idx), instances))
    if predicted and not options.predictions:
        notes.append(f'{predicted:,} frames with predictions only left out (--predictions takes them as labels)')
    links = [(int(start), int(end)) for start, end in skeleton.edge_inds]
    swaps = [tuple(sorted(names.index(node.name) for node in pair.nodes)) for pair in skeleton.symmetries]
    return LabeledProject(
        'sleap',
        names,
        images,
        links,
        [(pair[0], pair[1]) for pair in swaps] or None,
        notes=notes,
        folders=[source.parent],
    )


def sleap_io(what: str) -> Any:
    """The package, or an error that names the extra."""
    try:
        import sleap_io as sio
    except ImportError as error:
        raise ImportError(f"{what} need sleap-io: pip install 'clamp_mmpose[io]'") from error
    return sio


def open_frame(file: str, frame: int, folder: Path) -> LabeledImage:
    """A frame of a video, which may lie in ``folder``."""
    return _Videos([], [folder]).image(_video(file), frame, [])


@lru_cache(maxsize=64)
def _video(file: str) -> Any:
    return sleap_io('videos').Video(file)


def _skeleton(labels: Any, notes: List[str]) -> Optional[Any]:
    """The skeleton that most instances have."""
    counts = Counter(id(instance.skeleton) for frame in labels.labeled_frames for instance in frame.instances)
    skeletons = [skeleton for skeleton in labels.skeletons if len(skeleton.nodes)]
    if not skeletons:
        return None
    chosen = max(skeletons, key=lambda skeleton: counts[id(skeleton)])
    others = sum(count for key, count in counts.items() if key != id(chosen))
    if others:
        notes.append(f'{others:,} instances of other skeletons than {chosen.name or chosen.node_names} left out')
    return chosen


class _Videos:
    """The frames of videos, image lists and frames that are stored in the ``.slp`` file."""

    def __init__(self, videos: Sequence[Any], folders: Sequence[Path]):
        self.folders = folders
        stems = [_stem(_name(video)) for video in videos]
        # two videos of the same name are told apart by their number
        self.places = {
            id(video): stem if stems.count(stem) == 1 else f'{stem}_{i}'
            for i, (video, stem) in enumerate(zip(videos, stems))
        }
        self.shapes: Dict[int, Optional[Tuple[int, int]]] = {}

    def image(self, video: Any, frame: int, instances: List[LabeledInstance]) -> LabeledImage:
        name = _name(video)
        place = self.places.get(id(video), _stem(name))
        if isinstance(video.filename, list):  # images
            path = Path(video.filename[frame])
            file = PureWindowsPath(path).name
            return LabeledImage(f'{place}/{file}', path, instances, video=place, frame=frame)
        image = LabeledImage(
            f'{place}/frame_{frame:06}.png', None, instances, video=PureWindowsPath(name).name, frame=frame
        )
        size = self._size(video)
        if size is not None:
            image.width, image.height = size
            image.pixels = lambda: _pixels(video, frame)
        return image

    def _size(self, video: Any) -> Optional[Tuple[int, int]]:
        """Width and height, None if the video cannot be read; it may be in another folder than the file says."""
        if id(video) not in self.shapes:
            if not _opens(video):
                name = PureWindowsPath(str(video.filename)).name
                found = next((folder / name for folder in self.folders if (folder / name).is_file()), None)
                if found is not None:
                    video.replace_filename(str(found))
            self.shapes[id(video)] = (int(video.shape[2]), int(video.shape[1])) if _opens(video) else None
        return self.shapes[id(video)]


def _opens(video: Any) -> bool:
    try:
        return bool(video.exists()) and video.shape is not None
    except Exception:  # of the reader of the video
        return False


def _name(video: Any) -> str:
    """Of the file; of frames stored in the project, that of the video that they are from."""
    origin = getattr(video, 'source_video', None) or video
    name = origin.filename
    return str(Path(name[0]).parent) if isinstance(name, list) else str(name)


def _stem(name: str) -> str:
    file = PureWindowsPath(name).name
    return file.rsplit('.', 1)[0] if '.' in file else file or 'images'


def _pixels(video: Any, frame: int) -> np.ndarray:
    try:
        image = np.asarray(video[frame])
    except Exception as error:  # of the reader of the video
        raise ValueError(f'frame {frame} of {_name(video)} cannot be decoded: {error!s:.80}') from error
    image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)
