from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint

from .clip import load_from_clip
from .reader import load_from_http, load_from_local


def register_safe_loaders() -> None:
    """Make MMEngine read checkpoints without executing code, and add ``clip://`` for the CLIP towers."""
    CheckpointLoader.register_scheme('', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(('http://', 'https://'), loader=load_from_http, force=True)
    CheckpointLoader.register_scheme('clip://', loader=load_from_clip, force=True)
    # the loaders of "torchvision://" and "open-mmlab://" call this function of MMEngine's module
    mmengine_checkpoint.load_from_http = load_from_http
