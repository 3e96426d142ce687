"""Packaging that pyproject.toml cannot do: copy the files that MIM uses into ``clamp_mmpose/.mim``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_CONTENT = ('configs', 'tools', 'model-index.yml')
# toy configs need data that demos/ draws, and demos/ is not in the wheel
EXCLUDED = ('__pycache__', 'toy*')


class BuildWithMim(build_py):
    """Copy the files into the built package (with an editable install, MIM reads them from the checkout)."""

    def run(self):
        super().run()
        if getattr(self, 'editable_mode', False):
            return
        target = Path(self.build_lib) / 'clamp_mmpose' / '.mim'
        for name in MIM_CONTENT:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*EXCLUDED))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target / name)


setup(cmdclass=dict(build_py=BuildWithMim))
