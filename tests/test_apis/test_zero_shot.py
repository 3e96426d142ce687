"""tools/zero_shot.py on FocusCLIP, CLAMP's towers and open_clip's models, all tiny and random."""

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import open_clip
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS, TRANSFORMS
from PIL import Image
from tiny import VIT, model_config

from clamp_mmpose.apis.zero_shot import run_zero_shot
from clamp_mmpose.apis.zero_shot_models import load_scored_model
from clamp_mmpose.cli.test import main as run_test
from clamp_mmpose.cli.zero_shot import main as zero_shot_main
from clamp_mmpose.models import OpenCLIPModel

CLASSES = ['sit', 'run', 'eat']
FOCUS_CLIP = dict(
    type='FocusCLIP',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    backbone=dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings'),
    in_channels=24,
    embed_dims=16,
    text_encoder=dict(type='CLIPTextEncoder', arch=VIT, tune=True),
)
PIPELINE = [
    dict(type='LoadIntactImage'),
    dict(type='ResizeToInput', input_size=(64, 64), crop_bbox=True),
    dict(type='PackZeroShotInputs'),
]


@pytest.fixture
def data(tmp_path):
    """Two data sets of noise images, one of them with a truncated image, and one that does not exist."""
    rng = np.random.default_rng(0)
    tasks = {}
    for name, task, top_k in (('acts', 'Activity', 1), ('moods', 'Emotion', 2)):
        images = []
        for i in range(7):
            cv2.imwrite(str(tmp_path / f'{name}{i}.png'), rng.integers(0, 256, (50, 70, 3)).astype(np.uint8))
            images.append(dict(file_name=f'{name}{i}.png', labels=[i % 3]))
        (tmp_path / f'{name}.json').write_text(
            json.dumps(
                dict(name=name, task=task, top_k=top_k, classes=CLASSES, templates=['someone may {}'], images=images)
            )
        )
        tasks[name] = dict(type='ZeroShotDataset', ann_file=f'{name}.json', data_root=str(tmp_path))
    broken = tmp_path / 'moods6.png'
    broken.write_bytes(broken.read_bytes()[:200])
    tasks['faces'] = dict(type='UTKFaceDataset', data_root=str(tmp_path / 'no'))
    return tasks


def write_config(path, model, tasks, kind='ZeroShotTasks'):
    loader = dict(
        batch_size=3,
        num_workers=0,
        drop_last=False,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type=kind, tasks=tasks, pipeline=PIPELINE),
    )
    content = dict(
        default_scope='mmpose',
        model=model,
        test_dataloader=loader,
        test_cfg={},
        work_dir=str(path.parent),
        custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
        test_evaluator=dict(type='ZeroShotAccuracy'),
        default_hooks={},
    )
    Config(content).dump(str(path))
    return str(path)


@pytest.fixture
def trained(tmp_path, data):
    torch.manual_seed(0)
    model = MODELS.build(FOCUS_CLIP)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')
    return write_config(tmp_path / 'focus.py', FOCUS_CLIP, data), str(tmp_path / 'model.pth')


def by_hand(config, checkpoint, data, name):
    """Accuracy in percent, one image at a time."""
    model = MODELS.build(FOCUS_CLIP).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    root, hits, top_k = Path(data[name]['data_root']), [], dict(acts=1, moods=2)[name]
    with torch.no_grad():
        texts = F.normalize(model.embed_texts([f'someone may {word}' for word in CLASSES]), dim=1)
        for i in range(7 if name == 'acts' else 6):  # moods6 is truncated
            image = cv2.imread(str(root / f'{name}{i}.png'))
            image = cv2.resize(image, (64, 64), interpolation=cv2.INTER_LINEAR)  # from 50 x 70: larger in area
            pixels = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float()
            scores = texts @ F.normalize(model.embed_images((pixels - 127.5) / 127.5), dim=1)[0]
            hits.append(i % 3 in scores.topk(top_k).indices.tolist())
    return 100 * np.mean(hits)


