"""Decoded keypoints are at the right place in the image, also for boxes of unusual shape."""

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.structures import InstanceData
from mmpose.registry import KEYPOINT_CODECS
from tiny import NAMES, build

CODEC = dict(type='KeypointHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
KEYPOINTS = np.array([[[30.5, 41.2], [80.0, 22.7], [55.3, 60.0], [12.1, 35.0], [95.0, 50.4]]], np.float32)


def sample(box, keypoints=KEYPOINTS, visible=None):
    flip_indices = [0, 2, 1, 3, 4][: keypoints.shape[1]]
    pipeline = Compose(
        [
            dict(type='GetBBoxCenterScale'),
            dict(type='TopdownAffine', input_size=(64, 64)),
            dict(type='GenerateTarget', encoder=CODEC),
            dict(type='PackPoseInputs'),
        ]
    )
    return pipeline(
        dict(
            img=np.zeros((80, 120, 3), np.uint8),
            img_shape=(80, 120),
            ori_shape=(80, 120),
            img_id=0,
            id=0,
            img_path='a.jpg',
            bbox=np.array([box], np.float32),
            bbox_score=np.ones(1, np.float32),
            keypoints=keypoints.copy(),
            keypoints_visible=np.ones(keypoints.shape[:2], np.float32) if visible is None else visible,
            flip_indices=flip_indices,
        )
    )


@pytest.mark.parametrize(
    'box',
    [
        [0, 10, 108, 70],
        [5, 30, 113, 66],  # 3:1
        [40, -60, 76, 150],  # 1:6 and beyond the border
        [-50, -40, 170, 120],
    ],
)
def test_heatmaps_decode_to_the_keypoints(box):
    packed = sample(box)
    data_sample = packed['data_samples']
    head = build().head
    decoded = head.decode(data_sample.gt_fields.heatmaps[None])[0]
    data_sample.set_metainfo(dict(flip_indices=[0, 2, 1, 3, 4]))
    data_sample.gt_instances = InstanceData(bboxes=np.array([box], np.float32), bbox_scores=np.ones(1, np.float32))
    placed = build().add_pred_to_datasample([decoded], None, [data_sample])[0].pred_instances.keypoints
    labeled = data_sample.gt_instance_labels.keypoint_weights.numpy()[0] > 0
    assert labeled.sum() >= 3
    # the decoder is accurate to a quarter of a heatmap pixel, 1/16 of the padded box
    cell = data_sample.metainfo['input_scale'] / 16
    assert (np.abs(placed - KEYPOINTS)[0][labeled] <= 0.5 * cell).all()


def test_labels_are_the_keypoints_in_input_pixels():
    """Box (0, 0, 100, 50): center (50, 25), 1.25 x 100 = 125 pixels wide and, as the input is square, high."""
    keypoints = np.array([[[50.0, 25.0], [112.5, 25.0], [0.0, 0.0], [50.0, 87.5], [20.0, 30.0]]], np.float32)
    labels = sample([0, 0, 100, 50], keypoints)['data_samples'].gt_instance_labels
    expected = [[32, 32], [64, 32], [32 - 25.6, 32 - 12.8], [32, 64], [32 - 15.36, 32 + 2.56]]
    np.testing.assert_allclose(labels.keypoint_labels[0].numpy(), expected, atol=1e-3)


def test_training_on_odd_boxes_and_on_an_image_without_labels():
    model = build()
    odd = [
        sample([5, 30, 113, 66]),
        sample([-50, -40, 170, 120]),
        sample([40, -60, 76, 150]),
        sample([0, 0, 100, 50], visible=np.zeros((1, 5), np.float32)),
    ]
    batch = model.data_preprocessor(
        dict(inputs=[packed['inputs'] for packed in odd], data_samples=[packed['data_samples'] for packed in odd]),
        training=True,
    )
    losses = model.loss(batch['inputs'], batch['data_samples'])
    assert all(torch.isfinite(value) for value in losses.values())
    unlabeled = model.loss(batch['inputs'][3:], batch['data_samples'][3:])
    assert all(unlabeled[name] == 0 for name in ('loss_kpt', 'loss_spatial', 'loss_feature'))


def test_one_keypoint():
    model = build(names=NAMES[:1])
    packed = sample([0, 10, 108, 70], KEYPOINTS[:, :1])
    batch = model.data_preprocessor(
        dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']]), training=True
    )
    losses = model.loss(batch['inputs'], batch['data_samples'])
    assert losses['loss_kpt'] > 0 and losses['loss_feature'] == 0  # with a single prompt there is no other to choose


def test_codec_is_the_stock_one_and_the_keypoints():
    stock = KEYPOINT_CODECS.build(dict(CODEC, type='MSRAHeatmap')).encode(KEYPOINTS / 2)
    ours = KEYPOINT_CODECS.build(CODEC).encode(KEYPOINTS / 2)
    for name in stock:
        np.testing.assert_array_equal(ours[name], stock[name])
    np.testing.assert_array_equal(ours['keypoint_labels'], KEYPOINTS / 2)
