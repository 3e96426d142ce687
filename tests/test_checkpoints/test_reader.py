import builtins
import io
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import CheckpointLoader
from torch import nn

from clamp_mmpose.checkpoints.pickles import RestrictedUnpickler, _bytes, real_objects
from clamp_mmpose.checkpoints.reader import check_exists, read_checkpoint

LEGACY = dict(_use_new_zipfile_serialization=False)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.mark.parametrize('save_options', [{}, LEGACY], ids=['zip', 'legacy'])
def test_code_in_a_checkpoint_does_not_run(tmp_path, save_options):
    torch.save(dict(state_dict=Bomb(tmp_path / 'ran')), tmp_path / 'bomb.pth', **save_options)
    with pytest.raises(ValueError, match=r'bomb\.pth was refused, and nothing in it was executed') as caught:
        CheckpointLoader.load_checkpoint(str(tmp_path / 'bomb.pth'))
    assert 'open' in str(caught.value)
    assert not (tmp_path / 'ran').exists()
    pickle.loads(pickle.dumps(Bomb(tmp_path / 'ran')))  # unpickled unsafely, it does run
    assert (tmp_path / 'ran').exists()


def test_getattr_is_limited_to_history_statistics(tmp_path):
    for owner, name in ((HistoryBuffer, '__init__'), (HistoryBuffer, '__globals__'), (dict, 'pop')):
        torch.save(dict(x=_Getattr(owner, name)), tmp_path / 'bomb.pth')
        with pytest.raises(ValueError, match='was refused'):
            read_checkpoint(tmp_path / 'bomb.pth')


class _Getattr:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return builtins.getattr, self.arguments


def training_state():
    history = HistoryBuffer()
    for value in (3.0, 1.0, 2.0):
        history.update(value)
    hub = MessageHub.get_instance('test_checkpoint')
    hub.update_scalar('train/loss', 4.0)
    return dict(
        state_dict=dict(weight=torch.arange(3.0)),
        meta=dict(
            epoch=3,
            dataset_meta=dict(
                sigmas=np.array([0.5, 0.25], np.float32), CLASSES=['a'], pair={1, 2}, nothing=np.zeros(0)
            ),
        ),
        message_hub=hub.state_dict(),
        history=history,
        best=np.float64(0.75),
    )


def assert_training_state(content):
    assert content['state_dict']['weight'].tolist() == [0, 1, 2]
    assert content['meta']['dataset_meta']['sigmas'].tolist() == [0.5, 0.25]
    assert content['meta']['dataset_meta']['pair'] == {1, 2}
    assert content['meta']['dataset_meta']['nothing'].shape == (0,)
    assert content['history'].max() == 3 and content['history'].statistics('mean') == 2
    assert content['message_hub']['log_scalars']['train/loss'].current() == 4
    assert content['best'] == 0.75


@pytest.mark.parametrize('save_options', [{}, LEGACY], ids=['zip', 'legacy'])
def test_mmengine_training_state_is_read(tmp_path, save_options):
    torch.save(training_state(), tmp_path / 'epoch_1.pth', **save_options)
    assert_training_state(read_checkpoint(tmp_path / 'epoch_1.pth'))


@pytest.mark.parametrize('save_options', [{}, LEGACY], ids=['zip', 'legacy'])
def test_reading_on_older_pytorch(tmp_path, monkeypatch, save_options):
    """The restricted unpickler for PyTorch before 2.6 reads and refuses the same files."""
    monkeypatch.setattr('clamp_mmpose.checkpoints.pickles.TORCH_HAS_SAFE_GLOBALS', False)
    torch.save(training_state(), tmp_path / 'epoch_1.pth', **save_options)
    assert_training_state(read_checkpoint(tmp_path / 'epoch_1.pth'))
    torch.save(dict(x=Bomb(tmp_path / 'ran')), tmp_path / 'bomb.pth', **save_options)
    with pytest.raises(ValueError, match='nothing in it was executed'):
        read_checkpoint(tmp_path / 'bomb.pth')
    assert not (tmp_path / 'ran').exists()


def test_checkpoints_of_numpy_1_and_2():
    """NumPy 1 writes numpy.core, NumPy 2 numpy._core."""
    data = pickle.dumps(np.arange(3.0), protocol=2)
    for core in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
        for written in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
            data = data.replace(b'c' + written, b'c' + core)
        assert real_objects(RestrictedUnpickler(io.BytesIO(data)).load(), {}).tolist() == [0, 1, 2]


def test_safe_globals_are_restored():
    if hasattr(torch.serialization, 'get_safe_globals'):
        assert not [entry for entry in torch.serialization.get_safe_globals() if 'getattr' in str(entry)]


def test_damaged_files(tmp_path):
    torch.save(training_state(), tmp_path / 'whole.pth')
    content = (tmp_path / 'whole.pth').read_bytes()
    for name, part in (('half.pth', content[: len(content) // 2]), ('empty.pth', b''), ('text.pth', b'no checkpoint')):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ValueError, match=rf'{name} cannot be read \({len(part):,} bytes\): it is truncated or'):
            read_checkpoint(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth does not exist'):
        read_checkpoint(tmp_path / 'nowhere.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(ValueError, match='holds a list; expected a dict'):
        read_checkpoint(tmp_path / 'list.pth')


def test_a_missing_file_is_found_before_it_is_read(tmp_path):
    for address in (None, 'https://example.org/model.pth', __file__):
        check_exists(address)
    with pytest.raises(FileNotFoundError, match='does not exist'):
        check_exists(tmp_path)


def test_safetensors_and_torchscript(tmp_path):
    from safetensors.torch import save_file

    save_file(dict(weight=torch.tensor([1.0, 2.0])), str(tmp_path / 'weights.safetensors'))
    assert read_checkpoint(tmp_path / 'weights.safetensors')['weight'].tolist() == [1, 2]
    module = nn.Linear(1, 1)
    torch.jit.script(module).save(str(tmp_path / 'scripted.pt'))
    read = read_checkpoint(tmp_path / 'scripted.pt')
    assert read.keys() == {'weight', 'bias'} and torch.equal(read['weight'], module.weight)


def test_bytes_of_protocol_2_only_as_latin1():
    assert _bytes('\xe9', 'latin1') == b'\xe9'
    with pytest.raises(pickle.UnpicklingError, match="encode to 'zip'"):
        _bytes('x', 'zip')


def test_error_for_a_raw_pickle_does_not_advise_unsafe_loading(tmp_path):
    path = tmp_path / 'raw.pth'
    path.write_bytes(pickle.dumps(dict(a=builtins.print)))
    with pytest.raises(ValueError, match=r'raw\.pth') as caught:
        read_checkpoint(path)
    assert 'weights_only' not in str(caught.value)


@pytest.mark.parametrize(
    'notes, found',
    [
        ('{"epoch": 1', 'cannot be read'),
        ('[1]', '"meta" is a list; expected a dict'),
        ('{"dataset_meta": {"from_file": "a.py"}}', 'was refused, and nothing was executed'),
    ],
)
def test_notes_in_a_safetensors_file_are_plain_data(tmp_path, notes, found):
    from safetensors.torch import save_file

    save_file(dict(weight=torch.ones(1)), str(tmp_path / 'a.safetensors'), {'clamp_mmpose': notes})
    with pytest.raises(ValueError, match=found):
        read_checkpoint(tmp_path / 'a.safetensors')
