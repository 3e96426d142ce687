"""Weights out of packages: found without importing, checked by their hashes, unpacked."""

import hashlib
import io
import sys
import zipfile

import pytest
from mmengine.runner import CheckpointLoader

from clamp_mmpose.checkpoints import packages
from clamp_mmpose.checkpoints.packages import Package, local_source


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def archive():
    """A model of two files, and one that goes elsewhere."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        for name, content in (('config.json', '{}'), ('model.safetensors', 'weights'), ('../evil.json', 'evil')):
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch, archive):
    """Two packages that fail when they are imported; the hub folder is empty."""
    for module, name, content in (('plain_weights', 'a.gguf', b'plain'), ('zipped_weights', 'm.zip', archive)):
        (tmp_path / 'site' / module).mkdir(parents=True)
        (tmp_path / 'site' / module / '__init__.py').write_text('raise RuntimeError("imported")')
        (tmp_path / 'site' / module / name).write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path / 'site'))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    members = (('config.json', sha256(b'{}')), ('model.safetensors', sha256(b'weights')))
    known = dict(
        plain=Package('plain-weights==1.0', 'plain_weights', 'a.gguf', sha256(b'plain')),
        zipped=Package('zipped-weights==1.0', 'zipped_weights', 'm.zip', sha256(archive), members=members),
        absent=Package('absent-weights==2.5', 'absent_weights', 'a.pth', sha256(b'')),
    )
    monkeypatch.setattr(packages, 'PACKAGES', known)
    packages._checked_source.cache_clear()
    yield
    packages._checked_source.cache_clear()


def test_found_without_importing(tmp_path):
    assert local_source('package://plain') == str(tmp_path / 'site/plain_weights/a.gguf')
    assert 'plain_weights' not in sys.modules
    assert local_source('a/folder') == 'a/folder'


def test_hashed_once_in_a_process(monkeypatch):
    hashed, original = [], packages._sha256
    monkeypatch.setattr(packages, '_sha256', lambda file: hashed.append(file) or original(file))
    assert local_source('package://plain') == local_source('package://plain')
    assert len(hashed) == 1


@pytest.mark.parametrize('name, file', [('plain', 'plain_weights/a.gguf'), ('zipped', 'zipped_weights/m.zip')])
def test_another_hash_is_refused(tmp_path, name, file):
    path = tmp_path / 'site' / file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # same size, one bit
    message = rf'{path.name} was refused: expected SHA-256 {sha256(content)}, got {sha256(path.read_bytes())}\..*==1\.0'
    with pytest.raises(ValueError, match=message):
        local_source(f'package://{name}')
    assert not (tmp_path / 'torch').exists()
    path.unlink()
    with pytest.raises(ValueError, match='got no such file'):
        local_source(f'package://{name}')


def test_only_named_members_are_unpacked(tmp_path):
    folder = tmp_path / 'torch/hub/packages'
    found = local_source('package://zipped')
    assert [str(path) for path in folder.iterdir()] == [found]
    unpacked = {path.name: path.read_bytes() for path in (folder / found).iterdir()}
    assert unpacked == {'config.json': b'{}', 'model.safetensors': b'weights'}
    assert not list(tmp_path.rglob('evil.json'))


def test_a_member_with_another_hash_is_refused(tmp_path, monkeypatch):
    members = (('config.json', sha256(b'{}')), ('model.safetensors', sha256(b'other weights')))
    monkeypatch.setitem(packages.PACKAGES, 'zipped', packages.PACKAGES['zipped']._replace(members=members))
    with pytest.raises(ValueError, match=r'model\.safetensors in .*m\.zip was refused: expected SHA-256'):
        local_source('package://zipped')
    assert not list((tmp_path / 'torch').rglob('model.safetensors'))


def test_a_damaged_copy_is_unpacked_again(tmp_path):
    weights = tmp_path / local_source('package://zipped') / 'model.safetensors'
    (weights.parent / 'config.json').touch()
    before = (weights.parent / 'config.json').stat().st_mtime_ns
    weights.write_bytes(b'w3ights')
    packages._checked_source.cache_clear()  # as in another process
    local_source('package://zipped')
    assert weights.read_bytes() == b'weights'
    assert (weights.parent / 'config.json').stat().st_mtime_ns == before


def test_a_full_disk_is_named(tmp_path):
    (tmp_path / 'torch').write_text('a file where the folder should be')
    with pytest.raises(OSError, match=r'TORCH_HOME names another folder.*config\.json'):
        local_source('package://zipped')


def test_an_absent_package_names_the_extra():
    with pytest.raises(ImportError, match=r'clamp_mmpose\[weights\].*--no-deps absent-weights==2\.5'):
        CheckpointLoader.load_checkpoint('package://absent')


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match='package://nothing is not known; choose among package://plain, '):
        CheckpointLoader.load_checkpoint('package://nothing')


def test_a_language_model_is_no_checkpoint():
    with pytest.raises(ValueError, match='give it to CausalLanguageModel'):
        CheckpointLoader.load_checkpoint('package://plain')
