"""Find models by their names in the metafiles, and configs by path or name."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Union

from mmengine.config import Config

from clamp_mmpose.utils.files import read_yaml

PACKAGE = Path(__file__).resolve().parents[1]
REMEDY = 'install clamp_mmpose again'


class ZooEntry(NamedTuple):
    """One model of a ``metafile.yml``: its names, its config, and its weights if they are published."""

    name: str
    aliases: List[str]
    config: str
    weights: Optional[str]


def configs_root() -> Path:
    """The folder that holds ``configs`` and ``model-index.yml``: the checkout, or ``.mim`` of an installed package."""
    for root in (PACKAGE.parent, PACKAGE / '.mim'):
        if (root / 'model-index.yml').is_file():
            return root
    raise FileNotFoundError(
        f'model-index.yml was found neither in {PACKAGE.parent} nor in {PACKAGE / ".mim"}: {REMEDY}.'
    )


def model_zoo() -> Iterator[ZooEntry]:
    """Every model of the metafiles."""
    root = configs_root()
    for metafile in read_yaml(root / 'model-index.yml', 'model index', REMEDY)['Import']:
        for model in read_yaml(root / metafile, 'metafile', REMEDY)['Models']:
            aliases = model.get('Alias', [])
            aliases = [aliases] if isinstance(aliases, str) else aliases
            yield ZooEntry(model['Name'], aliases, str(root / model['Config']), model.get('Weights'))


def find_model(alias: str) -> Optional[ZooEntry]:
    """Find a model by its name or alias in a ``metafile.yml``; None if this package has none of that name."""
    return next((entry for entry in model_zoo() if alias in (entry.name, *entry.aliases)), None)


def find_config(config: Union[str, Path]) -> Path:
    """The config file of a path, or of a model's name or alias.

    Raises:
        FileNotFoundError: neither exists, or the path is a folder; the message lists similar names.
    """
    path = Path(os.path.expanduser(config))  # Path.expanduser fails for an unknown user
    if os.path.isfile(path):  # Path.is_file fails for a name that is too long
        return path
    entry = find_model(str(config))
    if entry is not None:
        return Path(entry.config)
    if os.path.isdir(path):
        inside = ', '.join(map(str, sorted(path.glob('*.py'))[:3]))
        raise FileNotFoundError(
            f'config {config} is a folder: give a config file (.py), or the name of a model'
            + (f'; it holds {inside}.' if inside else '.')
        )
    near = _near_matches(path)
    raise FileNotFoundError(
        f'config {config} does not exist (looked in {Path.cwd()}) and no model has this name'
        + (f'; similar: {", ".join(near)}.' if near else '.')
    )


def read_config(config: Union[str, Path], options: Optional[dict] = None) -> Config:
    """Read the config of a path, name or alias and override settings, as ``--cfg-options`` does.

    Raises:
        FileNotFoundError: there is no such config.
        ValueError: the file is not a Python config, is empty, or has an error, which the message names.
    """
    path = find_config(config)
    if path.suffix != '.py':
        hint = ' (a checkpoint comes after the config)' if path.suffix in ('.pth', '.pt', '.safetensors') else ''
        raise ValueError(f'config {path} is not a config: expected a Python file, .py{hint}.')
    try:
        cfg = Config.fromfile(str(path))
    except (Exception, SystemExit) as error:  # a config is code, which can raise anything
        raise ValueError(f'config {path} cannot be read: {type(error).__name__}: {error}') from error
    if not cfg:
        raise ValueError(f'config {path} is empty: expected settings such as model and train_dataloader.')
    try:
        cfg.merge_from_dict(options or {})
    except Exception as error:  # MMEngine raises errors of many kinds
        given = ', '.join(f'{key}={value!r}' for key, value in (options or {}).items())
        raise ValueError(f'{given} cannot be set in config {path}: {type(error).__name__}: {error}') from error
    return cfg


def _near_matches(path: Path, number: int = 3) -> List[str]:
    """Files in the same folder, and models with their files, that have a similar name."""
    similar = {file.stem.lower(): [str(file)] for file in path.parent.glob('*.py') if file.is_file()}
    for entry in model_zoo():
        for name in (entry.name, *entry.aliases):
            similar.setdefault(name.lower(), []).append(f'{name} ({Path(entry.config).relative_to(configs_root())})')
    stem = path.name.lower()
    stem = stem[: -len('.py')] if stem.endswith('.py') else stem
    near = get_close_matches(stem, similar, number) or [name for name in similar if stem and stem in name][:number]
    return [match for name in near for match in similar[name]]
