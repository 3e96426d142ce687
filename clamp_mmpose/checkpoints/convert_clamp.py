"""Converts a released CLAMP checkpoint (MMPose 0.x) and its config to a checkpoint and config of this package."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import Tensor

from clamp_mmpose.language.keypoint_names import keypoint_names, readable_name
from clamp_mmpose.utils.files import atomic_write, check_writable, read_json, read_text

from .config_values import config_values
from .fit import check_fit, weights_of
from .reader import read_checkpoint
from .writer import write_checkpoint

RENAMES = [
    (r'^backbone\.', 'backbone.visual.'),
    (r'^keypoint_head\.', 'head.'),
    (r'^upconv_head\.', 'head.spatial_loss.upsampler.'),
    (r'^text_encoder\.', 'head.text_encoder.text.'),
    (r'^contexts$', 'head.prompt_learner.contexts'),
    (r'^gamma$', 'head.cross_attention.gamma'),
    (r'^logit_scale$', 'head.feature_loss.logit_scale'),
    (r'^prompt_encoder\.transformer\.resblocks\.', 'head.prompt_encoder.layers.'),
    (r'^prompt_encoder\.ln_final\.', 'head.prompt_encoder.norm.'),
    (r'^context_decoder\.decoder\.', 'head.cross_attention.layers.'),
    (r'^context_decoder\.', 'head.cross_attention.'),
]
# parameters of the authors' model that its forward pass does not use
NEVER_USED = {'text_projection', 'prompt_encoder.positional_embedding', 'prompt_encoder.text_projection'}
# only needed for training: a checkpoint may lack them
TRAINING_ONLY = ('head.spatial_loss.', 'head.feature_loss.')
# the authors normalize with ImageNet's mean and std
PREPROCESSOR = dict(
    type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
)
# data sets of the released models, with their validation sets as in configs/_base_/data
KNOWN_DATASETS = {
    'AP10KDataset': dict(
        data_root='data/ap10k/', ann_file='annotations/ap10k-val-split1.json', data_prefix=dict(img='data/')
    ),
    'AnimalPoseDataset': dict(
        data_root='data/animalpose/', ann_file='annotations/animalpose_val.json', data_prefix=dict(img='')
    ),
    'CocoDataset': dict(
        data_root='data/coco/', ann_file='annotations/person_keypoints_val2017.json', data_prefix=dict(img='val2017/')
    ),
}
FlipPairs = Sequence[Tuple[int, int]]


class ConversionReport(NamedTuple):
    """What :func:`convert_clamp` wrote, and which weights it did not use."""

    config: Path
    checkpoint: Path
    matched: int
    unused: List[str]
    unmatched: List[str]


def convert_clamp(source: str, model_config: str, out_dir: str) -> ConversionReport:
    """Write ``config.py`` and ``checkpoint.pth``, which ``mmpose.apis.init_model`` loads directly.

    Args:
        source: a released checkpoint.
        model_config: the authors' config (``.py``), or its ``model`` dict in JSON, alone or under ``config``.
        out_dir: folder of the two files.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the checkpoint does not fit the config, or the config is not that of a published model.
    """
    out = Path(out_dir)
    check_writable(out / 'checkpoint.pth')
    config = build_config(*read_model_config(model_config))
    weights = weights_of(read_checkpoint(source))
    unused = sorted(weights.keys() & NEVER_USED)
    renamed = rename({name: value for name, value in weights.items() if name not in NEVER_USED})
    init_default_scope('mmpose')
    remedy = 'Is it the config this checkpoint was trained with?'
    fit = check_fit(MODELS.build(config.model), renamed, source, model_config, remedy, optional=TRAINING_ONLY)
    if fit.unused:
        raise ValueError(
            f'{source} has {len(fit.unused)} weights that the model of {model_config} does not have: '
            f'{fit.unused[:6]}. {remedy}'
        )
    text = f"_base_ = ['mmpose::_base_/default_runtime.py']\n{config.pretty_text}"
    if '{{' in text:  # MMEngine replaces it before Python reads the config; a crafted one could run code
        raise ValueError(f'{model_config} has {{{{ in a setting, as in a name of class_names: remove the braces.')
    atomic_write(out / 'config.py', text.encode())
    write_checkpoint(dict(state_dict=renamed, meta=dict(converted_from=Path(source).name)), out / 'checkpoint.pth')
    return ConversionReport(out / 'config.py', out / 'checkpoint.pth', len(renamed), unused, sorted(fit.missing))


def rename(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Rename the authors' weights to ours, and remove the leading dimension of the contexts."""
    renamed = {}
    for name, value in weights.items():
        for pattern, replacement in RENAMES:
            new_name, count = re.subn(pattern, replacement, name)
            if count:
                break
        renamed[new_name] = value
    contexts = 'head.prompt_learner.contexts'
    if contexts in renamed:
        renamed[contexts] = renamed[contexts].squeeze(0)
    positions, class_embedding = 'backbone.visual.positional_embedding', 'backbone.visual.class_embedding'
    if class_embedding in renamed and positions in renamed:
        # their forward pass adds the class embedding twice: as the token, and to its position
        renamed[positions] = renamed[positions].clone()
        renamed[positions][0] += renamed[class_embedding]
    return renamed


