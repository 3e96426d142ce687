"""Where outputs of the published code are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# later folders win: the fixtures in the repository, a full set next to it, the one from the environment
PARITY = [ROOT / 'tests/data/parity', ROOT.parent / 'shared/parity']
if 'CLAMP_MMPOSE_PARITY' in os.environ:
    PARITY.append(Path(os.environ['CLAMP_MMPOSE_PARITY']))


def parity_folder(name: str) -> Path:
    """The folder or file of a set; it may be absent."""
    return next((folder / name for folder in reversed(PARITY) if (folder / name).exists()), PARITY[0] / name)
