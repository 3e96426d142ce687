"""Packaging. ``configs``, ``tools`` and ``model-index.yml`` travel in ``clamp_mmpose/.mim``, as MIM expects."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_CONTENT = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Copy what MIM looks for into the built package (an editable install reads it from the checkout)."""

    def run(self):
        super().run()
        if getattr(self, 'editable_mode', False):
            return
        target = Path(self.build_lib) / 'clamp_mmpose' / '.mim'
        for name in MIM_CONTENT:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target / name)


setup(
    name='clamp_mmpose',
    version=re.search(r"__version__ = '(.+)'", (ROOT / 'clamp_mmpose/__init__.py').read_text())[1],
    description='Pose estimation that reads: CLAMP and its kin as an MMPose plugin',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=('clamp_mmpose', 'clamp_mmpose.*')),
    package_data={'clamp_mmpose.language': ['texts/*.yml']},
    cmdclass=dict(build_py=BuildWithMim),
    python_requires='>=3.9',
    # mmcv, mmpose and mmengine are deliberately absent: a project that has them keeps exactly what it has.
    # A fresh machine takes them from requirements.txt (see the Makefile).
    install_requires=['open_clip_torch>=2.30', 'numpy', 'pyyaml', 'timm>=1.0.3'],
    extras_require=dict(
        app=['gradio>=6.31,<7'],
        export=['onnx', 'onnxruntime', 'onnxscript'],
        text=['transformers>=4.40', 'safetensors'],
    ),
    zip_safe=False,
)
