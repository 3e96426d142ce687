"""TorchScript archives: read without running them, with the weights that ``torch.jit.load`` finds."""

import zipfile
from typing import Tuple

import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader
from torch import nn

from clamp_mmpose.checkpoints.clip import load_from_clip
from clamp_mmpose.checkpoints.reader import read_checkpoint


class Writer(nn.Module):
    """Writes a file when it is loaded."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.weight = nn.Parameter(torch.zeros(2))
        self.file = torch.zeros(4, dtype=torch.uint8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight

    @torch.jit.export
    def __getstate__(self) -> Tuple[str, torch.Tensor, bool]:
        return self.path, self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[str, torch.Tensor, bool]):
        self.path = state[0]
        self.weight = state[1]
        self.training = state[2]
        self.file = torch.from_file(self.path, True, 4, dtype=torch.uint8).fill_(65)


@pytest.fixture(scope='module')
def writing_archive(tmp_path_factory):
    """An archive that writes ``written`` when ``torch.jit.load`` reads it."""
    folder = tmp_path_factory.mktemp('archive')
    model = nn.Sequential(Writer(str(folder / 'written')), nn.Linear(2, 1))
    torch.jit.save(torch.jit.script(model), str(folder / 'archive.pt'))
    (folder / 'written').unlink(missing_ok=True)
    return folder / 'archive.pt'


@pytest.mark.parametrize('suffix', ['.pt', '.pth', '.bin', '.safetensors', ''])
def test_nothing_in_an_archive_runs(writing_archive, tmp_path, suffix):
    path, written = tmp_path / f'weights{suffix}', writing_archive.with_name('written')
    path.write_bytes(writing_archive.read_bytes())
    for read in (
        read_checkpoint,
        CheckpointLoader.load_checkpoint,
        lambda address: load_from_clip(f'clip://{address}'),
    ):
        with pytest.raises(ValueError, match=rf'checkpoint \S*weights{suffix} (was refused|cannot be read)'):
            read(str(path))
    assert not written.exists()


def test_the_archive_writes_where_it_is_run(writing_archive):
    torch.jit.load(str(writing_archive))
    assert writing_archive.with_name('written').read_bytes() == b'AAAA'
    writing_archive.with_name('written').unlink()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3), nn.ModuleList([nn.Linear(3, 2)])[0])
        self.register_buffer('steps', torch.arange(6).reshape(2, 3).t())  # not contiguous
        self.register_buffer('row', torch.arange(3.0).expand(2, 3))
        self.register_buffer('turned', torch.tensor([1 + 2j]).conj())
        self.register_buffer('absent', None)
        self.shared = self.layers[0]
        self.table = torch.ones(2)  # a plain attribute

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(self.shared(x)) + self.table


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Block()
        self.logit_scale = nn.Parameter(torch.tensor(2.5))
        self.register_buffer('mask', torch.tensor([True, False]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.visual(x) * self.logit_scale


def archives(folder):
    torch.manual_seed(0)
    model = Tower().eval()
    yield 'scripted', torch.jit.script(model)
    yield 'traced', torch.jit.trace(model, torch.rand(4, 3))
    yield 'half', torch.jit.trace(model, torch.rand(4, 3)).half()  # as OpenAI publishes CLIP
    yield 'double', torch.jit.script(model.double())


def test_weights_are_those_of_jit_load(tmp_path):
    for name, archive in archives(tmp_path):
        path = tmp_path / f'{name}.pt'
        archive.save(str(path))
        expected, read = torch.jit.load(str(path)).state_dict(), read_checkpoint(path)
        assert list(read) == list(expected) and 'visual.layers.2.bias' in read and 'visual.table' not in read
        for key, value in expected.items():
            assert torch.equal(read[key], value) and read[key].dtype == value.dtype, (name, key)


@pytest.fixture
def change(tmp_path):
    """Writes an archive of a Linear(2, 3) again, with parts changed, and returns its path and the weights."""
    torch.manual_seed(0)
    model = nn.Linear(2, 3)
    torch.jit.script(model).save(str(tmp_path / 'whole.pt'))

    def write(edit, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / 'whole.pt') as whole:
            content = {name.partition('/')[2]: whole.read(name) for name in whole.namelist()}
        edit(content)
        with zipfile.ZipFile(tmp_path / 'changed.pt', 'w', compression) as changed:
            for name, part in content.items():
                changed.writestr(f'changed/{name}', part)
        return tmp_path / 'changed.pt', model.state_dict()

    return write


def test_compressed_and_big_endian_archives(change):
    path, expected = change(lambda content: None, zipfile.ZIP_DEFLATED)
    assert all(torch.equal(read_checkpoint(path)[key], value) for key, value in expected.items())

    def swap(content):
        content['byteorder'] = b'big'
        for name in [name for name in content if name.startswith('data/')]:
            content[name] = np.frombuffer(content[name], '<f4').astype('>f4').tobytes()

    path, expected = change(swap)
    assert all(torch.equal(read_checkpoint(path)[key], value) for key, value in expected.items())


def replace(name, old, new):
    def edit(content):
        assert old in content[name]
        content[name] = content[name].replace(old, new)

    return edit


def drop_code(content):
    for name in [name for name in content if name.startswith('code/')]:
        del content[name]


@pytest.mark.parametrize(
    'edit, message',
    [
        (replace('data.pkl', b'(K\x03K\x02t', b'(K\x7fK\x02t'), 'exceeds its storage'),  # 127 rows
        (replace('data.pkl', b'(K\x02K\x01t', b'(K\x09K\x01t'), 'exceeds its storage'),  # strides
        (lambda content: content.update({'data/0': b'12'}), '2 bytes instead of'),
        (lambda content: content.pop('data/0'), 'KeyError'),
        (replace('data.pkl', b'_rebuild_tensor_v2', b'_rebuild_tensor_v3'), '_rebuild_tensor_v3'),
        (replace('data.pkl', b'c__torch__.torch.nn', b'cposixpath\nsystem\nc__torch__.torch.nn'), r'posixpath\.system'),
        (replace('data.pkl', b'c__torch__.torch.nn.modules', b'c__torch__.torch.classes'), 'torch.classes'),
        (lambda content: content.update({'data.pkl': b'\x80\x02}.'}), 'dict instead of a module'),
        (drop_code, 'the code of .* is missing'),
        (lambda content: content.pop('data.pkl'), 'cannot be read'),
    ],
)
def test_damaged_and_hostile_archives(change, edit, message):
    path, _ = change(edit)
    with pytest.raises(ValueError, match=message) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_an_archive_that_expands(change, monkeypatch):
    monkeypatch.setattr('clamp_mmpose.checkpoints.reader.SMALL', 1000)
    path, _ = change(lambda content: content.update({'extra/0': bytes(10_000_000)}), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r'compressed parts expand to 10,0\d\d,\d\d\d bytes'):
        read_checkpoint(path)
