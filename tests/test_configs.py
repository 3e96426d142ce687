"""Every experiment of the paper builds, and runs forward and loss on a real image; how configs are laid out."""

import ast
import copy
import json
import math
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS

from clamp_mmpose.engine.launch import build_runner

ROOT = Path(__file__).parents[1]
# test_text_query_configs.py has those of text_query, test_photo_configs.py those of real_small
CONFIGS = sorted(
    path.relative_to(ROOT / 'configs')
    for kind in ('clamp', 'simple_baseline')
    for path in (ROOT / 'configs' / kind).glob('[!r]*/*.py')
)
REAL_IMAGES = {
    'AP10KDataset': dict(data_root='mmpose_ap10k', ann_file='test_ap10k.json', data_prefix=dict(img='')),
    'AnimalPoseDataset': dict(data_root='mmpose_animalpose', ann_file='test_animalpose.json', data_prefix=dict(img='')),
    'CocoDataset': dict(data_root='mmpose_coco', ann_file='test_coco.json', data_prefix=dict(img='')),
    'BaseCocoStyleDataset': dict(data_root='openfield_mouse'),
}


def read(path) -> Config:
    cfg = Config.fromfile(ROOT / 'configs' / path)
    cfg.model.backbone.init_cfg = None
    if cfg.model.head.get('text_encoder'):
        cfg.model.head.text_encoder.init_cfg = None
    return cfg


def computation(cfg) -> str:
    """All that forward and loss depend on; equal for configs that differ only in annotation files."""
    pipelines = [loader.dataset.pipeline for loader in (cfg.train_dataloader, cfg.val_dataloader)]
    return json.dumps([cfg.model.to_dict(), cfg.dataset_type, pipelines], sort_keys=True, default=str)


@pytest.fixture(scope='module')
def run_once(pose_data):
    """Run a config's pipelines, forward and loss on an image; once for equal computations."""
    results = {}

    def run(cfg):
        key = computation(cfg)
        if key not in results:
            results[key] = forward_and_loss(copy.deepcopy(cfg), pose_data)
        return results[key]

    return run


def forward_and_loss(cfg, pose_data) -> dict:
    real = REAL_IMAGES[cfg.dataset_type]
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.update(real, data_root=str(pose_data / real['data_root']))
    train, val = (DATASETS.build(loader.dataset) for loader in (cfg.train_dataloader, cfg.val_dataloader))
    model = MODELS.build(cfg.model).train()
    batch = model.data_preprocessor(pseudo_collate([train[0]]), training=True)
    losses = model.loss(batch['inputs'], batch['data_samples'])
    model.eval().test_cfg['flip_test'] = False
    with torch.no_grad():
        batch = model.data_preprocessor(pseudo_collate([val[0]]))
        heatmaps = model(batch['inputs'], None, mode='tensor')
    return dict(
        losses={name: value.item() for name, value in losses.items()},
        heatmaps=tuple(heatmaps.shape),
        finite=bool(torch.isfinite(heatmaps).all()),
        num_keypoints=train.metainfo['num_keypoints'],
        num_names=len(getattr(model.head, 'names', train.metainfo['keypoint_id2name'])),
    )


@pytest.mark.parametrize('path', CONFIGS, ids=str)
@pytest.mark.slow
def test_config(path, run_once):
    cfg = read(path)
    result = run_once(cfg)
    losses = result['losses']
    assert all(math.isfinite(value) for value in losses.values()) and losses['loss_kpt'] > 0
    expected = {'loss_kpt', 'acc_pose'}
    if cfg.model.head.type == 'CLAMPHead':
        expected |= {
            name
            for name in ('loss_spatial', 'loss_feature')
            if cfg.model.head.get(name.replace('loss_', '') + '_loss', True)
        }
    assert set(losses) == expected
    width, height = cfg.model.head.decoder.heatmap_size
    assert result['heatmaps'] == (1, result['num_keypoints'], height, width) and result['finite']
    assert result['num_names'] == result['num_keypoints']
    assert cfg.test_dataloader.dataset.ann_file == cfg.val_dataloader.dataset.ann_file  # the paper reports val


def recipe(path):
    cfg = read(path)
    return dict(
        lr=cfg.optim_wrapper.optimizer.lr,
        batch=cfg.train_dataloader.batch_size,
        ann=cfg.train_dataloader.dataset.ann_file.rsplit('/')[-1],
        val=cfg.val_dataloader.dataset.ann_file.rsplit('/')[-1],
    )


