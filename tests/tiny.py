"""Tiny architectures and batches that several tests share."""

import json

import cv2
import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from clamp_mmpose.codecs import KeypointHeatmap

NAMES = ['nose', 'left eye', 'right eye', 'root of tail', 'left front paw']
TEXT = dict(context_length=24, vocab_size=49408, width=16, heads=2, layers=2)
VIT = dict(
    embed_dim=24, vision_cfg=dict(image_size=64, layers=2, width=32, head_width=16, patch_size=16), text_cfg=TEXT
)
RESNET = dict(embed_dim=24, vision_cfg=dict(image_size=64, layers=[1, 1, 1, 1], width=8, head_width=16), text_cfg=TEXT)

# the ablation of Table 8, on top of what follows
MATRIX = dict(prompts='matrix', text_encoder=None, prompt_encoder=None, cross_attention=None, embed_dims=24)


def head_config(arch=VIT, names=NAMES, **kwargs):
    num_deconvs = 2 if arch is VIT else 3
    return dict(
        dict(
            type='CLAMPHead',
            in_channels=32 if arch is VIT else 256,
            names=names,
            text_encoder=dict(type='CLIPTextEncoder', arch=arch),
            prompt_encoder=dict(num_heads=4),
            cross_attention=dict(width=16, num_heads=2, num_layers=2),
            deconv_out_channels=(16,) * num_deconvs,
            deconv_kernel_sizes=(4,) * num_deconvs,
            decoder=dict(type='KeypointHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1),
        ),
        **kwargs,
    )


def model_config(arch=VIT, backbone=None, **head):
    backbone = backbone or dict(
        type='CLIPVisionTransformer' if arch is VIT else 'CLIPResNet', arch=arch, out='embeddings'
    )
    return dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(
            type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
        ),
        backbone=backbone,
        head=head_config(arch, **head),
        test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True),
    )


def build(arch=VIT, **kwargs):
    torch.manual_seed(0)
    return MODELS.build(model_config(arch, **kwargs))


