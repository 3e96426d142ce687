"""Sharing a trained model as a folder."""

import json
from pathlib import Path

import huggingface_hub
import pytest
import yaml
from mmengine.config import Config

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.hub import pull_model, write_model_folder
from clamp_mmpose.apis.hub_settings import check_settings, model_settings, read_settings, settings_text
from clamp_mmpose.cli import hub


@pytest.fixture(scope='module')
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp('hub') / 'written'
    write_model_folder(*trained[:2], folder, 'lab/dots', license='cc-by-4.0')
    return folder


def test_a_pulled_model_predicts_the_same(folder, trained, dots_inferencer, tmp_path):
    files = pull_model(str(folder), tmp_path / 'pulled')
    again = TextPoseInferencer(str(files.config), str(files.weights), 'cpu')
    (expected,), (found,) = dots_inferencer(trained[2][0]), again(trained[2][0], return_vis=True)
    assert found['predictions'] == expected['predictions'] and found.skeleton == expected.skeleton
    assert found['visualization'][0].shape == (64, 64, 3)
    text = files.config.read_text()
    assert str(Path(trained[0]).parent) not in text  # no folders of the machine it was trained on
    assert sorted(path.name for path in files.folder.iterdir()) == ['README.md', 'config.py', 'model.safetensors']


def test_the_card(folder):
    _, header, body = (folder / 'README.md').read_text().split('---\n', 2)
    header = yaml.safe_load(header)
    assert (header['license'], header['pipeline_tag']) == ('cc-by-4.0', 'keypoint-detection')
    assert '# dots' in body and '| input (width, height) | (64, 64) |' in body
    assert 'clamp-mmpose hub pull lab/dots --out dots' in body and 'keypoints: `' in body


@pytest.mark.parametrize(
    'change, message',
    [
        (
            "model['head'] = dict(type='os.system', command='touch {ran}')",
            "type='os.system' is no registered",
        ),
        ("model['backbone']['type'] = 'builtins.exec'", 'is no registered part of a model'),
        ("model['_scope_'] = 'antigravity'", 'names other files'),
        ("model['name'] = '{{{{$HOME:x}}}}'", 'names other files'),
        # MMEngine would put the first value into the second key, which ends the string there
        (
            "model['a'] = {{\"{{{{$ZQ:\\\\\\\\?'==1}}}}\": 1, \"\\\"{{{{$ZQ:'==1}}}}:open('{ran}','w')}}}}#\": 2}}",
            'names other files',
        ),
        ("model['a'] = b'{{{{$HOME:x}}}}'", 'names other files'),
        ("test_dataloader['dataset']['metainfo'] = dict(from_file='{ran}')", 'names other files'),
        ("dataset_type = 'os.system'", "dataset_type='os.system' is no data set"),
        ('model = 3', 'has no model and test_dataloader'),
        ('def (', r'cannot be read \(not a Python config'),
    ],
)
def test_settings_that_name_code_are_refused(folder, tmp_path, change, message):
    ran = tmp_path / 'ran'
    (tmp_path / 'bad').mkdir()
    for path in folder.iterdir():
        (tmp_path / 'bad' / path.name).write_bytes(path.read_bytes())
    config = tmp_path / 'bad' / 'config.py'
    config.write_text(f'{config.read_text()}\n{change.format(ran=ran)}\n')
    with pytest.raises(ValueError, match=message):
        pull_model(str(tmp_path / 'bad'), tmp_path / 'out')
    assert not ran.exists() and not (tmp_path / 'out').exists()


def test_code_in_a_pulled_config_is_not_run(folder, tmp_path):
    text = (folder / 'config.py').read_text()
    ran = tmp_path / 'ran'
    settings = read_settings(
        f"import os\nos.mkdir({str(ran)!r})\ncustom_imports = dict(imports=['os'])\nhooks = 3\n{text}", 'x'
    )
    assert not ran.exists() and settings == read_settings(text, 'x')
    assert settings['custom_imports']['imports'] == ['clamp_mmpose'] and 'hooks' not in settings
    assert 'mkdir' not in settings_text(settings)


def test_settings_that_others_cannot_use(trained):
    cfg = Config.fromfile(trained[0])
    cfg.model.head.texts = trained[0]
    with pytest.raises(ValueError, match=r'model\.head\.texts=.*is a file of this machine'):
        model_settings(cfg)
    cfg.model.head.texts = 1j
    with pytest.raises(ValueError, match=r'model\.head\.texts=1j is not plain data'):
        model_settings(cfg)
    cfg.model.head.pop('texts')
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=trained[1])
    assert model_settings(cfg)['model']['backbone']['init_cfg'] is None  # the weights are in the checkpoint
    check_settings(dict(model=dict(type='mmpose.TopdownPoseEstimator')), 'x')


def test_command(folder, trained, tmp_path, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(huggingface_hub, 'create_repo', lambda name, **kwargs: calls.append((name, kwargs['private'])))
    monkeypatch.setattr(
        huggingface_hub, 'upload_folder', lambda **kwargs: calls.append(sorted(map(str, kwargs['allow_patterns'])))
    )
    assert hub.main(['push', *trained[:2], 'lab/dots', '--private']) == 0
    assert calls == [('lab/dots', True), ['README.md', 'config.py', 'model.safetensors']]
    assert 'https://huggingface.co/lab/dots' in capsys.readouterr().out
    monkeypatch.setattr(huggingface_hub, 'snapshot_download', lambda name, **kwargs: str(folder))
    assert hub.main(['pull', 'lab/dots', '--out', str(tmp_path / 'a')]) == 0
    assert f'clamp-mmpose predict {tmp_path}/a/config.py' in capsys.readouterr().out

    def offline(name, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(huggingface_hub, 'snapshot_download', offline)
    assert hub.main(['pull', 'lab/dots', '--out', str(tmp_path / 'b')]) == 1
    assert 'is no folder here' in capsys.readouterr().err
    assert hub.main(['push', *trained[:2], 'dots']) == 1
    assert 'give OWNER/NAME' in capsys.readouterr().err
    (tmp_path / 'empty').mkdir()
    assert hub.main(['pull', str(tmp_path / 'empty'), '--out', str(tmp_path / 'b')]) == 1
    assert 'has no config.py' in capsys.readouterr().err


def test_weights_with_code_are_refused(folder, tmp_path):
    (tmp_path / 'config.py').write_bytes((folder / 'config.py').read_bytes())
    (tmp_path / 'model.safetensors').write_text(json.dumps({}))
    with pytest.raises(ValueError, match=r'model\.safetensors'):
        pull_model(str(tmp_path), tmp_path / 'out')
