import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmpose.apis import inference_topdown, init_model
from mmpose.structures import PoseDataSample
from tiny import NAMES, write_config, write_dots

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.apis.model_zoo import configs_root, find_model
from clamp_mmpose.cli import predict
from clamp_mmpose.visualization.score_maps import revert_score_maps

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """(config, checkpoint, images): a model whose keypoints move with the image."""
    folder = tmp_path_factory.mktemp('inferencer')
    data = write_dots(folder / 'data', num_images=5)
    config = write_config(folder / 'dots.py', data)
    torch.manual_seed(0)
    model = init_model(str(config), device='cpu')
    torch.nn.init.normal_(model.head.final_layer.weight)
    torch.save(dict(state_dict=model.state_dict()), folder / 'model.pth')
    return str(config), str(folder / 'model.pth'), sorted(map(str, (data / 'images').iterdir()))


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


def test_predict_refuses_files_it_would_overwrite_or_ignore(tmp_path):
    for name in ('a/1.jpg', 'b/1.png', 'b/2.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')
    assert list(predict.collect([str(tmp_path / 'b')]).values()) == [Path('1.png'), Path('2.png')]
    with pytest.raises(ValueError, match=r'a/1\.jpg and .*b/1\.png would both be written to 1\.json'):
        predict.collect([str(tmp_path / 'a'), str(tmp_path / 'b')])

    images = [str(tmp_path / 'b' / '1.png')]
    (tmp_path / 'boxes.json').write_text(json.dumps({f'{tmp_path}/a/../b/1.png': [[1, 2, 3, 4]]}))
    assert predict.find_boxes(str(tmp_path / 'boxes.json'), images) == {images[0]: [[1, 2, 3, 4]]}
    (tmp_path / 'boxes.json').write_text(json.dumps({'1.png': [[1, 2, 3, 4]]}))
    with pytest.raises(ValueError, match=r'boxes for 1 images that are not among the inputs, such as 1\.png'):
        predict.find_boxes(str(tmp_path / 'boxes.json'), images)


def test_predict_command(trained, tmp_path, capsys):
    images = tmp_path / 'images' / 'deep'
    images.mkdir(parents=True)
    for i, path in enumerate(trained[2][:3]):
        (images / f'{i}.png').write_bytes(Path(path).read_bytes()[: None if i else 900])
    boxes = {str(images / '1.png'): [[4, 4, 40, 60], [0, 0, 64, 64]]}
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
    options = ['--bboxes', str(tmp_path / 'boxes.json'), '--draw', 'score_maps', '--device', 'cpu']
    assert predict.main([*trained[:2], str(tmp_path / 'images'), '--out-dir', str(tmp_path / 'out'), *options]) == 1
    out, err = capsys.readouterr()
    assert '2 of 3 images done' in out and f'skipped {images / "0.png"}' in err
    assert sorted(path.name for path in (tmp_path / 'out/visualizations/deep').iterdir()) == ['1.png', '2.png']
    counts = [len(json.loads((tmp_path / f'out/predictions/deep/{i}.json').read_text())) for i in (1, 2)]
    assert counts == [2, 1]
    assert Config.fromfile(trained[0]).dataset_type == 'BaseCocoStyleDataset'  # no detector is known for it


def test_score_maps_are_lowest_outside_the_crop():
    """Cosines are often negative: 0 outside the crop would be brighter than its inside."""
    sample = PoseDataSample(metainfo=dict(input_center=np.array([32.0, 32.0]), input_scale=np.array([32.0, 32.0])))
    sample.pred_fields = PixelData(score_maps=np.linspace(-0.9, -0.1, 64, dtype=np.float32).reshape(1, 8, 8))
    whole = revert_score_maps(sample, (64, 64))
    assert whole.shape == (1, 64, 64)
    np.testing.assert_allclose([whole.min(), whole[0, 0, 0], whole[0, 60, 60]], -0.9, atol=1e-6)
    assert abs(whole[0, 32, 32] + 0.5) < 0.1
