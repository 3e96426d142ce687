"""Boxes without a detector: the whole image, then the box of the keypoints found there."""

import cv2
import numpy as np
import pytest
from mmengine.structures import InstanceData
from mmpose.structures import PoseDataSample

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.model_zoo import read_config
from clamp_mmpose.apis.two_pass import MARGIN, keypoints_box, whole_image
from clamp_mmpose.datasets.imports import LabeledInstance, boxes

POINTS = np.array([[100, 80], [130, 80], [100, 104], [130, 104], [115, 92]], float)  # 30 x 24


def shifted(pixels):
    return POINTS + np.array([pixels, 0])


def test_box_of_confident_keypoints():
    """The last one has less than a quarter of the best score; the margin is 15 % of the longer side, 30."""
    points = np.vstack([POINTS[:4], [[20, 300]]])
    box = keypoints_box(points, np.array([0.8, 0.2, 0.5, 0.6, 0.19]), (320, 400))
    assert box.tolist() == [[95.5, 75.5, 134.5, 108.5, 1]]
    wide = keypoints_box(points, np.array([0.8, 0.2, 0.5, 0.6, 0.2]), (320, 400))  # 110 x 220, clipped to the image
    np.testing.assert_allclose(wide, [[0, 47, 163, 320, 1]], rtol=1e-6)


def test_box_of_keypoints_seen_from_far():
    """A sixteenth of the 320 pixels that were seen is added to the 4.5."""
    box = keypoints_box(POINTS, np.ones(5), (320, 400), [0, 10, 320, 250, 1])
    assert box.tolist() == [[75.5, 55.5, 154.5, 128.5, 1]]


def test_box_of_one_keypoint():
    """A sixteenth of the image's longer side, inside the image."""
    scores = np.ones(1)
    assert keypoints_box(np.array([[100.0, 80]]), scores, (320, 400)).tolist() == [[87.5, 67.5, 112.5, 92.5, 1]]
    assert keypoints_box(np.array([[399.0, -5]]), scores, (320, 400)).tolist() == [[386.5, 0, 400, 12.5, 1]]


def test_no_finite_keypoint_gives_the_whole_image():
    assert keypoints_box(np.full((5, 2), np.nan), np.ones(5), (60, 80)).tolist() == [[0, 0, 80, 60, 1]]
    known = np.vstack([POINTS[:4], [[np.inf, 0]]])
    assert keypoints_box(known, np.ones(5), (320, 400)).tolist() == [[95.5, 75.5, 134.5, 108.5, 1]]


def test_margin_of_imported_data():
    """A model sees boxes as those that it was trained on."""
    assert MARGIN == boxes.MARGIN
    points = np.array([[100.0, 80]])
    imported = boxes.box_of(LabeledInstance(points), boxes.ALONE * 400)
    np.testing.assert_allclose(imported, keypoints_box(points, np.ones(1), (320, 400))[0, :4])


def test_whole_image_without_padding():
    """The pipeline pads by 1.25: 64 x 48 pixels around the center become 80 x 60."""
    assert whole_image((60, 80), 1.25).tolist() == [[8, 6, 72, 54, 1]]


@pytest.fixture
def find(trained, tmp_path, monkeypatch):
    """Runs images of 400 x 320 pixels; the model errs by a tenth of the crop's width. Returns boxes seen, results."""

    def find(images, weights=trained[1], options=None, **kwargs):
        inferencer = TextPoseInferencer(
            read_config(trained[0], options), weights, device='cpu', **kwargs.pop('init', {})
        )
        seen = []

        def test_step(data):
            samples = []
            for sample in data['data_samples']:
                seen.append(sample.gt_instances.bboxes[0].tolist())
                points = shifted(sample.input_scale[0] / 10)
                sample.pred_instances = InstanceData(
                    keypoints=points[None],
                    keypoint_scores=np.ones((1, 5)),
                    keypoints_visible=np.ones((1, 5)),
                    bboxes=sample.gt_instances.bboxes,
                    bbox_scores=sample.gt_instances.bbox_scores,
                )
                samples.append(PoseDataSample(metainfo=sample.metainfo, pred_instances=sample.pred_instances))
            return samples

        monkeypatch.setattr(inferencer.model, 'test_step', test_step)
        predictions = [found for result in inferencer(images, **kwargs) for found in result['predictions']]
        return np.array(seen), predictions

    return find


@pytest.fixture(scope='module')
def arena(tmp_path_factory):
    path = tmp_path_factory.mktemp('arena') / 'arena.png'
    cv2.imwrite(str(path), np.zeros((320, 400, 3), np.uint8))
    return str(path)


def test_passes(find, arena):
    """Errors of 40 pixels (of 400), 9.875 (of 79 * 1.25) and 6.109375 (of 48.875 * 1.25).

    The margins are 15 % of 30 pixels and a sixteenth of the box before, 320 and 79 pixels.
    """
    seen, predictions = find(arena, init=dict(det_model='two_pass'))
    expected = [[40, 32, 360, 288], [115.5, 55.5, 194.5, 128.5], [100.4375, 70.5625, 149.3125, 113.4375]]
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    np.testing.assert_allclose(predictions[0][0]['keypoints'], shifted(6.109375), rtol=1e-5)
    np.testing.assert_allclose(predictions[0][0]['bbox'][0], expected[2], rtol=1e-5)


def test_the_config_chooses_it(find, arena):
    two_pass = dict(find_instances='two_pass')
    assert len(find([arena] * 3, options=two_pass, batch_size=2)[0]) == 9
    assert find(arena, options=two_pass, init=dict(det_model='whole_image'))[0].tolist() == [[0, 0, 400, 320]]
    given = [[90, 70, 140, 114]]
    assert find(arena, options=two_pass, bboxes=[given])[0].tolist() == given
    with pytest.raises(ValueError, match="find_instances='detector', expected one of None, 'two_pass'"):
        find(arena, options=dict(find_instances='detector'))


def test_a_config_of_own_data_needs_no_data_mode(trained):
    """Its data set has it."""
    cfg = read_config(trained[0])
    cfg._cfg_dict.pop('data_mode')
    assert TextPoseInferencer(cfg, trained[1], device='cpu').cfg.data_mode == 'topdown'
    cfg.data_mode = 'bottomup'
    with pytest.raises(ValueError, match="this model is 'bottomup'"):
        TextPoseInferencer(cfg, trained[1], device='cpu')