@pytest.mark.parametrize(
    'path, expected',
    [
        ('clamp/ap10k/clamp_rn50_ap10k.py', dict(lr=5e-4, batch=128)),
        ('clamp/ap10k/clamp_vit-b_ap10k.py', dict(lr=5e-4, batch=128, val='ap10k-val-split1.json')),
        ('clamp/ap10k/clamp_rn50_ap10k-20shot.py', dict(lr=5e-4, batch=64, ann='ap10k-train-split1-20shot.json')),
        ('clamp/ap10k/clamp_vit-b_ap10k-20shot.py', dict(lr=5e-5, batch=64)),
        ('simple_baseline/ap10k/sb_vit-b-clip_ap10k-20shot.py', dict(lr=5e-5, batch=64)),
        (
            'clamp/ap10k/clamp_rn50_ap10k-canidae2cricetidae.py',
            dict(lr=5e-4, batch=128, ann='ap10k-train-split1-canidae.json', val='ap10k-val-split1-cricetidae.json'),
        ),
    ],
)
def test_recipes_of_section_4_1(path, expected):
    got = recipe(path)
    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize(
    'path, spatial', [('clamp_rn50_ap10k.py', 0.4), ('clamp_vit-b_ap10k.py', 2.0), ('clamp_vit-l_ap10k.py', 1.0)]
)
def test_loss_weights_of_the_released_configs(path, spatial):
    head = read(f'clamp/ap10k/{path}').model.head
    assert head.spatial_loss.loss_weight == spatial and head.feature_loss.loss_weight == 5e-4


@pytest.mark.parametrize('kind, backbone_rate, bias_decay', [('vit-b', 0.1, 1.0), ('rn50', 1.0, 0.0)])
def test_optimizer(kind, backbone_rate, bias_decay):
    """A tenth of the rate for a ViT; no decay on norms, nor on biases with a ResNet; the text tower is left out."""
    cfg = read(f'clamp/ap10k/clamp_{kind}_ap10k.py')
    cfg.model.head.text_encoder.arch = dict(
        embed_dim=512 if kind == 'vit-b' else 1024,
        vision_cfg={},
        text_cfg=dict(context_length=77, vocab_size=49408, width=16, heads=2, layers=1),
    )
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    settings = {id(parameter): group for group in groups for parameter in group['params']}
    norms = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, (torch.nn.LayerNorm, torch.nn.modules.batchnorm._BatchNorm))
        for parameter in module.parameters(recurse=False)
    }
    assert len(norms) > 20 and len(settings) == sum(parameter.requires_grad for parameter in model.parameters())
    for name, parameter in model.named_parameters():
        if name.startswith('head.text_encoder.'):
            assert id(parameter) not in settings
            continue
        group = settings[id(parameter)]
        assert group['lr'] == pytest.approx(5e-4 * (backbone_rate if name.startswith('backbone.') else 1)), name
        decay = 0 if id(parameter) in norms else bias_decay if 'bias' in name else 1
        assert group['weight_decay'] == pytest.approx(1e-4 * decay), name


def test_children_are_short():
    for path in CONFIGS:
        assert len((ROOT / 'configs' / path).read_text().splitlines()) < 30, path


@pytest.mark.parametrize('data', ['ap10k', 'coco'])
def test_focus_mask_follows_the_crop_with_probability_one_half(data):
    cfg = Config.fromfile(ROOT / f'configs/clamp/{data}/clamp_vit-b_{data}_focus-mask.py')
    steps = cfg.train_dataloader.dataset.pipeline
    assert [step.type for step in steps[5:8]] == ['TopdownAffine', 'GenerateFocusHeatmap', 'FocusMask']
    assert (steps[7].prob, steps[7].alpha) == (0.5, 0.25)


def bases(path: Path) -> list:
    """The files in ``_base_`` of a config file."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == '_base_':
            return ast.literal_eval(statement.value)
    return []


def depth(path: Path) -> int:
    """How many files deep a config is, itself and MMPose's base included."""
    return 1 + max((1 if '::' in base else depth(path.parent / base) for base in bases(path)), default=0)


def all_configs() -> list:
    return sorted((ROOT / 'configs').rglob('*.py'))


