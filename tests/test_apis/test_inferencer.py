import json
import re
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmpose.apis import inference_topdown, init_model
from mmpose.structures import PoseDataSample
from tiny import NAMES

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.model_zoo import configs_root, find_model
from clamp_mmpose.visualization.score_maps import revert_score_maps

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def inferencer(trained):
    return TextPoseInferencer(trained[0], trained[1], device='cpu')


def run(inferencer, *args, **kwargs):
    """(predictions per image, visualizations per image) of all batches."""
    predictions, drawn = [], []
    for result in inferencer(*args, **kwargs):
        predictions += result['predictions']
        drawn += result['visualization'] or []
    return predictions, drawn


BOXES = [[[4, 4, 40, 60], [10, 0, 64, 30]], [], [[0, 0, 64, 64]], [[-20, -10, 50, 100]], [[20, 30, 80, 50]]]


def test_boxes_and_batches_agree_with_mmpose(trained, inferencer):
    """Every instance is what MMPose's own inference_topdown gives for its box, whatever the batch size."""
    model = init_model(trained[0], trained[1], device='cpu')
    for batch_size in (1, 2, 8):
        predictions, _ = run(inferencer, trained[2], bboxes=BOXES, batch_size=batch_size)
        assert [len(instances) for instances in predictions] == [2, 0, 1, 1, 1]
        for path, boxes, instances in zip(trained[2], BOXES, predictions):
            if not boxes:
                continue
            expected = inference_topdown(model, path, boxes)
            for instance, sample in zip(instances, expected):
                assert np.allclose(instance['keypoints'], sample.pred_instances.keypoints[0], atol=1e-3)
                assert np.allclose(instance['keypoint_scores'], sample.pred_instances.keypoint_scores[0], atol=1e-5)
                assert instance['keypoint_names'] == NAMES
            assert np.allclose([instance['bbox'][0] for instance in instances], boxes)


def test_batch_size_counts_images(trained, inferencer):
    sizes = []
    hook = inferencer.model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    inferencer.model.test_cfg['flip_test'] = False
    try:
        run(inferencer, trained[2], bboxes=BOXES, batch_size=3)
    finally:
        hook.remove()
        inferencer.model.test_cfg['flip_test'] = True
    assert sizes == [3, 2]  # two, none and one instance; then one and one


def test_one_image_with_only_its_boxes(trained, inferencer):
    predictions, _ = run(inferencer, trained[2][0], bboxes=BOXES[0])
    many, _ = run(inferencer, trained[2], bboxes=BOXES)
    assert predictions[0] == many[0]
    from_array, _ = run(inferencer, cv2.imread(trained[2][0]), bboxes=BOXES[0])
    assert from_array[0] == predictions[0]


def test_whole_image_is_logged(trained):
    inferencer = TextPoseInferencer(trained[0], trained[1], device='cpu')
    logger, logged = MMLogger.get_current_instance(), []
    plain, logger.info = logger.info, logged.append
    try:
        predictions, _ = run(inferencer, trained[2][:2])
    finally:
        logger.info = plain
    assert [message for message in logged if 'each whole image is one instance' in message] == logged[-1:]
    expected, _ = run(inferencer, trained[2][:2], bboxes=[[[0, 0, 64, 64]]] * 2)
    assert predictions == expected


@pytest.mark.parametrize(
    'boxes, message',
    [
        ([[[0, 0, 9, 9]]], 'bboxes has 1 entries for 2 images'),
        ([[[0, 0, 9]], []], r'bboxes\[0\] must be rows of \(x1, y1, x2, y2\)'),
        ([[], [[9, 0, 0, 9]]], r'bboxes\[1\] must be rows'),
        ([[], [[0, 0, float('nan'), 9]]], r'bboxes\[1\] must be rows'),
    ],
)
def test_bad_boxes(trained, inferencer, boxes, message):
    with pytest.raises(ValueError, match=message):
        run(inferencer, trained[2][:2], bboxes=boxes)


