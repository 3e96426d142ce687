"""The text of a config for a data folder."""

from pprint import pformat

from .model_text import MODELS, model_text
from .settings import Settings
from .summary import DataSummary

TEST = "dict(val_dataloader, dataset=dict(val_dataloader['dataset'], ann_file='annotations/test.json'))"
HEATMAPS = """
    heatmap_size=(input_size[0] // 4, input_size[1] // 4),
    sigma=2,"""
TWO_PASS = """\
# a prediction without boxes looks at the whole image first, then at what it found
find_instances = 'two_pass'
"""
WHOLE_IMAGES = 0.3  # part of the training samples


def config_text(data: DataSummary, settings: Settings) -> str:
    """A config that trains on a data folder with these settings; it needs no file of this package."""
    model = model_text(settings.method, settings.flip)
    return '\n'.join([_head(data, settings), _data(data, settings), model, _schedule(settings)])


def _head(data: DataSummary, settings: Settings) -> str:
    folder = data.folder.as_posix()
    return f"""\
# {len(data.names)} keypoints in {data.images:,} images for training and {data.val_images:,} for validation. Written by
# clamp-mmpose new-config {folder} --method {settings.method} --size {settings.size} --device {settings.device}
_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)
"""


def _data(data: DataSummary, settings: Settings) -> str:
    texts = MODELS[settings.method].texts
    pack = "dict(type='GetTextQueries', names=names), dict(type='PackTextQueries')"
    train = 'dict(\n        ' + (
        "ann_file='annotations/train.json',\n        **source,\n"
        "        pipeline=[*load, *augment, *crop, dict(type='GenerateTarget', encoder=codec), *pack],\n    )"
    )
    if settings.method == 'cape-llm':
        train = f"dict(type='KeypointRounds', rounds=8, groups='anew', dataset={train})"  # keypoints at a time
    heatmaps = HEATMAPS if settings.method == 'clamp' else ''
    workers = ', persistent_workers=True' if settings.num_workers else ''
    return f"""\
data_root = {data.folder.as_posix().rstrip('/') + '/'!r}
metainfo = dict(from_file=data_root + 'metainfo.py')
names = {pformat(data.names, width=108, compact=True)}
input_size = {settings.input_size}  # (w, h) in pixels
codec = dict(
    type='{MODELS[settings.method].codec}',
    input_size=input_size,{heatmaps}
)
load = [dict(type='LoadIntactImage'{', keep=True' * settings.keep_images}), dict(type='GetBBoxCenterScale')]
augment = [
{_augment(data, settings)}
]
crop = [dict(type='TopdownAffine', input_size=input_size)]
pack = [{pack if texts else "dict(type='PackPoseInputs')"}]
source = dict(
    type='BaseCocoStyleDataset',
    data_mode='topdown',
    data_root=data_root,
    data_prefix=dict(img='images/'),
    metainfo=metainfo,
)
loader = dict(batch_size={settings.batch_size}, num_workers={settings.num_workers}{workers})
train_dataloader = dict(
    **loader,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset={train},
)
val_dataloader = dict(
    **loader,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(ann_file='annotations/val.json', **source, test_mode=True, pipeline=[*load, *crop, *pack]),
)
test_dataloader = {TEST if 'test' in data.parts else 'val_dataloader'}
val_evaluator = [dict(type='CocoOrPCK'), dict(type='PCKTable')]
test_evaluator = val_evaluator
""" + (TWO_PASS if settings.whole_images else '')


def _augment(data: DataSummary, settings: Settings) -> str:
    lines = ["dict(type='RandomFlip', direction='horizontal'),"]
    if not settings.flip:
        lines = [f'# no RandomFlip: {", ".join(data.unpaired)} without a partner (swap in metainfo.py)']
    if settings.whole_images:
        lines.append(f"dict(type='WholeImageBox', prob={WHOLE_IMAGES}),")
    lines += [
        f'# {settings.turned}',
        'dict(',
        "    type='RandomBBoxTransform',",
        '    shift_factor=0.1,',
        '    scale_factor=(0.75, 1.25),',
        f'    rotate_factor={settings.rotation},',
        '    rotate_prob=1.0,',
        '),',
    ]
    return '\n'.join(f'    {line}' for line in lines)


def _schedule(settings: Settings) -> str:
    iterations, interval = settings.iterations, settings.iterations // 3
    hooks = ['SyncBuffersHook', 'EpochSeedHook', *['EmbedTextsHook'] * (settings.method == 'text-query')]
    return f"""\
# iterations, not epochs, which are short with few images
randomness = dict(seed=0)
custom_hooks = [{', '.join(f"dict(type='{hook}')" for hook in hooks)}]
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters={iterations}, val_interval={interval})
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval={interval}, max_keep_ckpts=1),
    logger=dict(interval=20, log_metric_by_epoch=False),
)
log_processor = dict(by_epoch=False)
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr={settings.lr}, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys={{'backbone': dict(lr_mult=0.3)}}),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end={min(50, iterations // 10)}, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end={iterations}, eta_min=1e-6, by_epoch=False),
]
"""