def test_accuracies_are_those_of_one_image_at_a_time(tmp_path, trained, data):
    table = run_zero_shot(*trained, tmp_path / 'out')
    content = json.loads((tmp_path / 'out/zero_shot.json').read_text())
    expected = {name: by_hand(*trained, data, name) for name in ('acts', 'moods')}
    for name, value in expected.items():
        assert content['details'][name]['accuracy'] == pytest.approx(value)
    assert content['task_wise_mean'] == pytest.approx(np.mean(list(expected.values())))
    assert content['details']['moods']['faults'] == 1
    assert 'moods6.png is truncated' in content['details']['moods']['fault_examples'][0]['reason']
    assert content['absent'][0]['dataset'] == 'UTKFace'
    assert table in (tmp_path / 'out/zero_shot.md').read_text()
    for line in ('| Activity | acts | 3 | 1 | 33.33 |', 'UTKFace', 'absent', '(1 unreadable)', '66.67'):
        assert line in table


def test_resumed_after_an_interruption(tmp_path, trained, data, monkeypatch):
    """Results from before an error are kept and not computed again."""
    scored = []

    def progress(batches, description, total):
        scored.append(description)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return batches

    with pytest.raises(KeyboardInterrupt):
        run_zero_shot(*trained, tmp_path / 'out', progress=progress)
    assert set(json.loads((tmp_path / 'out/zero_shot.json').read_text())['details']) == {'acts'}
    table = run_zero_shot(*trained, tmp_path / 'out', resume=True, progress=progress)
    assert scored == ['acts, Activity', 'moods, Emotion', 'moods, Emotion']
    assert table == run_zero_shot(*trained, tmp_path / 'again')
    for change in (dict(templates='ensemble'), dict(options=dict(randomness=dict(seed=1)))):
        with pytest.raises(
            ValueError, match=rf"has results of .* with different \['{next(iter(change))}'\]: give another"
        ):
            run_zero_shot(*trained, tmp_path / 'out', resume=True, **change)
    run_zero_shot(*trained, tmp_path / 'out', resume=True, tasks=['moods'])  # without others of an earlier run
    assert set(json.loads((tmp_path / 'out/zero_shot.json').read_text())['details']) == {'moods'}
    torch.save(torch.load(trained[1], weights_only=True), trained[1])  # trained again
    with pytest.raises(ValueError, match=r"with different \['checkpoint_is'\]"):
        run_zero_shot(*trained, tmp_path / 'out', resume=True)


def test_chosen_tasks_and_templates(tmp_path, trained):
    run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'], templates=['{}'])
    content = json.loads((tmp_path / 'out/zero_shot.json').read_text())
    assert set(content['details']) == {'acts'} and content['absent'] == [] and content['templates'] == ['{}']
    with pytest.raises(ValueError, match=r"unknown tasks \['age'\]: expected some of acts, faces, moods"):
        run_zero_shot(*trained, tmp_path / 'out', tasks=['age'])
    with pytest.raises(FileNotFoundError, match='none of the zero-shot data sets exists'):
        run_zero_shot(*trained, tmp_path / 'none', tasks=['faces'])


def test_tasks_and_templates_of_the_config(tmp_path, trained, data):
    """They are those that tools/test.py uses, unless arguments replace them."""
    cfg = Config.fromfile(trained[0])
    cfg.test_dataloader.dataset.update(only=['acts'], templates=['they {}'])
    cfg.dump(str(tmp_path / 'chosen.py'))
    run_zero_shot(str(tmp_path / 'chosen.py'), trained[1], tmp_path / 'chosen')
    run_zero_shot(*trained, tmp_path / 'asked', tasks=['acts'], templates=['they {}'])
    contents = [json.loads((tmp_path / name / 'zero_shot.json').read_text()) for name in ('chosen', 'asked')]
    assert contents[0]['templates'] == ['they {}']
    assert contents[0]['details'] == contents[1]['details'] and set(contents[0]['details']) == {'acts'}
    run_zero_shot(str(tmp_path / 'chosen.py'), trained[1], tmp_path / 'other', tasks=['moods'], templates=['{}'])
    content = json.loads((tmp_path / 'other/zero_shot.json').read_text())
    assert set(content['details']) == {'moods'} and content['templates'] == ['{}']