def test_bad_images(trained, inferencer, tmp_path):
    content = Path(trained[2][0]).read_bytes()
    (tmp_path / 'a.png').write_bytes(content)
    (tmp_path / 'b.png').write_bytes(content[:1000])
    (tmp_path / 'c.png').write_bytes(content)
    (tmp_path / 'notes.txt').write_text('no image')
    with pytest.raises(ValueError, match=r'b\.png is truncated'):
        run(inferencer, str(tmp_path), batch_size=4)
    predictions, _ = run(inferencer, str(tmp_path), batch_size=4, on_error='skip')
    assert len(predictions) == 2 and predictions[0] == predictions[1]
    assert [Path(path).name for path, _ in inferencer.failures] == ['b.png']
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg does not exist'):
        run(inferencer, 'nowhere.jpg')


def test_one_bad_box_costs_only_its_image(trained, inferencer):
    boxes = [[[0, 0, 64, 64]], [[0, 0, 9, 9], [0, 0, 9]], [[70, 0, 80, 9]], [['a', 0, 0, 9]], [[0, 0, 1e30, 1e30]]]
    predictions, drawn = run(inferencer, trained[2], bboxes=boxes, on_error='skip', batch_size=2, return_vis=True)
    failures = inferencer.failures
    alone, _ = run(inferencer, trained[2][:1], bboxes=boxes[:1])
    assert predictions == alone and len(drawn) == 1
    assert [path for path, _ in failures] == trained[2][1:]
    reasons = ['box 1 of .*001.png is', 'box 0 .* outside .*002.png', 'box 0 of .*003.png is', 'beyond .*004.png']
    for (_, error), reason in zip(failures, reasons):
        assert re.search(reason, str(error))


def test_crops_run_in_limited_batches(trained, inferencer, monkeypatch):
    """One image with 70 boxes: batches of 32, made when they are needed, with the results of separate calls."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 30, (70, 2))
    boxes = np.hstack([corners, corners + rng.uniform(10, 30, (70, 2))])
    image = trained[2][0]
    parts = [run(inferencer, image, bboxes=[boxes[i : i + 32]])[0][0] for i in (0, 32, 64)]
    maps = [
        run(inferencer, image, bboxes=[boxes[i : i + 32]], draw_score_maps=True, return_datasamples=True)[0][0]
        for i in (0, 32, 64)
    ]
    made, batches = [], []
    pipeline, test_step = inferencer.pipeline, inferencer.model.test_step
    monkeypatch.setattr(inferencer, 'pipeline', lambda crop: made.append(1) or pipeline(crop))

    def spy(batch):
        batches.append((len(batch['inputs']), len(made)))
        return test_step(batch)

    monkeypatch.setattr(inferencer.model, 'test_step', spy)
    predictions, _ = run(inferencer, image, bboxes=[boxes])
    assert batches == [(32, 32), (32, 64), (6, 70)]
    assert predictions[0] == [*parts[0], *parts[1], *parts[2]]
    whole = run(inferencer, image, bboxes=[boxes], draw_score_maps=True, return_datasamples=True)[0][0]
    expected = np.max([part.pred_fields.score_maps for part in maps], axis=0)
    np.testing.assert_array_equal(whole.pred_fields.score_maps, expected)
    batches.clear()
    run(inferencer, trained[2], bboxes=[boxes[:20]] * 5, batch_size=40)
    assert [size for size, _ in batches] == [40, 40, 20]  # across images; --batch-size may raise the limit
    for number in (0, -1, 2.5, '8', None, True):
        with pytest.raises(ValueError, match=f'batch_size={number!r}, expected at least 1 image'):
            run(inferencer, image, batch_size=number)
    for threshold in ('bbox_thr', 'nms_thr', 'kpt_thr'):
        for value in (float('nan'), float('inf'), None, '0.3', [0.3], True):
            with pytest.raises(ValueError, match=f'{threshold}=.*, expected a finite number'):
                run(inferencer, image, **{threshold: value})


@pytest.mark.parametrize('field', ['keypoints', 'keypoint_scores'])
def test_nan_predictions_are_errors(trained, inferencer, monkeypatch, field):
    """The model gives NaN for the second keypoint of the second instance of the second image."""
    test_step = inferencer.model.test_step

    def broken(batch):
        samples = test_step(batch)
        for sample in samples:
            if sample.img_path == trained[2][1] and sample.gt_instances.bboxes[0, 0] == 5:
                getattr(sample.pred_instances, field)[0, 1] = np.nan
        return samples

    expected, shown = run(inferencer, trained[2][:3], return_vis=True)
    monkeypatch.setattr(inferencer.model, 'test_step', broken)
    boxes = [[[0, 0, 64, 64]], [[0, 0, 64, 64], [5, 0, 64, 64]], [[0, 0, 64, 64]]]
    message = rf"001\.png: the {field} of 'left eye' of instance 1 are .*nan.*diverged"
    with pytest.raises(ValueError, match=message):
        run(inferencer, trained[2][:3], bboxes=boxes, batch_size=3)
    predictions, drawn = run(inferencer, trained[2][:3], bboxes=boxes, batch_size=3, on_error='skip', return_vis=True)
    assert predictions == [expected[0], expected[2]] and len(drawn) == 2
    np.testing.assert_array_equal(drawn, [shown[0], shown[2]])  # each on its own image
    ((path, error),) = inferencer.failures
    assert path == trained[2][1] and re.search(message, str(error))


def test_arrays_pil_images_and_files_agree(trained, inferencer):
    array = cv2.imread(trained[2][0])
    expected, _ = run(inferencer, trained[2][0])
    with PIL.Image.open(trained[2][0]) as image:
        for same in (array, image, Path(trained[2][0]), [array], (array,), iter([image])):
            assert run(inferencer, same)[0] == expected
    gray = array[..., 0]
    assert run(inferencer, gray)[0] == run(inferencer, np.stack([gray] * 3, axis=2))[0]
    for wrong in (array.astype(np.uint16), array / 255, torch.from_numpy(array), array[None], array[..., :2]):
        with pytest.raises(ValueError, match=r'image 0 is .*expected uint8 \[H, W, 3\]'):
            run(inferencer, wrong)
    predictions, _ = run(inferencer, [array, array / 255, image], on_error='skip')
    assert predictions == expected * 2 and len(inferencer.failures) == 1


def test_weights_alone(trained, tmp_path, inferencer):
    """Checkpoints in other layouts than MMEngine's: their weights are really loaded."""
    weights = torch.load(trained[1])['state_dict']
    expected, _ = run(inferencer, trained[2][0])
    for content in (weights, dict(model=weights), {f'module.{name}': value for name, value in weights.items()}):
        torch.save(content, tmp_path / 'other.pth')
        other = TextPoseInferencer(trained[0], str(tmp_path / 'other.pth'), device='cpu')
        assert run(other, trained[2][0])[0] == expected