def read_model_config(path: str) -> Tuple[dict, Optional[Tuple[int, int]], Optional[FlipPairs]]:
    """The authors' ``model`` dict, and if the file has them, the (w, h) of the network input and the flip pairs."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; give the authors' config (.py) or its model dict in JSON.")
    if file.suffix == '.json':
        remedy = "give the authors' config (.py) or its model dict in JSON"
        content = read_json(file, 'model config', remedy, expected=dict)
        model = content.get('config', content.get('model', content))
        size, flip_pairs = content.get('input_size'), content.get('flip_pairs')
    else:
        content = _read_python_config(file)
        model = content.get('model', {})
        size, flip_pairs = (content.get('data_cfg') or {}).get('image_size'), None
    if model.get('type') != 'CLAMP':
        raise ValueError(
            f'{file} describes a model of type {model.get("type")!r}; expected "CLAMP": give the config '
            "file of the authors' release."
        )
    return model, tuple(size) if size else None, flip_pairs


def _read_python_config(file: Path) -> dict:
    """Read an MMPose 0.x config without executing it, and without its base files, which only describe the data set."""
    text = re.sub(r'^_base_ = (\[[^\]]*\]|.*)$', '', read_text(file), flags=re.MULTILINE)
    text = re.sub(r'\{\{\s*_base_[^}]*\}\}', 'None', text)
    try:
        content = config_values(text)
    except ValueError as error:
        raise ValueError(f'{file} cannot be read: {error}; give the config of the release.') from error
    if not isinstance(content.get('model'), dict):
        raise ValueError(
            f'{file} has no "model" of plain data, such as model = dict(type="CLAMP", ...), which is read without '
            'executing the file.'
        )
    return content


def build_config(model: dict, input_size: Optional[Tuple[int, int]], flip_pairs: Optional[FlipPairs] = None) -> Config:
    """Convert the authors' ``model`` dict to a config of this package, with the test pipeline and the keypoints."""
    if model.get('matching_only'):
        raise ValueError('matching_only=True predicts from the score map alone; only the published model is converted.')
    backbone, keypoint_head, text = model['backbone'], model['keypoint_head'], model['text_encoder']
    input_size = input_size or (backbone['input_resolution'],) * 2
    arch, patch = _architecture(backbone, text)
    deconvs = tuple(keypoint_head.get('num_deconv_filters', (256, 256, 256)))
    names = keypoint_names(model['class_names'])
    prompt_encoder, decoder = model.get('prompt_encoder'), model['context_decoder']
    test_cfg = model.get('test_cfg') or {}
    codec = dict(
        type='KeypointHeatmap',
        input_size=input_size,
        heatmap_size=tuple(side // patch * 2 ** len(deconvs) for side in input_size),
        sigma=2,
    )
    drop_path = dict(drop_path_rate=backbone['drop_path_rate']) if backbone.get('drop_path_rate') else {}
    head = dict(
        type='CLAMPHead',
        in_channels=keypoint_head['in_channels'] - len(names),
        names=names,
        text_encoder=dict(type='CLIPTextEncoder', arch=arch),
        prompt_learner=dict(num_contexts=text['context_length'] - model['context_length']),
        prompt_encoder=prompt_encoder
        and dict(
            num_heads=prompt_encoder.get('transformer_heads', 8), num_layers=prompt_encoder.get('transformer_layers', 1)
        ),
        cross_attention=dict(
            width=decoder.get('transformer_width', 256),
            num_heads=decoder.get('transformer_heads', 4),
            num_layers=decoder.get('transformer_layers', 6),
            dropout=decoder.get('dropout', 0.1),
        ),
        deconv_out_channels=deconvs,
        deconv_kernel_sizes=tuple(keypoint_head.get('num_deconv_kernels', (4, 4, 4))),
        spatial_loss=_spatial_loss(model, deconvs),
        feature_loss=dict(sampling='nearest', average='all', loss_weight=model.get('CL_ratio', 1.0)),
        loss=dict(
            type='KeypointMSELoss',
            use_target_weight=True,
            loss_weight=keypoint_head.get('loss_keypoint', {}).get('loss_weight', 1.0),
        ),
        decoder=codec,
    )
    return Config(
        dict(
            custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
            codec=codec,
            model=dict(
                type='TopdownPoseEstimator',
                data_preprocessor=PREPROCESSOR,
                backbone=dict(
                    type='CLIPVisionTransformer' if 'patch_size' in arch['vision_cfg'] else 'CLIPResNet',
                    arch=arch,
                    out='embeddings',
                    **drop_path,
                ),
                head=head,
                test_cfg=dict(
                    flip_test=test_cfg.get('flip_test', True),
                    flip_mode='heatmap',
                    shift_heatmap=test_cfg.get('shift_heatmap', False),
                ),
            ),
            **_data(names, flip_pairs, input_size),
        )
    )


def _architecture(backbone: dict, text: dict) -> Tuple[dict, int]:
    """open_clip's architecture of the two towers, and the stride of the feature map in input pixels."""
    vision_cfg = dict(image_size=backbone['input_resolution'], layers=backbone.get('layers', 12))
    if backbone['type'] == 'CLIPVisionTransformer':
        if backbone.get('use_fpn', True):
            raise ValueError('use_fpn=True is not the published model; only plain CLIP towers are converted.')
        patch = backbone.get('patch_size', 32)
        width = backbone.get('width', 768)
        vision_cfg.update(patch_size=patch, width=width, head_width=width // backbone.get('heads', 12))
    elif backbone['type'] == 'CLIPResNetWithAttention':
        patch = 32
        width = backbone.get('width', 64)
        vision_cfg.update(
            width=width, head_width=width
        )  # their attention pooling always has 32 heads over 32 * width channels
    else:
        raise ValueError(f'backbone {backbone["type"]!r} is not one of the released CLAMP models: convert those only.')
    text_cfg = dict(
        context_length=text['context_length'],
        vocab_size=text.get('vocab_size', 49408),
        width=text.get('transformer_width', 512),
        heads=text.get('transformer_heads', 8),
        layers=text.get('transformer_layers', 12),
    )
    default_dim = 512 if 'patch_size' in vision_cfg else 1024
    return dict(
        embed_dim=backbone.get('output_dim', default_dim), quick_gelu=True, vision_cfg=vision_cfg, text_cfg=text_cfg
    ), patch


def _spatial_loss(model: dict, deconvs: tuple) -> Optional[dict]:
    if not model.get('identity_head'):
        return None
    upconv = model.get('upconv_head')
    if not upconv or len(upconv.get('num_deconv_filters', (256, 256, 256))) != len(deconvs):
        raise ValueError('the score map must be upsampled ("upconv_head") by as many deconvolutions as the heatmap.')
    return dict(upsample='deconv', loss_weight=model['identity_head'].get('loss_keypoint', {}).get('loss_weight', 1.0))


def _data(names: List[str], flip_pairs: Optional[FlipPairs], input_size: Tuple[int, int]) -> dict:
    """Test pipeline and data set: a known one if the keypoint names match, else one made from the names."""
    pipeline = [
        dict(type='LoadImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=input_size),
        dict(type='PackPoseInputs'),
    ]
    known = [dataset for dataset in KNOWN_DATASETS if _same_keypoints(keypoint_names(dataset), names)]
    if known:
        dataset = dict(type=known[0], **KNOWN_DATASETS[known[0]])
    else:
        dataset = dict(type='BaseCocoStyleDataset', metainfo=metainfo_from_names(names, flip_pairs))
    dataset.update(data_mode='topdown', test_mode=True, pipeline=pipeline)
    loader = dict(
        batch_size=32,
        num_workers=2,
        persistent_workers=True,
        drop_last=False,
        sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
        dataset=dataset,
    )
    return dict(
        dataset_type=dataset['type'],
        data_mode='topdown',
        train_dataloader=loader,
        test_dataloader=loader,
        test_evaluator=dict(type='CocoMetric'),
    )


def _same_keypoints(first: List[str], second: List[str]) -> bool:
    """Whether the names are equal, ignoring the order of the words in each ('tail root', 'root of tail')."""
    return len(first) == len(second) and all(
        set(a.split()) - {'of'} == set(readable_name(b).split()) - {'of'} for a, b in zip(first, second)
    )


def metainfo_from_names(names: List[str], flip_pairs: Optional[FlipPairs] = None) -> dict:
    """MMPose's metainfo made from keypoint names; without ``flip_pairs``, 'left x' is paired with 'right x'."""
    sides = {'left': 'right', 'right': 'left'}
    opposites = {names[i]: names[j] for pair in flip_pairs or () for i, j in (pair, pair[::-1])}

    def opposite(name: str) -> str:
        if flip_pairs is not None:
            return opposites.get(name, '')
        swapped = ' '.join(sides.get(word, word) for word in name.split())
        return swapped if swapped != name and swapped in names else ''

    return dict(
        dataset_name='converted',
        keypoint_info={
            i: dict(name=name, id=i, color=[51, 153, 255], type='', swap=opposite(name)) for i, name in enumerate(names)
        },
        skeleton_info={},
        joint_weights=[1.0] * len(names),
        sigmas=[0.05] * len(names),
    )