def test_custom_templates_are_needed_to_resume(tmp_path, trained):
    run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'], templates=['{}'])
    with pytest.raises(ValueError, match=r"with different \['templates'\]"):
        run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'], resume=True)


def test_device_and_names_of_models(tmp_path, trained, monkeypatch):
    monkeypatch.setattr('clamp_mmpose.apis.model_zoo.find_model', lambda name: SimpleNamespace(config=trained[0]))
    assert load_scored_model('a-name', trained[1]).batch_size == 3
    moved = []
    monkeypatch.setattr(MODELS.get('FocusCLIP'), 'to', lambda self, device: moved.append(device) or self)
    run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'], device='cpu')
    assert moved == ['cpu']


def test_resumed_with_an_option_that_json_changes(tmp_path, trained):
    options = {'model.data_preprocessor.mean': (127.5, 127.5, 127.5)}
    tables = [run_zero_shot(*trained, tmp_path / 'out', resume=True, options=options) for _ in range(2)]
    assert tables[0] == tables[1]


def test_a_config_with_a_single_data_set(tmp_path, trained, data):
    cfg = Config.fromfile(trained[0])
    cfg.test_dataloader.dataset = dict(data['acts'], pipeline=PIPELINE)
    cfg.dump(str(tmp_path / 'one.py'))
    run_zero_shot(str(tmp_path / 'one.py'), trained[1], tmp_path / 'out')
    (details,) = json.loads((tmp_path / 'out/zero_shot.json').read_text())['details'].values()
    assert details['accuracy'] == pytest.approx(by_hand(*trained, data, 'acts'))


def test_tools_test_gives_the_same(tmp_path, trained, data, capsys):
    assert run_test([*trained, '--work-dir', str(tmp_path / 'work')]) == 0
    out, err = capsys.readouterr()
    metrics = json.loads((tmp_path / 'work/test.json').read_text())['metrics']
    assert metrics['acts/Activity/top1'] == pytest.approx(by_hand(*trained, data, 'acts'))
    assert metrics['moods/Emotion/top2'] == pytest.approx(by_hand(*trained, data, 'moods'))
    assert metrics['moods/Emotion/faults'] == 1
    assert 'UTKFace/Age is absent' in out + err
    assert 'absent, not in the means: UTKFace/Age' in out + err


def test_command(tmp_path, trained, capsys):
    run = [*trained, '--out-dir', str(tmp_path / 'out'), '--device', 'cpu']
    assert zero_shot_main([*run, '--tasks', 'acts']) == 0
    out = capsys.readouterr().out
    assert out.startswith('| Task | Data set |') and 'Wrote' in out
    assert zero_shot_main([*run, '--tasks', 'moods']) == 1  # one image is truncated
    out, err = capsys.readouterr()
    assert '(1 unreadable)' in out and '1 images could not be read' in err and 'moods6.png is truncated' in err
    (tmp_path / 'file').write_text('')
    assert zero_shot_main([*trained, '--out-dir', str(tmp_path / 'file')]) == 1
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ') and 'file' in line]
    assert zero_shot_main([*run, '--tasks', 'ages']) == 1
    assert "error: unknown tasks ['ages']" in capsys.readouterr().err


def test_arguments_of_the_command(tmp_path, trained, capsys):
    run = [
        *trained,
        '--out-dir',
        str(tmp_path / 'out'),
        '--device',
        'cpu',
        '--tasks',
        'acts',
        '--templates',
        'ensemble',
    ]
    run += ['--cfg-options', 'test_dataloader.batch_size=2']
    assert zero_shot_main(run) == 0
    path = tmp_path / 'out/zero_shot.json'
    content = json.loads(path.read_text())
    assert content['templates'] == 'ensemble' and content['options'] == {'test_dataloader.batch_size': 2}
    content['details']['acts']['accuracy'] = 12.34
    path.write_text(json.dumps(content))
    assert zero_shot_main([*run, '--resume']) == 0
    assert '| 12.34 |' in capsys.readouterr().out