def test_files_with_equal_names(trained, inferencer, tmp_path):
    (tmp_path / 'a').mkdir()
    copy = tmp_path / 'a' / '000.png'
    copy.write_bytes(Path(trained[2][0]).read_bytes())
    run(inferencer, [str(copy), trained[2][0], trained[2][1]], out_dir=str(tmp_path / 'out'))
    names = [str(path.relative_to(tmp_path / 'out')) for path in (tmp_path / 'out').rglob('*.json')]
    assert sorted(names) == [f'predictions/{name}' for name in ('001.json', 'a/000.png.json', 'images/000.png.json')]
    with pytest.raises(ValueError, match=r'000\.png is an input and would be overwritten'):
        run(inferencer, [str(copy)], vis_out_dir=str(tmp_path / 'a'))
    assert copy.read_bytes() == Path(trained[2][0]).read_bytes()


def test_files_it_writes(trained, inferencer, tmp_path):
    run(inferencer, trained[2], bboxes=BOXES, out_dir=str(tmp_path), batch_size=2)
    written = json.loads((tmp_path / 'predictions' / '000.json').read_text())
    assert len(written) == 2 and written[0]['keypoint_names'] == NAMES
    assert cv2.imread(str(tmp_path / 'visualizations' / '004.png')).shape == (64, 64, 3)


