"""Checkpoints of strangers: no state that breaks memory or classes, no config, and no file that they name."""

import io
import json
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmpose.registry import MODELS
from tiny import write_config, write_dots

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.dataset_meta import checked_dataset_meta
from clamp_mmpose.checkpoints.clip import load_from_clip
from clamp_mmpose.checkpoints.config_values import config_values
from clamp_mmpose.checkpoints.convert_clamp import read_model_config
from clamp_mmpose.checkpoints.fit import weights_of
from clamp_mmpose.checkpoints.hub import check_folder
from clamp_mmpose.checkpoints.reader import downloaded_name, load_from_http, read_checkpoint
from clamp_mmpose.checkpoints.timm_weights import create_timm_model
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.engine.resumed_files import forget_foreign_files
from clamp_mmpose.models.utils.hugging_face import load_config, pretrained_weights


@pytest.fixture(params=[True, False], ids=['torch 2.6', 'older torch'])
def either_torch(request, monkeypatch):
    if not hasattr(torch.serialization, 'safe_globals') and request.param:
        pytest.skip('this PyTorch has no safe_globals')
    monkeypatch.setattr('clamp_mmpose.checkpoints.pickles.TORCH_HAS_SAFE_GLOBALS', request.param)


class Call:
    """Pickled as the call of a function, then a state."""

    def __init__(self, function, *arguments, state=None):
        self.parts = function, arguments, state

    def __reduce__(self):
        return self.parts


def forged_array():
    """Bytes as pointers: an array of objects whose dtype says that it holds none."""
    dtype = Call(np.dtype, 'O', False, True, state=(3, '|', None, None, None, -1, -1, 0))
    return Call(np.zeros(1).__reduce__()[0], np.ndarray, (0,), b'b', state=(1, (1,), dtype, False, b'\1' * 8))


@pytest.mark.parametrize(
    'content, named',
    [
        (forged_array(), "numpy.dtype\\('O'\\)"),
        (np.array([1, 'a'], object), "numpy.dtype\\('O8?'\\)"),
        (np.zeros(2, 'V8'), "numpy.dtype\\('V8'\\)"),
        (
            Call(np.zeros(1).__reduce__()[0], np.ndarray, (0,), b'b', state=(1, (9,), np.dtype('f8'), False, b'1')),
            'numpy.ndarray',
        ),
        (Call(np.float64(1).__reduce__()[0], np.dtype('f8'), b'123'), 'numpy.ndarray'),
        (Call(np.zeros(1).__reduce__()[0], dict, (0,), b'b'), 'dict'),
        (Call(np.load, 'a.npy', None, True), 'numpy.*load'),
    ],
)
def test_states_of_numpy_are_checked(tmp_path, either_torch, content, named):
    torch.save(dict(meta=dict(x=content)), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=rf'a\.pth was refused, and nothing in it was executed.*{named}'):
        read_checkpoint(tmp_path / 'a.pth')


def test_arrays_and_numbers_are_read_right(tmp_path, either_torch):
    values = dict(
        big=np.arange(3, dtype='>i4'),
        fortran=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        words=np.array(['ear', 'left']),
        flag=np.bool_(True),
        half=np.float16(0.5),
        nothing=np.zeros((0, 4)),
    )
    torch.save(dict(meta=values, twice=[values['big']] * 2), tmp_path / 'a.pth')
    read = read_checkpoint(tmp_path / 'a.pth')
    for name, value in values.items():
        assert np.array_equal(read['meta'][name], value) and np.asarray(read['meta'][name]).dtype == value.dtype, name
    assert type(read['meta']['big']) is np.ndarray and read['twice'][0] is read['twice'][1]


def test_milestones_of_schedulers(tmp_path, either_torch):
    """MultiStepLR, the usual schedule of MMPose, keeps them in a Counter."""
    torch.save(dict(param_schedulers=[dict(milestones=Counter([170, 200, 200]))]), tmp_path / 'a.pth')
    (state,) = read_checkpoint(tmp_path / 'a.pth')['param_schedulers']
    assert type(state['milestones']) is Counter and state['milestones'] == {170: 1, 200: 2}


def test_a_history_replaces_no_method(tmp_path, either_torch):
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    state = dict(vars(buffer), statistics_methods=dict(mean=set, extra=bytes))
    torch.save(dict(history=Call(HistoryBuffer.__new__, HistoryBuffer)), tmp_path / 'new.pth')
    with pytest.raises(ValueError, match='was refused'):
        read_checkpoint(tmp_path / 'new.pth')
    buffer.__class__.__getstate__, original = (lambda self: state), HistoryBuffer.__getstate__
    try:
        torch.save(dict(history=buffer), tmp_path / 'a.pth')
    finally:
        HistoryBuffer.__getstate__ = original
    read = read_checkpoint(tmp_path / 'a.pth')['history']
    assert read.statistics('mean') == 2 and 'extra' not in HistoryBuffer._statistics_methods


