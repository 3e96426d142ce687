"""Every FocusCLIP config builds, and runs its pipeline, its losses and a zero-shot test on a real image."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS
from transformers import BertConfig, BertTokenizerFast

pytestmark = pytest.mark.slow  # together more than a minute

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(
    path.relative_to(ROOT / 'configs/focusclip') for path in (ROOT / 'configs/focusclip').glob('[!t]*/*.py')
)
METAFILES = [
    yaml.safe_load((ROOT / f'configs/focusclip/{folder}/metafile.yml').read_text()) for folder in ('mpii', 'cub')
]


@pytest.fixture(scope='module')
def folder(tmp_path_factory, pose_data):
    """A tiny BERT, real MPII annotations with descriptions, a map for each image, and a zero-shot test."""
    path = tmp_path_factory.mktemp('focus')
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'photo', 'of', 'person']
    (path / 'vocab.txt').write_text('\n'.join(words))
    BertConfig(
        vocab_size=len(words), hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    ).save_pretrained(path)
    BertTokenizerFast(vocab=str(path / 'vocab.txt'), vocab_file=str(path / 'vocab.txt')).save_pretrained(path)
    entries = json.loads((pose_data / 'mmpose_mpii/test_mpii.json').read_text())
    for entry in entries:
        entry.update(description='a photo of a person', id=Path(entry['image']).stem)
        np.save(path / f'{entry["id"]}.npy', np.random.default_rng(0).uniform(size=(14, 14)))
    (path / 'mpii.json').write_text(json.dumps(entries))
    cv2.imwrite(str(path / '20_0_0_1.jpg'), np.full((50, 40, 3), 90, np.uint8))
    return path


def read(path, folder, pose_data):
    """The config with tiny models instead of downloads."""
    cfg = Config.fromfile(ROOT / 'configs/focusclip' / path)
    if cfg.model.backbone.type == 'TIMMBackbone':
        cfg.model.backbone.update(init_cfg=None, depth=1)
        cfg.model.text_encoder.update(init_cfg=None, model=str(folder))
    else:
        small = dict(
            embed_dim=512,
            vision_cfg=dict(image_size=224, layers=1, width=64, head_width=32, patch_size=16),
            text_cfg=dict(context_length=77, vocab_size=49408, width=16, heads=2, layers=1),
            quick_gelu=True,
        )
        cfg.model.backbone.update(init_cfg=None, arch=small)
        cfg.model.text_encoder.update(init_cfg=None, arch=small)
    dataset = cfg.train_dataloader.dataset
    dataset.update(
        data_root=str(pose_data / 'mmpose_mpii'), ann_file=str(folder / 'mpii.json'), data_prefix=dict(img='')
    )
    if 'description_files' in dataset:
        dataset.description_files = []
    heatmap = dataset.pipeline[3]
    if heatmap.get('source') == 'file':
        heatmap.path = str(folder) + ('/{img_id}.npy' if 'img_id' in heatmap.path else '/{stem}.npy')
    if heatmap.get('source') == 'attention':
        heatmap.checkpoint = None
    return cfg


@pytest.mark.parametrize('path', CONFIGS, ids=str)
@pytest.mark.slow
def test_config(path, folder, pose_data):
    cfg = read(path, folder, pose_data)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    batch = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    losses = model.loss(**batch)
    terms = cfg.model.get('loss_terms', ['image-text', 'roi-text'])
    assert set(losses) == {f'loss_{term.replace("-", "_")}' for term in terms} | {'acc_image_text'}
    # the two pairs have the same text, so no loss can be 0
    assert all(math.isfinite(value) and value > 0 for value in losses.values() if value.requires_grad)
    if 'roi-text' in terms:
        assert losses['loss_roi_text'] != losses['loss_image_text']

    test = cfg.test_dataloader.dataset
    faces = dict(
        type='ZeroShotTasks',
        pipeline=test.pipeline,
        tasks=dict(utkface=dict(type='UTKFaceDataset', data_root=str(folder))),
    )
    model.eval()
    with torch.no_grad():
        (sample,) = model.test_step(pseudo_collate([DATASETS.build(faces)[0]]))
    assert sample.class_scores.shape == (5,) and torch.isfinite(sample.class_scores).all()
    assert sample.labels == [3]  # 20 years: a young adult


def test_pixels_of_clip_are_normalized_as_open_clip_does():
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    cfg = Config.fromfile(ROOT / 'configs/focusclip/mpii/focusclip_vit-b-clip_mpii.py').model.data_preprocessor
    np.testing.assert_allclose(cfg.mean, 255 * np.array(OPENAI_DATASET_MEAN), atol=1e-3)
    np.testing.assert_allclose(cfg.std, 255 * np.array(OPENAI_DATASET_STD), atol=1e-3)
    assert cfg.bgr_to_rgb


def test_recipe_of_table_c4():
    cfg = Config.fromfile(ROOT / 'configs/focusclip/mpii/focusclip_vit-b-bert_mpii.py')
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum) == ('SGD', 1e-3, 0.9)
    assert (cfg.train_dataloader.batch_size, cfg.train_cfg.max_epochs) == (32, 64)
    assert cfg.train_dataloader.dataset.pipeline[2].input_size == (224, 224)
    model = cfg.model
    assert model.loss.temperature == 0.5
    assert (model.backbone.model_name, model.text_encoder.model) == ('vit_base_patch16_224', 'bert-base-uncased')
    assert 'embed_dims' not in model and 'alpha' not in model  # 512 and eq. 2, the defaults
    tasks = cfg.test_dataloader.dataset.tasks
    assert [DATASETS.get(task.type).task or task.task.capitalize() for task in tasks.values()] == [
        'Activity',
        'Age',
        'Age',
        'Age',
        'Age',
        'Emotion',
        'Emotion',
    ]


def test_frozen_tower_is_not_in_the_optimizer(folder, pose_data):
    cfg = read(Path('mpii/focusclip_vit-b-bert_mpii.py'), folder, pose_data)
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    optimised = {id(parameter) for group in groups for parameter in group['params']}
    names = {name.split('.')[0] for name, parameter in model.named_parameters() if id(parameter) in optimised}
    assert names == {'projection', 'text_projection', 'text_encoder'}


def test_metafiles_name_every_config():
    named = {model['Config'] for metafile in METAFILES for model in metafile['Models']}
    assert named == {f'configs/focusclip/{path}' for path in CONFIGS}
    for metafile in METAFILES:
        for model in metafile['Models']:
            assert model['Name'] == Path(model['Config']).stem


def test_task_wise_means_of_the_metafile():
    for model in METAFILES[0]['Models']:
        metrics = model['Results'][0]['Metrics']
        if metrics:
            mean = sum(metrics[name] for name in ('Activity', 'Age', 'Emotion')) / 3
            assert metrics['Mean'] == pytest.approx(mean, abs=0.02), model['Name']  # the paper rounds before adding


def test_children_are_short():
    for path in CONFIGS:
        assert len((ROOT / 'configs/focusclip' / path).read_text().splitlines()) < 30, path


def test_settings_of_the_configs():
    def config(name):
        return Config.fromfile(ROOT / f'configs/focusclip/{name}.py')

    base = config('mpii/focusclip_vit-b-bert_mpii')
    assert base.model.backbone.pooled
    assert base.model.backbone.init_cfg == dict(type='Pretrained', checkpoint='timm://')
    assert 'TextLengthHook' in [hook.type for hook in base.custom_hooks]
    assert base.train_dataloader.sampler.shuffle
    assert base.train_dataloader.dataset.missing_descriptions == 'skip'
    test = base.test_dataloader.dataset
    assert test.pipeline[1].crop_bbox
    assert [test.tasks[name].crop for name in ('lagenda_body', 'lagenda_face')] == ['body', 'face']
    assert config('cub/focusclip_vit-b-bert_cub').test_dataloader.dataset.classes == 'unseen'
    assert config('mpii/focusclip_vit-b-clip_mpii').train_dataloader.dataset.pipeline[1].sentences


def test_what_each_ablation_changes():
    def config(ablation):
        return Config.fromfile(ROOT / f'configs/focusclip/mpii/focusclip_vit-b-bert_mpii_{ablation}.py')

    for name in ('mpii', 'cub'):
        baseline = Config.fromfile(ROOT / f'configs/focusclip/{name}/clip_vit-b-bert_{name}.py')
        assert baseline.model.loss_terms == ['image-text']
    assert config('no-roi-text-loss').model.loss_terms == ['image-text', 'roi-image']
    assert config('own-roi-tower').model.roi_tower == 'own'
    assert config('heatmap-alone').model.roi_input == 'heatmap'
    assert config('ellipses').train_dataloader.dataset.pipeline[3].mode == 'paper'
    assert [config(name).train_dataloader.dataset.pipeline[3].source for name in ('box', 'dino', 'tcl')] == [
        'bbox',
        'attention',
        'file',
    ]
    assert config('published-code').optim_wrapper.optimizer.lr == 5e-4