def test_score_maps(trained, inferencer):
    _, drawn = run(inferencer, trained[2][:1], return_vis=True, draw_score_maps=True, return_datasamples=False)
    assert drawn[0].shape == (240 + 22, 5 * 240, 3)  # five keypoints in a row, each below its name
    samples, _ = run(inferencer, trained[2][:1], draw_score_maps=True, return_datasamples=True)
    maps = samples[0].pred_fields.score_maps
    assert maps.shape == (5, 64, 64)
    tile = drawn[0][22:, :240].mean(axis=2)
    y, x = np.unravel_index(maps[0].argmax(), (64, 64))
    v, u = np.unravel_index(maps[0].argmin(), (64, 64))
    around = [
        tile[max(0, int(r * 3.75) - 8) : int(r * 3.75) + 8, max(0, int(c * 3.75) - 8) : int(c * 3.75) + 8].mean()
        for r, c in ((y, x), (v, u))
    ]
    assert around[0] > around[1]  # bright where the prompt matches
    predictions, _ = run(inferencer, trained[2][:1])
    assert 'score_maps' not in predictions[0][0]


def test_aliases_and_weights(trained):
    assert find_model('clamp_vit-b_ap10k').config == str(configs_root() / 'configs/clamp/ap10k/clamp_vit-b_ap10k.py')
    assert find_model('human') is None  # an alias of MMPose
    with pytest.raises(ValueError, match='clamp_vit-b_ap10k has no published weights: give weights=CHECKPOINT'):
        TextPoseInferencer('clamp_vit-b_ap10k')
    with pytest.raises(ValueError, match='this config has no published weights'):
        TextPoseInferencer(trained[0])
    with pytest.raises(ValueError, match=r'model\.pth does not fit this model'):
        TextPoseInferencer('clamp_rn50_ap10k', weights=trained[1], device='cpu')


def test_every_alias_has_its_config():
    import yaml

    for metafile in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']:
        models = yaml.safe_load((ROOT / metafile).read_text())['Models']
        assert {Path(model['Config']).parent for model in models} == {Path(metafile).parent}
        assert all((ROOT / model['Config']).is_file() for model in models)
        assert all(Path(model['Config']).stem == model['Name'] for model in models)
        configs = {path.stem for path in (ROOT / metafile).parent.glob('*.py')}
        assert configs == {model['Name'] for model in models}


def test_boxes_of_a_detector(trained):
    """Detections are filtered by class, score and overlap."""
    inferencer = TextPoseInferencer(trained[0], trained[1], device='cpu')

    class Detected:
        bboxes = np.array(
            [[4.0, 4.0, 40.0, 60.0], [5.0, 4.0, 41.0, 60.0], [0.0, 0.0, 20.0, 20.0], [30.0, 30.0, 60.0, 60.0]]
        )
        scores = np.array([0.9, 0.8, 0.7, 0.2])
        labels = np.array([3, 3, 5, 3])

        def cpu(self):
            return self

        def numpy(self):
            return self

    class Sample:
        pred_instances = Detected()

    inferencer.detector = lambda image, return_datasamples: dict(predictions=[Sample()])
    inferencer.det_cat_ids = (3,)
    predictions, _ = run(inferencer, trained[2][:1])
    assert [instance['bbox'][0] for instance in predictions[0]] == [[4, 4, 40, 60]]


def test_failing_detector_is_not_skipped(trained):
    inferencer = TextPoseInferencer(trained[0], trained[1], device='cpu')

    def build():
        raise RuntimeError('no weights')

    inferencer._build_detector = build
    with pytest.raises(RuntimeError, match='no weights'):
        run(inferencer, trained[2], on_error='skip')


def test_bottom_up_models_are_refused(trained):
    config = Config.fromfile(trained[0])
    config.data_mode = 'bottomup'
    with pytest.raises(ValueError, match="this model is 'bottomup'; MMPose's Pose2DInferencer"):
        TextPoseInferencer(config, trained[1], device='cpu')


def test_score_maps_are_lowest_outside_the_crop():
    """Cosines are often negative: 0 outside the crop would be brighter than its inside."""
    sample = PoseDataSample(metainfo=dict(input_center=np.array([32.0, 32.0]), input_scale=np.array([32.0, 32.0])))
    sample.pred_fields = PixelData(score_maps=np.linspace(-0.9, -0.1, 64, dtype=np.float32).reshape(1, 8, 8))
    whole = revert_score_maps(sample, (64, 64))
    assert whole.shape == (1, 64, 64)
    np.testing.assert_allclose([whole.min(), whole[0, 0, 0], whole[0, 60, 60]], -0.9, atol=1e-6)
    assert abs(whole[0, 32, 32] + 0.5) < 0.1
