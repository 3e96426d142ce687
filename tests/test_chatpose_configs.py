"""Configs of ChatPose: each ablation differs from the base in its own switch, and the numbers are the paper's."""

import inspect
import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from mmengine.optim import build_optim_wrapper
from mmengine.registry import FUNCTIONS
from mmpose.registry import DATA_SAMPLERS, DATASETS, METRICS, MODELS
from pose_files import amass, person, png, tar_of
from test_cape_llm_configs import flattened
from tiny_llava import tiny_llava_folder

from clamp_mmpose.evaluation.poses.joint_sets import LSP14

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / 'configs/chatpose'
FULL, TOWER, VQA = (f'llava-1.5-13b_{kind}' for kind in ('full', 'full_vitpose-h', 'vqa'))
SMALL = dict.fromkeys(('model.model', 'model.init_cfg.checkpoint'), 'llava-hf/llava-1.5-7b-hf')
WEIGHTS = 'train_dataloader.sampler.weights'
# the kinds of data of each experiment, and what else it changes
MIXTURES = {
    FULL: (['text', 'vqa', 'image'], [1, 1, 2]),
    'llava-1.5-7b_full': (['text', 'vqa', 'image'], [1, 1, 2]),
    'llava-1.5-13b_no-image2pose': (['text', 'vqa'], [1, 1]),
    'llava-1.5-13b_no-text2pose': (['vqa', 'image'], [1, 2]),
    VQA: (['vqa'], [1]),
    TOWER: (['text', 'vqa', 'image'], [1, 1, 2]),
}
TEST_SETS = {f'llava-1.5-{size}_{name}' for size in ('7b', '13b') for name in ('3dpw', 'h36m', 'rpe')} | {
    'llava-1.5-13b_spg',
    'llava-1.5-13b_posescript',
    'llava-1.5-13b_3dpw_vitpose-h',
}
# HMR2.0's 44 joints: 25 of OpenPose, then these
EXTRA = (
    *('right ankle', 'right knee', 'right hip', 'left hip', 'left knee', 'left ankle', 'right wrist', 'right elbow'),
    *('right shoulder', 'left shoulder', 'left elbow', 'left wrist', 'neck', 'head top of LSP', 'pelvis', 'thorax'),
    *('spine', 'jaw', 'head top'),
)


@pytest.fixture(scope='module')
def read():
    files = {path.stem: path for path in FOLDER.glob('[em]*/*.py')}
    known = {name: Config.fromfile(path) for name, path in files.items()}
    assert set(known) == {*MIXTURES, *TEST_SETS}
    return known.get


def settings(cfg: Config) -> dict:
    """Without what only other settings are made of."""
    keys = {key[1:]: value for key, value in flattened(cfg.to_dict()).items()}
    parts = ('chat_pose_models.', 'vision_language_model.', 'tokenize.', 'train_dataloader.dataset.datasets')
    return {key: value for key, value in keys.items() if not key.startswith(parts)}


@pytest.mark.parametrize('name', MIXTURES)
def test_an_ablation_changes_its_switch_alone(name, read):
    kinds, weights = MIXTURES[name]
    base, cfg = read(FULL), read(name)
    before, now = settings(base), settings(cfg)
    changed = {key: now.get(key) for key in {**before, **now} if before.get(key, '?') != now.get(key, '?')}
    if name == VQA:  # a model without poses
        assert cfg.model.type == 'VisionLanguageModel' and not any('pose' in key for key in cfg.model)
        assert cfg.model.lora == base.model.lora and cfg.model.init_cfg == base.model.init_cfg
    if name == TOWER:
        assert cfg.model.pose_tower.backbone.type == 'mmpretrain.VisionTransformer'
    changed = {key: value for key, value in changed.items() if name not in (VQA, TOWER) or not key.startswith('model.')}
    if name == TOWER:
        assert {key.split('.')[0] for key in changed} <= {'pose_images', 'pose_tower', 'weights', 'custom_imports'}
        changed = {}
    expected = {WEIGHTS: weights} if weights != MIXTURES[FULL][1] else SMALL if '7b' in name else {}
    assert changed == expected
    sources = [dataset.get('task', 'vqa') for dataset in cfg.train_dataloader.dataset.datasets]
    assert sources == kinds
    for source, dataset in zip(sources, cfg.train_dataloader.dataset.datasets):
        (other,) = (one for one in base.train_dataloader.dataset.datasets if one.get('task', 'vqa') == source)
        same = dict(dataset, pipeline=0) == dict(other, pipeline=0)
        assert same and (name in (TOWER, VQA) or dataset.pipeline == other.pipeline)