def test_at_most_four_files_deep():
    depths = {path.relative_to(ROOT): depth(path) for path in all_configs()}
    assert max(depths.values()) == 4, [path for path, deep in depths.items() if deep > 4]
    # to test the count: the 20-shot config, that of AP-10K, its schedule, MMPose's runtime
    assert depths[Path('configs/clamp/ap10k/clamp_rn50_ap10k-20shot.py')] == 4
    assert depths[Path('configs/_base_/schedules/adamw_210e.py')] == 2


def test_no_steps_are_edited_by_their_index():
    for path in all_configs():
        assert not re.search(r'\w\[[\d:-]|\.(update|insert|append|pop)\(', path.read_text()), path


def test_augmentations_have_their_numbers_in_one_file():
    files = {}
    for path in all_configs():
        for step in re.findall(r"dict\(type='Random\w+', [^\n]*\d[^\n]*\)", path.read_text()):
            files.setdefault(step, []).append(path.name)
    assert len(files) >= 5 and all(len(names) == 1 for names in files.values()), files


@pytest.mark.parametrize('method', ['cape_llm', 'clamp', 'focusclip', 'simple_baseline', 'text_query'])
def test_every_method_has_a_toy(method):
    (toy, *_) = sorted((ROOT / 'configs' / method / 'toy').glob('*.py'))
    dataset = Config.fromfile(toy).train_dataloader.dataset
    data_root = dataset.get('dataset', dataset).data_root  # inside KeypointRounds
    assert data_root.startswith('work_dirs/demo')  # written by a demo


def test_default_paths_are_below_data():
    """Other folders exist on our machines only."""
    for path in all_configs():
        roots = re.findall(r"(?:data_root|ann_file|path|root)=?\s?=?\s?'([^']*)'", path.read_text())
        assert all(not root.startswith(('.', '/', '~')) for root in roots), path


MOUSE = 'clamp/openfield_mouse/clamp_rn-tiny_openfield-mouse.py'


def test_schedule_for_own_data_is_in_iterations():
    """With 87 frames in batches of 16, 40 epochs would be 240 iterations, which are too few."""
    cfg = read(MOUSE)
    assert (cfg.train_cfg.type, cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == ('IterBasedTrainLoop', 800, 100)
    assert 'by_epoch' not in cfg.train_cfg and 'max_epochs' not in cfg.train_cfg
    assert [scheduler.by_epoch for scheduler in cfg.param_scheduler] == [False, False]
    assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_iters
    assert cfg.train_dataloader.batch_size == 16
    # a best checkpoint and a resumable one whenever the model is evaluated
    checkpoint = cfg.default_hooks.checkpoint
    assert (checkpoint.by_epoch, checkpoint.interval, checkpoint.save_best) == (False, 100, 'auto')


def test_best_checkpoints_have_the_largest_value():
    """AP or PCK of CocoOrPCK, which 'auto' finds first, and PCK of CapePCK; FocusCLIP has no validation."""
    found = set()
    for path in all_configs():
        if '_base_' in path.parts or 'texts' in path.parts:  # those of texts train nothing
            continue
        cfg = Config.fromfile(path)
        checkpoint = cfg.default_hooks.checkpoint
        if checkpoint.get('save_best'):
            assert checkpoint.rule == 'greater', path
            metrics = cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]
            found.add((metrics[0].type, checkpoint.save_best))
        else:
            # a small retrieval model keeps its last epoch
            assert cfg.val_cfg is None or {'toy', 'retrieval'} & set(path.parts), path
    assert found == {
        ('CocoOrPCK', 'auto'),
        ('CocoMetric', 'auto'),
        ('CapePCK', 'query_only/PCK@0.2'),
        ('PoseRetrieval', 'retrieval/text_to_pose/R@1'),
    }


def test_schedule_for_own_data_runs(pose_data, tmp_path, monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', 'formatting the config would take most of the time')
    cfg = read(MOUSE)
    cfg.merge_from_dict(
        {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2, 'default_hooks.checkpoint.interval': 2}
        | {'train_dataloader.batch_size': 2, 'param_scheduler.1.end': 2, 'work_dir': str(tmp_path), 'launcher': 'none'}
    )
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(pose_data / 'openfield_mouse')
        loader.update(num_workers=0, persistent_workers=False)
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    assert (tmp_path / 'iter_2.pth').is_file() and list(tmp_path.glob('best_coco_AP_iter_2.pth'))