def text_query_config():
    """A whole config of a text-query model, for the inferencer."""
    size = (64, 64)
    head = dict(
        type='TextQueryHead',
        in_channels=32,
        text_encoder=dict(type='CLIPTextEncoder', arch=VIT),
        decoder=dict(type='RegressionLabel', input_size=size),
        width=32,
        num_heads=2,
        feedforward=64,
        encoder_layers=1,
        decoder_layers=1,
    )
    model = model_config(backbone=dict(type='CLIPVisionTransformer', arch=VIT, out='map'))
    model.update(head=head, test_cfg=dict(flip_test=False))
    pipeline = [
        dict(type='LoadIntactImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=size),
        dict(type='GetTextQueries'),
        dict(type='PackTextQueries'),
    ]
    loader = dict(dataset=dict(type='BaseCocoStyleDataset', metainfo=METAINFO, pipeline=pipeline))
    return dict(
        default_scope='mmpose',
        custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
        data_mode='topdown',
        dataset_type='BaseCocoStyleDataset',
        model=model,
        train_dataloader=loader,
        test_dataloader=loader,
        visualizer=dict(type='PoseLocalVisualizer', name='visualizer'),
    )


def samples(batch_size=2, num_keypoints=5, input_size=(64, 64), seed=0, visible=None):
    """Data samples as from the pipelines, with random keypoints inside the input."""
    rng = np.random.default_rng(seed)
    codec = KeypointHeatmap(input_size=input_size, heatmap_size=(input_size[0] // 4, input_size[1] // 4), sigma=1)
    batch = []
    for i in range(batch_size):
        keypoints = rng.uniform(4, np.array(input_size) - 4, (1, num_keypoints, 2)).astype(np.float32)
        shown = (
            np.ones((1, num_keypoints), np.float32)
            if visible is None
            else np.full((1, num_keypoints), visible, np.float32)
        )
        encoded = codec.encode(keypoints, shown)
        size = np.array(input_size, np.float32)
        sample = PoseDataSample(
            metainfo=dict(
                id=i,
                img_id=i,
                img_path=f'{i}.jpg',
                input_size=input_size,
                input_center=size / 2,
                input_scale=size,
                ori_shape=input_size[::-1],
                flip_indices=[0, 2, 1, 3, 4][:num_keypoints],
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=np.array([[0, 0, *size]], np.float32),
            bbox_scores=np.ones(1, np.float32),
            keypoints=keypoints,
            keypoints_visible=shown,
        )
        sample.gt_instance_labels = InstanceData(
            keypoint_labels=encoded['keypoint_labels'], keypoint_weights=encoded['keypoint_weights']
        ).to_tensor()
        sample.gt_fields = PixelData(heatmaps=encoded['heatmaps']).to_tensor()
        batch.append(sample)
    return batch


METAINFO = dict(
    dataset_name='dots',
    keypoint_info={
        i: dict(name=name, id=i, color=[255, 0, 0], type='', swap=swap)
        for i, (name, swap) in enumerate(zip(NAMES, ['', 'right eye', 'left eye', '', '']))
    },
    skeleton_info={},
    joint_weights=[1.0] * 5,
    sigmas=[0.1] * 5,
)


def write_dots(folder, num_images=12, num_keypoints=5, size=64, seed=0):
    """Write a COCO-style data set of colored dots, one instance for each image; some keypoints are not labeled."""
    rng = np.random.default_rng(seed)
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for i in range(num_images):
        image = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
        points = rng.uniform(8, size - 8, (num_keypoints, 2)).round(1)
        labeled = rng.uniform(size=num_keypoints) > 0.2
        labeled[0] = True
        for k, (x, y) in enumerate(points):
            cv2.circle(
                image,
                (int(x), int(y)),
                4,
                [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)][k % 5],
                -1,
            )
        name = f'{i:03d}.png'
        cv2.imwrite(str(folder / 'images' / name), image)
        images.append(dict(id=i, file_name=name, width=size, height=size))
        keypoints = [value for (x, y), v in zip(points, labeled) for value in ((x, y, 2) if v else (0, 0, 0))]
        annotations.append(
            dict(
                id=i,
                image_id=i,
                category_id=1,
                bbox=[2, 2, size - 4, size - 4],
                iscrowd=0,
                area=(size - 4) ** 2,
                keypoints=keypoints,
                num_keypoints=int(labeled.sum()),
            )
        )
    (folder / 'dots.json').write_text(
        json.dumps(
            dict(
                images=images,
                annotations=annotations,
                categories=[dict(id=1, name='dots', keypoints=NAMES[:num_keypoints])],
            )
        )
    )
    return folder


def write_config(path, data, augment=True, extra=''):
    """Write a training config for the dots, for the tools to read."""
    codec = dict(type='KeypointHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
    random = (
        [dict(type='RandomFlip', direction='horizontal'), dict(type='RandomBBoxTransform', rotate_factor=60.0)]
        if augment
        else []
    )
    loading = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale')]
    affine = dict(type='TopdownAffine', input_size=(64, 64))
    dataset = dict(
        type='BaseCocoStyleDataset',
        metainfo=METAINFO,
        data_root=str(data),
        data_prefix=dict(img='images/'),
        ann_file='dots.json',
        data_mode='topdown',
    )
    train = dict(
        dataset,
        pipeline=[*loading, *random, affine, dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')],
    )
    val = dict(dataset, test_mode=True, pipeline=[*loading, affine, dict(type='PackPoseInputs')])
    path.write_text(f"""_base_ = ['mmpose::_base_/default_runtime.py']
custom_imports = dict(imports=['clamp_mmpose'], allow_failed_imports=False)
randomness = dict(seed=3)
dataset_type, data_mode = 'BaseCocoStyleDataset', 'topdown'
custom_hooks = [dict(type='EpochSeedHook')]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1, max_keep_ckpts=2))
codec = {codec!r}
model = {model_config()!r}
train_dataloader = dict(batch_size=4, num_workers=2, persistent_workers=True,
                        sampler=dict(type='DefaultSampler', shuffle=True), dataset={train!r})
val_dataloader = dict(batch_size=4, num_workers=0, drop_last=False,
                      sampler=dict(type='DefaultSampler', shuffle=False, round_up=False), dataset={val!r})
test_dataloader = val_dataloader
val_evaluator = [dict(type='CocoMetric'), dict(type='PCKAccuracy', thr=0.2)]
test_evaluator = val_evaluator
train_cfg = dict(by_epoch=True, max_epochs=4, val_interval=100)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
{extra}
""")
    return path