def test_published_settings(read):
    """30 epochs of 80,000 samples, batches of 16 twice, LoRA of query and value, a tenth of the poses' loss."""
    cfg = read(FULL)
    assert cfg.train_cfg.to_dict() == dict(by_epoch=True, max_epochs=30)
    assert cfg.train_dataloader.sampler.epoch_size == 80_000 and cfg.train_dataloader.batch_size == 16
    assert cfg.optim_wrapper.accumulative_counts == 2 and cfg.auto_scale_lr.base_batch_size == 16
    assert cfg.optim_wrapper.optimizer.to_dict() == dict(type='AdamW', lr=2e-4, weight_decay=0.0)
    lora = dict(rank=128, alpha=256, dropout=0.05, targets=['q_proj', 'v_proj'])
    assert cfg.model.lora.to_dict() == lora and cfg.model.pose_loss.weight == 0.1 and not cfg.model.tune_projector
    warm_up, cosine = cfg.param_scheduler
    assert warm_up.end == cosine.begin == pytest.approx(0.9) and cosine.end == 30
    assert cfg.val_cfg is cfg.test_cfg is cfg.val_dataloader is cfg.test_dataloader is None
    assert {'EpochSeedHook', 'InstructionCheckHook'} <= {hook.type for hook in cfg.custom_hooks}
    steps = [[step.type for step in dataset.pipeline] for dataset in cfg.train_dataloader.dataset.datasets]
    assert steps == [['TokenizeConversation'], ['TokenizeConversation'], ['CropPerson', 'TokenizeConversation']]


@pytest.mark.parametrize('name', sorted(TEST_SETS))
def test_evaluations(name, read):
    """The model is the trained one, the metric takes the arguments, and people are cut out but for RPE."""
    cfg = read(name)
    size = name.split('_')[0]
    tower = '_vitpose-h' if name.endswith('vitpose-h') else ''
    assert cfg.model == read(f'{size}_full{tower}').model
    assert cfg.test_dataloader.dataset.test_mode and cfg.test_cfg is not None and cfg.val_cfg is None
    steps = [step.type for step in cfg.test_dataloader.dataset.pipeline]
    about_image = '3dpw' in name or 'h36m' in name
    assert steps == (['CropPerson'] if about_image else []) + ['TokenizeConversation']
    seen = cfg.test_dataloader.dataset.pipeline[-1].get('pose_images')
    assert seen == (cfg.model.pose_tower.images if tower else None)
    metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    for metric in metrics:
        assert set(metric) - {'type'} <= set(inspect.signature(METRICS.get(metric.type)).parameters)
    reader = cfg.test_dataloader.dataset.get('reader')
    if reader:
        assert set(reader) - {'type'} <= set(inspect.signature(DATASETS.get(reader.type)).parameters)
    else:
        assert isinstance(DATASETS.get(cfg.test_dataloader.dataset.type), type)


def test_joints_of_human36m(read):
    """4D-Humans scores joints 25 to 37 and 43 of its files, from 39, its pelvis."""
    metric = read('llava-1.5-13b_h36m').test_evaluator
    assert metric.label_rows == [*range(25, 38), 43] and metric.label_root == [39]
    assert tuple(EXTRA[row - 25] for row in metric.label_rows) == LSP14 and EXTRA[39 - 25] == 'pelvis'


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """A tiny LLaVA, and two samples of each kind of data in their own layouts."""
    folder = tmp_path_factory.mktemp('chatpose')
    data = folder / 'data'
    places = {str(i): ['AMASS', 'CMU/sub/walk_poses.npz', i] for i in range(2)}
    (data / 'posescript').mkdir(parents=True)
    amass(data / 'amass', 'CMU', 2)
    files = {'ids_2_dataset_sequence_and_frame_index.json': places, 'train_ids.json': [0, 1], 'human6293.json': {}}
    files.update({f'automatic_{letter}.json': {'0': 'Sits.', '1': 'Lies.'} for letter in 'ABCDEF'})
    for name, content in files.items():
        (data / 'posescript' / name).write_text(json.dumps(content))
    (data / 'coco/train2017').mkdir(parents=True)
    (data / 'llava').mkdir()
    cv2.imwrite(str(data / 'coco/train2017/1.png'), np.full((40, 30, 3), 90, np.uint8))
    turns = [{'from': 'human', 'value': '<image>\nWho?'}, {'from': 'gpt', 'value': 'A man.'}]
    records = [dict(id=name, image='1.png', conversations=turns) for name in 'ab']
    (data / 'llava/llava_instruct_150k.json').write_text(json.dumps(records))
    (data / 'hmr2_training_data/coco').mkdir(parents=True)
    entries = [('000001.jpg', png(10)), ('000001.data.pyd', pickle.dumps([person(), person()]))]
    tar_of(data / 'hmr2_training_data/coco/000000.tar', entries)
    return tiny_llava_folder(folder / 'model'), folder