def test_a_pickle_cannot_set_attributes_of_classes(tmp_path, monkeypatch):
    monkeypatch.setattr('clamp_mmpose.checkpoints.pickles.TORCH_HAS_SAFE_GLOBALS', False)
    torch.save(dict(x=1), tmp_path / 'a.pth')
    attack = b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(N}X\x04\x00\x00\x00evilK\x01stb.'
    with zipfile.ZipFile(tmp_path / 'a.pth') as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / 'a.pth', 'w') as archive:
        for name, part in content.items():
            archive.writestr(name, attack if name.endswith('data.pkl') else part)
    with pytest.raises(ValueError, match=r'function\.__setstate__'):
        read_checkpoint(tmp_path / 'a.pth')
    assert not hasattr(torch._utils._rebuild_tensor_v2, 'evil')


def test_tar_archives_of_old_pytorch_are_not_extracted(tmp_path):
    import tarfile

    with tarfile.open(tmp_path / 'a.pth', 'w') as archive:
        for name in ('storages', 'tensors', 'pickle'):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match=r'a\.pth cannot be read'):
        read_checkpoint(tmp_path / 'a.pth')


def test_weights_hold_their_values():
    for value in (
        torch.zeros(1).expand(10**12),
        torch.zeros(3).to_sparse(),
        torch.empty(2, device='meta'),
        torch.quantize_per_tensor(torch.zeros(2), 1, 0, torch.qint8),
    ):
        with pytest.raises(ValueError, match=r'weight w .* is not a plain tensor'):
            weights_of(dict(w=value))
    assert weights_of({'module.w': torch.zeros(4)[1:3], 3: torch.zeros(1)}).keys() == {'w'}


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """The config and the checkpoint of a model, and its ``build`` function for changed checkpoints."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_config(folder / 'dots.py', write_dots(folder / 'data', num_images=4))
    cfg = Config.fromfile(config)
    cfg.work_dir, cfg.launcher, cfg.experiment_name = str(folder), 'none', 'security'
    runner = build_runner(cfg)
    weights = runner.model.state_dict()
    return config, cfg, weights


@pytest.mark.parametrize('where', ['dataset_meta', 'nested'])
def test_a_config_that_a_checkpoint_names_is_not_executed(trained, tmp_path, where):
    config, _, weights = trained
    (tmp_path / 'evil.py').write_text(f'open({str(tmp_path / "ran")!r}, "w")\ndataset_info = dict()')
    named = dict(from_file=str(tmp_path / 'evil.py'))
    meta = dict(dataset_meta=named if where == 'dataset_meta' else dict(dataset_name='x', datasets=[named]))
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r"a\.pth was refused, .* dataset_meta has from_file='.*evil\.py'"):
        TextPoseInferencer(str(config), str(tmp_path / 'a.pth'), device='cpu', det_model='whole_image')
    assert not (tmp_path / 'ran').exists()


def test_a_config_inside_a_checkpoint_is_not_executed(trained, tmp_path):
    text = f'open({str(tmp_path / "ran")!r}, "w")'
    meta = dict(cfg=text, config=text, epoch=1, iter=1)
    state = dict(state_dict=trained[2], meta=meta, message_hub=dict(runtime_info=dict(cfg=text), log_scalars={}))
    torch.save(state, tmp_path / 'a.pth')
    assert 'config' not in read_checkpoint(tmp_path / 'a.pth')['meta']  # Runner.resume executes it
    for model in (None, {}, Config()):
        with pytest.raises(ValueError, match='one inside a checkpoint is never executed'):
            TextPoseInferencer(model, str(tmp_path / 'a.pth'), device='cpu')
    assert not (tmp_path / 'ran').exists()


def test_a_checkpoint_sets_only_known_entries(trained):
    meta = dict(
        num_keypoints=2,
        keypoint_id2name={0: 'left ear', 1: 'right ear'},
        flip_indices=[1, 0],
        skeleton_links=[[0, 1]],
        keypoint_colors=np.zeros((2, 3)),
        img_path='/etc/passwd',
        text_queries='x',
        test_cfg=dict(flip_test=False),
    )
    kept = checked_dataset_meta(meta, 'a.pth')
    assert kept.keys() == meta.keys() - {'img_path', 'text_queries', 'test_cfg'}
    for change in (
        dict(flip_indices=[1, 2]),
        dict(flip_indices=[0]),
        dict(skeleton_links=[[0, 7]]),
        dict(num_keypoints=10**9),
        dict(num_keypoints='2'),
        dict(keypoint_id2name={0: 'a', 1: 3}),
        dict(keypoint_colors=np.zeros((9, 3))),
        dict(keypoint_colors=[[1, 2, 3], [1]]),
        dict(keypoint_colors=[['r', 'g', 'b']] * 2),
        dict(keypoint_colors=np.full((2, 3), np.nan)),
        dict(keypoint_colors=[[0, 0, 256]] * 2),
        dict(num_keypoints=None),
    ):
        with pytest.raises(ValueError, match=r'a\.pth: dataset_meta has \w+=.* fit'):
            checked_dataset_meta(dict(meta, **change), 'a.pth')
    # MP-100 has no keypoints of its own
    own = dict(dataset_name='mp100', skeleton_links='x', flip_indices=3)
    assert checked_dataset_meta(own, 'a.pth') == dict(dataset_name='mp100')


def test_resuming_deletes_no_foreign_file(tmp_path):
    work, old = tmp_path / 'work', tmp_path / 'old'
    for folder in (work, old):
        folder.mkdir()
        for name in ('best_coco_AP_epoch_2.pth', 'notes.txt'):
            (folder / name).write_text('x')
    info = dict(
        best_ckpt=str(work / 'best_coco_AP_epoch_2.pth'),
        best_ckpt_moved=str(old / 'best_coco_AP_epoch_2.pth'),
        best_ckpt_foreign=str(tmp_path / 'notes.txt'),
        best_ckpt_own=str(work / 'notes.txt'),
        best_ckpt_up=str(work / '../old/notes.txt'),
        keep_ckpt_ids=[1, '../../notes'],
        best_score=0.5,
    )
    forget_foreign_files(info, [work])
    best = str(work / 'best_coco_AP_epoch_2.pth')
    assert info == dict(
        best_ckpt=best,
        best_ckpt_moved=best,
        best_ckpt_foreign=None,
        best_ckpt_own=None,
        best_ckpt_up=None,
        best_score=0.5,
    )


def test_each_url_has_a_file_of_its_own(tmp_path, monkeypatch):
    asked = []

    def download(url, target, progress):
        asked.append(target)
        torch.save(dict(state_dict=dict(w=torch.tensor([float(len(asked))]))), target)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    urls = [
        'https://a.org/model.pth',
        'https://b.org/model.pth',
        'https://a.org/model.pth?version=2',
        'https://a.org/..',
        'https://a.org/..%2f..%2fmodel.pth',
        'https://a.org/',
    ]
    read = [load_from_http(url, model_dir=str(tmp_path))['state_dict']['w'].item() for url in urls * 2]
    assert read == [1, 2, 3, 4, 5, 6] * 2
    assert len(list(tmp_path.iterdir())) == 6 and all(
        path.parent == tmp_path for path in map(tmp_path.__truediv__, asked)
    )
    assert downloaded_name(urls[0]).startswith('model-') and downloaded_name(urls[0]).endswith('.pth')


@pytest.mark.parametrize('address', ['s3://bucket/a.pth', 'x:s3://bucket/a.pth', 'petrel://a.pth', 'pavi://a'])
def test_addresses_that_mmengine_reads_unsafely(address):
    with pytest.raises(ValueError, match='not read safely; download it'):
        CheckpointLoader.load_checkpoint(address)


def test_libraries_get_no_file_of_weights(tmp_path):
    for argument in ('checkpoint_path', 'pretrained', 'pretrained_cfg', 'pretrained_cfg_overlay'):
        with pytest.raises(ValueError, match=rf'{argument} is not taken: give init_cfg'):
            create_timm_model('resnet18', **{argument: dict(file='a.pth')})
    check_folder(tmp_path)
    index = tmp_path / 'model.safetensors.index.json'
    for files in ({'a': 'model.bin'}, {'a': '../model.safetensors'}, {'a': 3}, []):
        index.write_text(str(dict(weight_map=files)).replace("'", '"'))
        with pytest.raises(ValueError, match=r'must name \.safetensors files of its folder'):
            check_folder(tmp_path)
    index.write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    check_folder(tmp_path)
    (tmp_path / 'adapter_config.json').write_text('{}')
    with pytest.raises(ValueError, match='holds an adapter'):
        check_folder(tmp_path)


@pytest.mark.parametrize('vision', [False, True])
def test_attention_code_on_the_hub(tmp_path, vision):
    """transformers downloads and runs the kernel that a config.json names, if the package kernels is installed."""
    kernel = 'somebody/kernel'
    kernels = dict(vision_config=kernel) if vision else kernel
    config = dict(model_type='clip' if vision else 'llama', attn_implementation=kernels)
    (tmp_path / 'config.json').write_text(json.dumps(config))
    (tmp_path / 'model.safetensors').write_bytes(b'')
    with pytest.raises(ValueError, match=r"names attention code on the hub \(attn_implementation: .*'somebody/kernel'"):
        load_config(str(tmp_path))
    with pytest.raises(ValueError, match='names attention code on the hub'):
        pretrained_weights(None, str(tmp_path), None)
    with pytest.raises(ValueError, match='names attention code on the hub'):
        MODELS.build(dict(type='TransformersBackbone' if vision else 'HFTextEncoder', model=str(tmp_path)))


def test_folders_of_clip(tmp_path):
    torch.save(dict(x=torch.zeros(1)), tmp_path / 'pytorch_model.bin')
    for config in ('[1]', '{"vision_config": [1]}', '{"a": '):
        (tmp_path / 'config.json').write_text(config)
        with pytest.raises(ValueError, match=r'CLIP config .*config\.json'):
            load_from_clip(f'clip://{tmp_path}')


def test_a_published_config_is_not_executed(tmp_path):
    path = tmp_path / 'clamp.py'
    path.write_text(
        f'open({str(tmp_path / "ran")!r}, "w")\n'
        'import os\n'
        'size = 2 * 48\n'
        'cfg = dict(image_size=[size, 128], names=["a"])\n'
        'model = dict(type="CLAMP", n=cfg["names"], k=dict(out=-1))\n'
        'model["k"]["more"] = cfg["image_size"][1]\n'
        'model["k"].update(out=17)\n'
        'data_cfg = cfg\n'
        'train = [os.system("x")]\n'
    )
    model, size, _ = read_model_config(str(path))
    assert model == dict(type='CLAMP', n=['a'], k=dict(out=17, more=128)) and size == (96, 128)
    assert not (tmp_path / 'ran').exists()
    for line in ('model = open("x")', 'exec("model")', 'for x in [1]:\n    model["type"] = "b"', 'model.pop("type")'):
        path.write_text(f'model = dict(type="CLAMP")\n{line}\n')
        if 'exec' not in line:
            with pytest.raises(ValueError, match=r'clamp\.py has no "model" of plain data'):
                read_model_config(str(path))
    assert config_values('a = 2 * 10\nb = "x" * 10\nc = 10 ** 10') == dict(a=20)
    path.write_text('model = ' + '(' * 10_000)
    with pytest.raises(ValueError, match=r'clamp\.py cannot be read: not a Python config'):
        read_model_config(str(path))


def test_pickles_that_expand_are_refused(tmp_path, either_torch):
    """Lists that hold one another 2 ** 60 times, and one that holds itself."""
    shared, endless = [1], []
    endless.append(endless)
    for _ in range(60):
        shared = [shared, shared]
    for content in (shared, dict(a=(shared,)), endless):
        for place in (dict(x=content), dict(meta=dict(dataset_meta=dict(skeleton_links=content)))):
            torch.save(place, tmp_path / 'a.pth')
            with pytest.raises(ValueError, match=r'a\.pth cannot be read .*expand to more than 10,000,000 values'):
                read_checkpoint(tmp_path / 'a.pth')
    several = [[1, 2]] * 1000
    torch.save(dict(meta=dict(dataset_meta=dict(a=several))), tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth')['meta']['dataset_meta']['a'] == several


def test_a_small_file_takes_little_memory(tmp_path, either_torch):
    """``bytes(1000)`` of a pickle are a thousand bytes that the file does not have."""
    array = Call(np.zeros(1).__reduce__()[0], np.ndarray, (0,), b'b')
    array.parts = (*array.parts[:2], (1, (1000,), np.dtype('u1'), False, Call(bytes, 1000)))
    torch.save(dict(x=array), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth cannot be read'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('protocol', [3, 4, 5])
@pytest.mark.parametrize('is_zip', [True, False])
def test_other_pickle_protocols(tmp_path, either_torch, protocol, is_zip):
    """``weights_only`` of PyTorch reads protocol 2 alone."""
    options = dict(pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
    content = dict(state_dict=dict(w=torch.tensor([1.0, 2.0])), name=b'abc', pair={1}, big=2**70, flag=np.bool_(True))
    torch.save(content, tmp_path / 'a.pth', **options)
    read = read_checkpoint(tmp_path / 'a.pth')
    assert read['state_dict']['w'].tolist() == [1, 2]
    assert {key: read[key] for key in read if key != 'state_dict'} == dict(name=b'abc', pair={1}, big=2**70, flag=True)
    torch.save(dict(x=Call(open, str(tmp_path / 'ran'), 'w')), tmp_path / 'a.pth', **options)
    with pytest.raises(ValueError, match=r'a\.pth was refused, and nothing in it was executed.*\(\w+\.open\)'):
        read_checkpoint(tmp_path / 'a.pth')
    assert not (tmp_path / 'ran').exists()
