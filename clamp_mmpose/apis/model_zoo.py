from pathlib import Path
from typing import NamedTuple, Optional

import yaml

PACKAGE = Path(__file__).resolve().parents[1]


class ZooEntry(NamedTuple):
    """One model of a ``metafile.yml``: its config, and its weights where they are published."""

    name: str
    config: str
    weights: Optional[str]


def configs_root() -> Path:
    """The folder that holds ``configs`` and ``model-index.yml``: the checkout, or ``.mim`` of an installed package."""
    for root in (PACKAGE.parent, PACKAGE / '.mim'):
        if (root / 'model-index.yml').is_file():
            return root
    raise FileNotFoundError(
        f'model-index.yml was found neither in {PACKAGE.parent} nor in {PACKAGE / ".mim"}: install clamp_mmpose again.'
    )


def find_model(alias: str) -> Optional[ZooEntry]:
    """Look a model up by the name or alias its ``metafile.yml`` gives it; None where it is none of ours."""
    root = configs_root()
    for metafile in yaml.safe_load((root / 'model-index.yml').read_text())['Import']:
        for model in yaml.safe_load((root / metafile).read_text())['Models']:
            aliases = model.get('Alias', [])
            if alias == model['Name'] or alias in ([aliases] if isinstance(aliases, str) else aliases):
                return ZooEntry(model['Name'], str(root / model['Config']), model.get('Weights'))
    return None
