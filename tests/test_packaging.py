"""The wheel: its content, its requirements, and that it works without the checkout."""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    *('LICENSE', 'README.md', 'clamp_mmpose', 'clamp_mmpose_command.py', 'configs', 'model-index.yml'),
    *('pyproject.toml', 'setup.py', 'tools'),
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', out, source],
        check=True,
        capture_output=True,
    )
    (path,) = out.glob('*.whl')
    return zipfile.ZipFile(path)


def test_content(wheel):
    names = set(wheel.namelist())
    python = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'clamp_mmpose').rglob('*.py')}
    texts = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'clamp_mmpose').rglob('*.yml')}
    texts |= {path.relative_to(ROOT).as_posix() for path in (ROOT / 'clamp_mmpose').rglob('*.j2')}
    configs = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'configs').rglob('*.py')}
    toy = {name for name in configs if '/toy' in name}  # for the data of demos/, which is not in the wheel
    assert python | texts | {'clamp_mmpose/py.typed'} <= names and len(texts) >= 30
    for_mim = (configs - toy) | {'model-index.yml', 'tools/train.py'}
    assert {f'clamp_mmpose/.mim/{name}' for name in for_mim} <= names
    assert toy and not any('/toy' in name for name in names)
    top_level = {'clamp_mmpose', 'clamp_mmpose_command.py', 'clamp_mmpose-0.1.0.dist-info'}
    assert {name.split('/')[0] for name in names} == top_level
    scripts = wheel.read('clamp_mmpose-0.1.0.dist-info/entry_points.txt').decode()
    assert scripts.split() == ['[console_scripts]', 'clamp-mmpose', '=', 'clamp_mmpose_command:main']


def test_metadata(wheel):
    metadata = message_from_bytes(wheel.read('clamp_mmpose-0.1.0.dist-info/METADATA'))
    assert metadata['Name'] == 'clamp_mmpose' and metadata['License-Expression'] == 'Apache-2.0'
    needed = {line.split('<')[0].split('>')[0] for line in metadata.get_all('Requires-Dist') if 'extra' not in line}
    # a project's own builds of torch and the OpenMMLab packages are never replaced
    assert needed == {'ftfy', 'jinja2', 'numpy', 'open_clip_torch', 'pyyaml', 'roma', 'scipy', 'timm'}
    assert set(metadata.get_all('Provides-Extra')) == {
        *('app', 'body', 'docs', 'export', 'io', 'llm', 'text', 'texts', 'weights'),
    }


def test_works_without_the_checkout(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = (
        'import clamp_mmpose\n'
        'from mmengine.config import Config\n'
        'from clamp_mmpose.apis.model_zoo import find_model\n'
        "entry = find_model('clamp_vit-b_ap10k')\n"
        "print(clamp_mmpose.__file__, entry.config, Config.fromfile(entry.config).model.head.type, sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    package, config, head = done.stdout.splitlines()
    assert Path(package).parent == tmp_path / 'clamp_mmpose'
    assert Path(config) == tmp_path / 'clamp_mmpose/.mim/configs/clamp/ap10k/clamp_vit-b_ap10k.py'
    assert head == 'CLAMPHead'