def tiny_batch(cfg, tiny, monkeypatch, size):
    """The first samples of the config's loader, with the tiny model's tokens."""
    model_folder, folder = tiny
    monkeypatch.chdir(folder)  # paths of configs start with data/
    loader = cfg.train_dataloader
    parts = []
    for part in loader.dataset.datasets:
        steps = [dict(step, processor=model_folder) if 'processor' in step else step for step in part.pipeline]
        parts.append(DATASETS.build(dict(part, pipeline=steps, serialize_data=False)))
    assert [len(part) for part in parts] == [2] * len(parts)
    dataset = ConcatDataset(parts, ignore_keys=loader.dataset.ignore_keys)
    sampler = DATA_SAMPLERS.build(dict(loader.sampler, dataset=dataset, seed=0))
    assert len(sampler) == 80_000
    sampler = DATA_SAMPLERS.build(dict(loader.sampler, dataset=dataset, seed=0, epoch_size=size))
    return FUNCTIONS.get(loader.collate_fn.type)([dataset[i] for i in sampler])


@pytest.mark.parametrize('name', [FULL, VQA, TOWER])
def test_data_model_and_rates(name, read, tiny, monkeypatch):
    """A step on a mixture of 2 texts, 2 conversations and 4 images: 6 poses; SMPL-H's hands have no labels."""
    cfg = read(name).copy()
    weights = sum(cfg.train_dataloader.sampler.weights)
    batch = tiny_batch(cfg, tiny, monkeypatch, 2 * weights)
    source = tiny[0]
    if name == TOWER:  # another backbone of MMPose
        small = dict(type='ResNet', depth=18, stem_channels=8, base_channels=4)
        weights = {f'backbone.{key}': value for key, value in MODELS.build(dict(small)).state_dict().items()}
        torch.save(dict(state_dict=weights), tiny[1] / 'tower.pth')
        init_cfg = dict(cfg.model.pose_tower.backbone.init_cfg, checkpoint=str(tiny[1] / 'tower.pth'))
        cfg.model.pose_tower.in_channels = 32
        cfg.model.pose_tower.backbone = dict(small, init_cfg=init_cfg)
        assert batch['inputs']['pose_pixels'].shape == (6, 3, 256, 192)
    model = MODELS.build(
        dict(cfg.model, model=source, dtype='float32', init_cfg=dict(type='Pretrained', checkpoint=source))
    )
    model.init_weights()
    model.train()
    losses = model(**model.data_preprocessor(batch), mode='loss')
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    assert all(value.grad is not None for value in trained.values())
    lora = {key for key in trained if 'lora' in key}
    assert len(lora) == 8 and all('.q_proj.' in key or '.v_proj.' in key for key in lora), 'two layers'
    if name == VQA:
        assert 'poses' not in batch['inputs'] and set(trained) == lora
        return
    assert batch['inputs']['poses'].shape == (6, 24, 3, 3)
    assert sorted(batch['inputs']['pose_masks'].sum(1).tolist()) == [22, 22, 24, 24, 24, 24]
    assert set(trained) - lora == {
        *('token_rows.input', 'token_rows.output'),
        *(key for key in trained if key.startswith(('pose_head.', 'pose_tower.projector.'))),
    }
    assert losses['loss_pose'].item() > 0
    own = {key: value for key, value in cfg.optim_wrapper.items() if key not in ('dtype', 'loss_scale')}
    groups = build_optim_wrapper(model, dict(own, type='OptimWrapper')).optimizer.param_groups
    assert {group['lr'] for group in groups} == {2e-4}
    assert sum(len(group['params']) for group in groups) == len(trained)