def test_towers_of_clamp(tmp_path, data):
    """The same cosines as from the two towers, with the checkpoint of the whole pose estimator."""
    torch.manual_seed(0)
    model = MODELS.build(model_config())
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'clamp.pth')
    config = write_config(tmp_path / 'clamp.py', model_config(), {})
    scored = load_scored_model(config, str(tmp_path / 'clamp.pth'))
    assert scored.pipeline[1]['input_size'] == (64, 64)
    assert set(scored.tasks) == {
        'stanford40',
        'emotic_age',
        'lagenda_body',
        'lagenda_face',
        'utkface',
        'emotic_emotion',
        'fer_plus',
    }
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(scored.model.eval().embed_images(pixels), model.eval().backbone(pixels)[2])
        assert torch.equal(scored.model.embed_texts(['a cat']), model.head.text_encoder(['a cat']))


@pytest.mark.parametrize('out, project', [('map', False), ('embeddings', True)])
def test_pose_estimators_without_a_shared_space(tmp_path, out, project):
    plain = model_config(backbone=dict(type='CLIPVisionTransformer', arch=VIT, out=out), project=project)
    with pytest.raises(ValueError, match='no shared image-text space'):
        load_scored_model(write_config(tmp_path / 'plain.py', plain, {}))


def test_towers_of_clamp_from_the_file_to_the_scores(tmp_path):
    torch.manual_seed(0)
    settings = model_config()
    settings['head']['decoder'].update(input_size=(64, 32), heatmap_size=(16, 8))
    config = write_config(tmp_path / 'clamp.py', settings, {})
    torch.save(dict(state_dict=MODELS.build(settings).state_dict()), tmp_path / 'clamp.pth')
    scored = load_scored_model(
        config, str(tmp_path / 'clamp.pth'), {'test_dataloader.dataset.tasks.utkface.data_root': 'elsewhere'}
    )
    assert scored.pipeline[1] == dict(type='ResizeToInput', input_size=(64, 32), crop_bbox=True)
    assert scored.tasks['utkface']['data_root'] == 'elsewhere'
    image = torch.randint(0, 256, (3, 64, 64)).byte()
    inputs = scored.model.data_preprocessor(dict(inputs=[image], data_samples=[]))['inputs']
    mean, std = (torch.tensor(settings['data_preprocessor'][name])[:, None, None] for name in ('mean', 'std'))
    assert torch.allclose(inputs[0], (image.flip(0) - mean) / std, atol=1e-5)


def test_towers_of_clamp_without_checkpoint_are_clips(tmp_path, monkeypatch):
    initialized = []
    config = write_config(tmp_path / 'clamp.py', model_config(), {})
    for kind in ('CLIPVisionTransformer', 'CLIPTextEncoder'):
        monkeypatch.setattr(MODELS.get(kind), 'init_weights', lambda self: initialized.append(type(self).__name__))
    load_scored_model(config)
    assert sorted(initialized) == ['CLIPTextEncoder', 'CLIPVisionTransformer']


def test_options_reach_the_config(trained):
    assert load_scored_model(*trained, options={'test_dataloader.batch_size': 5}).batch_size == 5


def test_scored_in_eval_mode(tmp_path, trained, monkeypatch):
    kind, modes = MODELS.get('FocusCLIP'), []
    predict = kind.predict
    monkeypatch.setattr(
        kind, 'predict', lambda self, *args: modes.append(self.text_encoder.training) or predict(self, *args)
    )
    run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'], options={'model.freeze_image': False})
    assert modes and not any(modes)


@pytest.mark.parametrize('what', ['checkpoint', 'model'])
def test_results_of_another_model_are_not_resumed(tmp_path, trained, what):
    run_zero_shot(*trained, tmp_path / 'out', tasks=['acts'])
    config, checkpoint = map(Path, trained)
    other = (config if what == 'model' else checkpoint).with_stem('other')
    other.write_bytes((config if what == 'model' else checkpoint).read_bytes())
    pair = (other, checkpoint) if what == 'model' else (config, other)
    with pytest.raises(ValueError, match='has results of'):
        run_zero_shot(*map(str, pair), tmp_path / 'out', resume=True, tasks=['acts'])


def test_checkpoint_of_weights_alone(tmp_path, trained):
    torch.save(torch.load(trained[1], weights_only=True)['state_dict'], tmp_path / 'plain.pth')
    tables = [
        run_zero_shot(trained[0], path, tmp_path / name, tasks=['acts'])
        for name, path in (('a', str(tmp_path / 'plain.pth')), ('b', trained[1]))
    ]
    assert tables[0] == tables[1]


