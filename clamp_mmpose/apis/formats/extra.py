"""Packages of the extra 'io'."""

import importlib
from typing import Any


def load_extra(package: str) -> Any:
    """Import a package that only some formats need.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"this format needs {package}: pip install 'clamp_mmpose[io]' ({error}).") from error
