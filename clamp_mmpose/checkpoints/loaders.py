from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint

from .clip import load_from_clip
from .package_weights import load_from_package
from .packages import SCHEME
from .reader import load_from_http, load_from_local, load_from_openmmlab, refuse_address


def register_safe_loaders() -> None:
    """Make MMEngine read checkpoints without executing code, and add ``clip://`` and ``package://``."""
    for prefixes, loader in (
        ('', load_from_local),
        (('http://', 'https://'), load_from_http),
        (('open-mmlab://', 'openmmlab://'), load_from_openmmlab),
        ((r'(\S+\:)?s3://', r'(\S+\:)?petrel://', 'pavi://'), refuse_address),
        ('clip://', load_from_clip),
        (SCHEME, load_from_package),
    ):
        CheckpointLoader.register_scheme(prefixes, loader=loader, force=True)
    # the loaders of "torchvision://" and "mmcls://" call this function of MMEngine's module
    mmengine_checkpoint.load_from_http = load_from_http