@pytest.fixture
def tiny_open_clip(tmp_path):
    """A tiny architecture, registered in open_clip."""
    folder = tmp_path / 'archs'
    folder.mkdir()
    (folder / 'tiny-test.json').write_text(json.dumps(VIT))
    (folder / 'tiny-test-quickgelu.json').write_text(json.dumps(dict(VIT, quick_gelu=True)))
    open_clip.add_model_config(folder)
    yield 'tiny-test'
    from open_clip import factory

    for name in ('tiny-test', 'tiny-test-quickgelu'):
        factory._MODEL_CONFIGS.pop(name)
    factory._MODEL_CONFIG_PATHS[:] = [path for path in factory._MODEL_CONFIG_PATHS if path != folder]


@pytest.mark.parametrize('suffix', ['pt', 'safetensors', 'torchscript'])
def test_any_model_of_open_clip(tmp_path, data, tiny_open_clip, suffix):
    if suffix == 'torchscript':
        tiny_open_clip += '-quickgelu'
    torch.manual_seed(3)
    reference = open_clip.create_model(tiny_open_clip).eval()
    path = tmp_path / f'weights.{"pt" if suffix == "torchscript" else suffix}'
    if suffix == 'safetensors':
        from safetensors.torch import save_file

        save_file(reference.state_dict(), path)
    elif suffix == 'pt':
        torch.save(reference.state_dict(), path)
    else:
        torch.jit.save(torch.jit.script(Names(reference)), path)
    torch.manual_seed(9)
    scored = load_scored_model(f'open_clip://{tiny_open_clip}', str(path))
    preprocess = open_clip.image_transform(64, is_train=False, mean=None, std=None)
    image = Path(data['acts']['data_root']) / 'acts3.png'
    tokens = open_clip.get_tokenizer(tiny_open_clip)(['someone may run'])
    with torch.no_grad():
        image = reference.encode_image(preprocess(Image.open(image))[None])
        text = reference.encode_text(tokens)
        packed = DATASETS.build(dict(data['acts'], pipeline=scored.pipeline))[3]
        assert torch.allclose(scored.model.eval().embed_images(packed['inputs'][None]), image, atol=1e-4)
        assert torch.allclose(scored.model.embed_texts(['someone may run']), text, atol=1e-5)
        sample, _ = scored.model.test_step(pseudo_collate([packed, packed]))
        expected = F.cosine_similarity(image, text)
    assert sample.class_scores[1].item() == pytest.approx(expected.item(), abs=1e-5)


def test_box_is_cropped_for_open_clip(tmp_path, tiny_open_clip):
    image = np.zeros((80, 90, 3), np.uint8)
    image[20:50, 30:60] = (0, 0, 255)  # BGR: red
    transform = TRANSFORMS.build(dict(type='OpenCLIPPreprocess', arch=tiny_open_clip))
    pixels = transform(dict(img=image, bbox=np.array([[30, 20, 60, 50]])))['img']
    mean, std = np.array(open_clip.OPENAI_DATASET_MEAN), np.array(open_clip.OPENAI_DATASET_STD)
    np.testing.assert_allclose(pixels, np.broadcast_to((np.array([1, 0, 0]) - mean) / std, (64, 64, 3)), atol=1e-5)


def test_whole_command_on_open_clip(tmp_path, data, tiny_open_clip):
    torch.save(open_clip.create_model(tiny_open_clip).state_dict(), tmp_path / 'weights.pt')
    tasks = {f'test_dataloader.dataset.tasks.{name}': task for name, task in data.items()}
    table = run_zero_shot(
        f'open_clip://{tiny_open_clip}',
        str(tmp_path / 'weights.pt'),
        tmp_path / 'out',
        tasks=['acts', 'moods'],
        options={**tasks, 'test_dataloader.num_workers': 0},
    )
    assert '| Activity | acts | 3 | 1 | 33.33 |' in table and '(1 unreadable)' in table


