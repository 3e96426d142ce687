import pytest
import torch

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.checkpoints.writer import write_checkpoint


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / 'new' / 'model.pth'
    write_checkpoint(dict(state_dict=dict(weight=torch.ones(2))), path)
    monkeypatch.setattr('clamp_mmpose.utils.files.os.replace', lambda *_: (_ for _ in ()).throw(OSError('full')))
    with pytest.raises(OSError, match='full'):
        write_checkpoint(dict(state_dict=dict(weight=torch.zeros(2))), path)
    assert read_checkpoint(path)['state_dict']['weight'].tolist() == [1, 1]
    assert [file.name for file in path.parent.iterdir()] == ['model.pth']
