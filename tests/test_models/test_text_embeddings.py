"""Each text is embedded once, on disk too, whatever happens to the files."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpose.registry import MODELS
from tiny import VIT

from clamp_mmpose.models.text_encoders import TextEmbeddings

ROOT = Path(__file__).parents[2]


def encoder(seed=0, **kwargs):
    torch.manual_seed(seed)
    return MODELS.build(dict(type='CLIPTextEncoder', arch=VIT, **kwargs))


def count_calls(module):
    texts = []
    module.register_forward_pre_hook(lambda _, args: texts.extend(args[0]))
    return texts


def test_each_text_once():
    embeddings = TextEmbeddings(encoder())
    seen = count_calls(embeddings.encoder)
    first = embeddings(['nose', 'left eye', 'nose'])
    again = embeddings(['tail', 'left eye'])
    assert seen == ['nose', 'left eye', 'tail']
    assert torch.equal(first[0], first[2]) and torch.equal(again[1], first[1])
    with torch.no_grad():
        assert torch.allclose(
            torch.stack([first[0], first[1], again[0]]), embeddings.encoder(['nose', 'left eye', 'tail']), atol=1e-6
        )
    assert not first.requires_grad


def test_disk_serves_another_process_and_only_the_same_weights(tmp_path):
    first = TextEmbeddings(encoder(), tmp_path)(['nose', 'left eye'])
    other = TextEmbeddings(encoder(), tmp_path)
    seen = count_calls(other.encoder)
    assert torch.equal(other(['left eye', 'nose']), first[[1, 0]]) and not seen
    strange = TextEmbeddings(encoder(seed=1), tmp_path)
    seen = count_calls(strange.encoder)
    assert not torch.allclose(strange(['nose']), first[:1]) and seen == ['nose']
    assert sum(len(files) for _, _, files in os.walk(tmp_path)) == 3


def test_other_activation_with_the_same_weights(tmp_path):
    """ViT-B-16 and ViT-B-16-quickgelu hold the same weights and mean something else by them."""
    gelu, quick = (TextEmbeddings(encoder_of(quick_gelu), tmp_path) for quick_gelu in (False, True))
    for one, other in zip(gelu.state_dict().values(), quick.state_dict().values()):
        assert torch.equal(one, other)
    assert not torch.allclose(gelu(['nose']), quick(['nose']), atol=1e-4)


def encoder_of(quick_gelu):
    torch.manual_seed(0)
    return MODELS.build(dict(type='CLIPTextEncoder', arch=dict(VIT, quick_gelu=quick_gelu)))


def test_loading_weights_and_moving_drop_what_is_known():
    embeddings = TextEmbeddings(encoder())
    first = embeddings(['nose'])
    embeddings.load_state_dict(TextEmbeddings(encoder(seed=1)).state_dict())
    second = embeddings(['nose'])
    assert not torch.allclose(first, second)
    with torch.no_grad():
        assert torch.allclose(second, encoder(seed=1)(['nose']), atol=1e-6)
    embeddings.double()
    seen = count_calls(embeddings.encoder)
    embeddings(['nose'])
    assert seen == ['nose']


@pytest.mark.parametrize(
    'damage',
    [
        lambda path: path.write_bytes(path.read_bytes()[:40]),
        lambda path: path.write_bytes(b''),
        lambda path: np.save(path, np.zeros(7, np.float32)),
        lambda path: np.save(path, np.array([{}], dtype=object), allow_pickle=True),
    ],
)
def test_damaged_files_are_written_anew(tmp_path, damage):
    first = TextEmbeddings(encoder(), tmp_path)(['nose'])
    path = next(tmp_path.rglob('*.npy'))
    damage(path)
    assert torch.allclose(TextEmbeddings(encoder(), tmp_path)(['nose']), first, atol=1e-6)
    assert np.array_equal(np.load(path), first[0].numpy())


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / 'file').write_text('')
    embeddings = TextEmbeddings(encoder(), tmp_path / 'file')
    assert embeddings(['nose', 'tail']).shape == (2, 24)
    assert embeddings.folder is None


WRITER = textwrap.dedent("""
    import sys
    import torch
    sys.path[:0] = ['tests']
    import clamp_mmpose
    from clamp_mmpose.models.text_encoders import TextEmbeddings
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS
    from tiny import VIT
    init_default_scope('mmpose')
    torch.manual_seed(0)
    embeddings = TextEmbeddings(MODELS.build(dict(type='CLIPTextEncoder', arch=VIT)), sys.argv[1])
    print('ready', flush=True)
    for i in range(int(sys.argv[2])):
        embeddings([f'point {i}'])
    print('done', flush=True)
    """)


def start(folder, number):
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore')
    return subprocess.Popen(
        [sys.executable, '-c', WRITER, str(folder), str(number)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_two_processes_at_once_and_a_kill_in_the_middle(tmp_path):
    writers = [start(tmp_path, 100_000), start(tmp_path, 100)]
    assert [writer.stdout.readline() for writer in writers] == ['ready\n'] * 2
    assert writers[1].stdout.readline() == 'done\n'
    time.sleep(0.2)
    writers[0].send_signal(signal.SIGKILL)
    for writer in writers:
        writer.wait()
    embeddings = TextEmbeddings(encoder(), tmp_path)
    seen = count_calls(embeddings.encoder)
    found = embeddings([f'point {i}' for i in range(100)])
    assert not seen
    with torch.no_grad():
        assert torch.allclose(found, embeddings.encoder([f'point {i}' for i in range(100)]), atol=1e-5)
    for path in tmp_path.rglob('*.npy'):  # whole files only
        assert np.load(path).shape == (24,)


def test_trained_text_is_remembered_in_eval_mode_only(tmp_path):
    embeddings = TextEmbeddings(encoder(tune=True), tmp_path).train()
    seen = count_calls(embeddings.encoder)
    assert embeddings(['nose']).requires_grad and embeddings(['nose']).requires_grad
    embeddings.eval()
    with torch.no_grad():
        first = embeddings(['nose'])
        assert torch.equal(embeddings(['nose']), first)
    assert seen == ['nose'] * 3
    embeddings.train()
    with torch.no_grad():
        for parameter in embeddings.parameters():
            parameter.add_(0.1)
        assert not torch.allclose(embeddings.eval()(['nose']), first)
    assert not any(tmp_path.iterdir())