def test_the_other_activation(tiny_open_clip, tmp_path):
    with pytest.raises(ValueError, match=r'openai was trained with QuickGELU, ViT-B-16 has the other.*ending in'):
        OpenCLIPModel.init_weights(Architecture('ViT-B-16', 'openai'))
    torch.jit.save(torch.jit.script(Names(open_clip.create_model(tiny_open_clip))), tmp_path / 'openai.pt')
    with pytest.raises(ValueError, match='trained with QuickGELU, tiny-test has the other'):
        load_scored_model(f'open_clip://{tiny_open_clip}', str(tmp_path / 'openai.pt'))


class Architecture(OpenCLIPModel):
    """An architecture without weights, for the checks before they are loaded."""

    def __init__(self, arch, tag):
        torch.nn.Module.__init__(self)
        self.arch, self._init_cfg = arch, dict(type='Pretrained', checkpoint=tag)

    @property
    def init_cfg(self):
        return self._init_cfg


class Names(torch.nn.Module):
    """A TorchScript archive with the parameter names of a whole CLIP model, as OpenAI publishes them."""

    def __init__(self, model):
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, Holder(child))
        for name, value in [*model.named_parameters(recurse=False), *model.named_buffers(recurse=False)]:
            self.register_buffer(name, value.detach().clone(), persistent=name in model.state_dict())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Holder(Names):
    pass


def test_a_file_replaces_the_weights_of_the_tag(monkeypatch, tiny_open_clip):
    monkeypatch.setattr(OpenCLIPModel, 'init_weights', lambda self: None)
    scored = load_scored_model(f'open_clip://{tiny_open_clip}/openai', 'own.pt')
    assert scored.model.init_cfg['checkpoint'] == 'own.pt'


def test_open_clip_errors(tiny_open_clip, tmp_path):
    with pytest.raises(ValueError, match="has no 'ViT-X'"):
        load_scored_model('open_clip://ViT-X/openai')
    with pytest.raises(ValueError, match='names no weights'):
        load_scored_model(f'open_clip://{tiny_open_clip}')
    with pytest.raises(ValueError, match='nobody is neither a file nor a pretrained tag of tiny-test'):
        load_scored_model(f'open_clip://{tiny_open_clip}/nobody')
    torch.save(dict(state_dict={}, code=open), tmp_path / 'bad.pt')
    with pytest.raises(ValueError, match=r'bad\.pt was refused, and nothing in it was executed'):
        load_scored_model(f'open_clip://{tiny_open_clip}', str(tmp_path / 'bad.pt'))


def test_missing_and_wrong_checkpoints(tmp_path, trained):
    with pytest.raises(ValueError, match='needs a checkpoint'):
        load_scored_model(trained[0])
    with pytest.raises(FileNotFoundError, match=r'none\.pth does not exist'):
        load_scored_model(trained[0], str(tmp_path / 'none.pth'))
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='does not fit this model'):
        load_scored_model(trained[0], str(tmp_path / 'other.pth'))
    with pytest.raises(FileNotFoundError, match='no model has this name'):
        load_scored_model('no.py', trained[1])


def test_open_clip_tag_reaches_the_images(monkeypatch, tiny_open_clip):
    monkeypatch.setattr('clamp_mmpose.apis.zero_shot_models.OpenCLIPModel.init_weights', lambda self: None)
    scored = load_scored_model(f'open_clip://{tiny_open_clip}/openai')
    assert scored.pipeline[1] == dict(type='OpenCLIPPreprocess', arch=tiny_open_clip, tag='openai')


def test_torchscript_of_another_architecture(tmp_path, tiny_open_clip):
    other = dict(VIT, vision_cfg=dict(VIT['vision_cfg'], width=48))
    (tmp_path / 'archs' / 'tiny-other.json').write_text(json.dumps(other))
    open_clip.add_model_config(tmp_path / 'archs')
    torch.jit.save(torch.jit.script(Names(open_clip.create_model('tiny-other'))), tmp_path / 'other.pt')
    open_clip.factory._MODEL_CONFIGS.pop('tiny-other')
    with pytest.raises(ValueError, match='does not fit tiny-test'):
        load_scored_model(f'open_clip://{tiny_open_clip}-quickgelu', str(tmp_path / 'other.pt'))
