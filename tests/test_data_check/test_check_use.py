"""What the check says of an evaluation is what the evaluation does: both run on the same tiny data sets."""

import copy
import json

import pytest
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MessageHub
from mmpose.registry import DATASETS

from clamp_mmpose.data_check.check import check_config
from clamp_mmpose.data_check.use import _wrapped

SIZES = dict(input_size=(64, 64), heatmap_size=(16, 16))
CODEC = dict(type='MSRAHeatmap', sigma=2, **SIZES)
LOAD = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale')]
CROP = dict(type='TopdownAffine', input_size=(64, 64))
TARGET = dict(type='GenerateTarget', encoder=CODEC)
PACK = dict(type='PackPoseInputs')


@pytest.fixture
def cfg(toy):
    """A config that trains and evaluates on the toy data set, which has labels for the first two keypoints."""
    val = dict(copy.deepcopy(toy.dataset), test_mode=True, pipeline=[*LOAD, CROP, PACK])
    return Config(
        dict(
            model=dict(head=dict(out_channels=3, decoder=CODEC), test_cfg=dict(flip_test=True)),
            val_dataloader=dict(dataset=val),
            val_evaluator=[dict(type='CocoMetric')],
            val_cfg=dict(),
            default_hooks=dict(checkpoint=dict(save_best='coco/AP', rule='greater')),
        )
    )


def evaluate(cfg) -> dict:
    """The evaluation of the ground truth as predictions, without the check's code."""
    MessageHub.get_current_instance().runtime_info.clear()  # it holds the annotation file of an earlier test
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    samples = [dataset[i]['data_samples'] for i in range(len(dataset))]
    for sample in samples:
        truth = sample.gt_instances
        sample.pred_instances = truth.clone()
        sample.pred_instances.keypoint_scores = truth.keypoints_visible.reshape(
            1, -1, *truth.keypoints_visible.shape[2:]
        )
        if sample.pred_instances.keypoint_scores.ndim == 3:
            sample.pred_instances.keypoint_scores = sample.pred_instances.keypoint_scores[..., 0]
    metrics = cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]
    evaluator = Evaluator([copy.deepcopy(dict(metric)) for metric in metrics])
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(samples, None)
    return evaluator.evaluate(len(samples))


def codes(cfg, levels=('error', 'warning')) -> set:
    return {finding.code for finding in check_config(cfg, images=False).findings if finding.level in levels}


def test_clean(cfg, capfd):
    assert check_config(cfg).findings == []
    assert capfd.readouterr() == ('', '')  # COCO's tools print
    assert evaluate(cfg)['coco/AP'] == pytest.approx(1)


def annotate(**values):
    return lambda cfg, toy: [ann.update(values) for ann in toy.content['annotations']]


def without(key):
    return lambda cfg, toy: toy.content['annotations'][1].pop(key)


def metrics(*metrics):
    return lambda cfg, toy: cfg.update(val_evaluator=[dict(metric) for metric in metrics])


def no_sigmas(cfg, toy):
    cfg.val_dataloader.dataset.metainfo.sigmas = []


def convert(*mapping, number=2):
    def spoil(cfg, toy):
        step = dict(type='KeypointConverter', num_keypoints=number, mapping=list(mapping))
        cfg.val_dataloader.dataset.pipeline = [*LOAD, step, CROP, PACK]
        cfg.model.head.out_channels = number

    return spoil


def detect(metric='CocoMetric', **values):
    def spoil(cfg, toy):
        box = dict(dict(image_id=0, category_id=1, bbox=[4, 5, 40, 30], score=0.9), **values)
        boxes = [dict(box, image_id=i) if 'image_id' not in values else box for i in range(4)]
        (toy.root / 'boxes.json').write_text(json.dumps(boxes))
        cfg.val_dataloader.dataset.bbox_file = str(toy.root / 'boxes.json')
        cfg.val_evaluator = [dict(type=metric)]

    return spoil


def other_file(cfg, toy):
    content = copy.deepcopy(toy.content)
    for image, ann in zip(content['images'], content['annotations']):
        image['id'] = ann['image_id'] = image['id'] + 100
    (toy.root / 'other.json').write_text(json.dumps(content))
    cfg.val_evaluator = [dict(type='CocoMetric', ann_file=str(toy.root / 'other.json'))]


FAILS = {
    'no sigmas': (no_sigmas, {'EV004'}),
    'no area': (without('area'), {'BX008', 'EV005'}),
    'no keypoints': (without('keypoints'), {'BX001', 'EV005'}),
    'predictions of other keypoints': (convert((0, 0), (1, 1)), {'EV008', 'PL002'}),
    'converter beyond the keypoints': (convert((0, 0), (7, 1)), {'PL001'}),
    'PCKh': (metrics(dict(type='PCKAccuracy', norm_item='head')), {'EV008'}),
    'tPCK': (metrics(dict(type='PCKAccuracy', norm_item='torso')), {'EV008'}),
    'JHMDB': (metrics(dict(type='JhmdbPCKAccuracy')), {'EV008'}),
    'NME of an unknown set': (metrics(dict(type='NME', norm_mode='keypoint_distance')), {'EV008'}),
    'NME of absent keypoints': (
        metrics(dict(type='NME', norm_mode='keypoint_distance', keypoint_indices=[0, 9])),
        {'EV008'},
    ),
    'crowd': (metrics(dict(type='CocoMetric', iou_type='keypoints_crowd')), {'EV008'}),
    'unknown metric': (metrics(dict(type='MyMetric')), {'EV003'}),
    'wrong argument': (metrics(dict(type='PCKAccuracy', threshold=0.1)), {'EV008'}),
    'CapePCK': (metrics(dict(type='CapePCK')), {'EV008'}),
    'annotations of others': (other_file, {'EV006', 'EV008'}),
    'detections of others': (detect(image_id=77), {'DT006', 'DT008'}),
    'detections without score': (lambda c, t: [detect()(c, t), drop_score(t)], {'DT005'}),
}


def drop_score(toy):
    boxes = json.loads((toy.root / 'boxes.json').read_text())
    del boxes[0]['score']
    (toy.root / 'boxes.json').write_text(json.dumps(boxes))


@pytest.mark.parametrize('name', FAILS)
def test_what_fails_in_the_evaluation_is_found(cfg, toy, name):
    spoil, expected = FAILS[name]
    spoil(cfg, toy)
    toy.write()
    if 'EV008' in expected or 'EV005' in expected or 'PL001' in expected:
        cfg.default_hooks = None
    assert codes(cfg) == expected
    with pytest.raises(Exception):  # noqa: B017 (of many kinds; the check names it)
        evaluate(cfg)


@pytest.mark.parametrize(
    'spoil, expected',
    [
        (without('bbox'), {'BX001', 'EV005', 'EV013'}),  # its instance counts as missed
        (detect('PCKAccuracy'), {'EV007'}),  # gives a number, of zeros
        (detect('PCKTable'), {'EV007'}),
        (detect(category_id=3), {'DT003'}),
        (detect(bbox=[4, 5, 0, 30]), {'DT007'}),
        (detect(score=float('nan')), {'DT009'}),
        (metrics(dict(type='PCKAccuracy')), {'EV009'}),
        (lambda c, t: c.val_dataloader.dataset.update(pipeline=[*LOAD, CROP, dict(PACK, meta_keys=META)]), {'PL002'}),
        (lambda c, t: c.val_dataloader.dataset.update(pipeline=[*LOAD, CROP]), {'PL001'}),
        (lambda c, t: c.model.head.decoder.update(input_size=(32, 32)), {'PL003'}),
        (lambda c, t: c.update(val_evaluator=None), {'EV001'}),
        (lambda c, t: c.update(test_evaluator=dict(type='CocoMetric')), {'EV002'}),
        (annotate(num_keypoints=0), {'AF007', 'KP006'}),
    ],
)
def test_what_gives_a_wrong_number_is_found(cfg, toy, spoil, expected):
    spoil(cfg, toy)
    toy.write()
    assert codes(cfg) == expected


META = ('id', 'img_id', 'img_path', 'category_id', 'ori_shape', 'input_size', 'input_center', 'input_scale')


@pytest.mark.parametrize(
    'spoil, code, values',
    [
        (no_sigmas, 'EV010', {'coco/PCK': 1}),
        (without('area'), 'EV011', {'coco/AP': 1, 'coco/AR': 1}),
        (without('keypoints'), None, {'coco/AP': 1, 'coco/AR': 1}),
        (
            lambda c, t: [without('area')(c, t), c.val_dataloader.dataset.pop('test_mode')],
            'EV011',
            {'coco/AP': 1, 'coco/AR': 1},
        ),
    ],
)
def test_coco_or_pck_scores_what_coco_metric_cannot(cfg, toy, spoil, code, values):
    cfg.val_evaluator = [dict(type='CocoOrPCK')]
    cfg.default_hooks.checkpoint.save_best = 'auto'
    spoil(cfg, toy)
    toy.write()
    assert codes(cfg, ['error']) == set()
    assert codes(cfg, ['info']) == ({code} if code else set())
    found = evaluate(cfg)
    assert {key: found[key] for key in values} == pytest.approx(values)


@pytest.mark.parametrize('kind', ['ZebraDataset', 'Horse10Dataset'])
def test_data_sets_of_mmpose_without_sigmas(cfg, toy, kind):
    metainfo = DATASETS.get(kind)._load_metainfo()
    number = metainfo['num_keypoints']
    points = [value for k in range(number) for value in (10 + k, 11 + k % 20, 2)]
    for ann in toy.content['annotations']:
        ann.update(keypoints=points, num_keypoints=number)
    toy.content['categories'][0]['keypoints'] = [metainfo['keypoint_id2name'][i] for i in range(number)]
    toy.write()
    cfg.val_dataloader.dataset.update(type=kind)
    del cfg.val_dataloader.dataset['metainfo']
    cfg.model.head.out_channels = number
    assert 'EV004' in codes(cfg)
    cfg.val_evaluator, cfg.default_hooks = dict(type='CocoOrPCK'), None
    assert codes(cfg, ['error']) == set()
    assert evaluate(cfg)['coco/PCK'] == 1


def test_a_metric_that_converts_both_sides(cfg):
    """The head predicts two of the three keypoints, in another order."""
    mapping = [(0, 1), (1, 0)]
    cfg.model.head.out_channels = 2
    cfg.val_evaluator = dict(
        type='CocoMetric',
        gt_converter=dict(type='KeypointConverter', num_keypoints=2, mapping=mapping),
        pred_converter=dict(type='KeypointConverter', num_keypoints=2, mapping=[(0, 0), (1, 1)]),
    )
    for converter in (cfg.val_evaluator.gt_converter, cfg.val_evaluator.pred_converter):
        converter.pop('type')
    assert codes(cfg, ['error']) == set()


def test_an_odd_annotation_far_behind_is_tried(cfg, toy):
    """The trial takes some of each kind of annotation, not the first ones."""
    ann, image = toy.content['annotations'][0], toy.content['images'][0]
    toy.content['images'] = [dict(image, id=i, file_name=f'{i}.jpg') for i in range(200)]
    toy.content['annotations'] = [dict(ann, id=i, image_id=i) for i in range(200)]
    toy.content['annotations'][150]['area'] = '1200'
    toy.write()
    assert {'BX009', 'EV014'} <= codes(cfg, ['error', 'info'])


@pytest.mark.parametrize(
    'metric, checkpoint, expected',
    [
        (dict(type='EPE'), dict(save_best='auto', rule='greater'), {'EV015'}),
        (dict(type='EPE'), dict(save_best='EPE', rule='less'), set()),
        (dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size'), dict(save_best='NME', rule='less'), set()),
        (dict(type='CocoMetric'), dict(save_best='auto', rule='less'), {'EV015'}),
        (dict(type='CocoMetric'), dict(save_best=['coco/AP', 'coco/AR'], rule=['greater', 'less']), {'EV015'}),
        (dict(type='CocoMetric'), dict(save_best=['coco/AP', 'coco/AR'], rule='greater'), set()),
        (dict(type='CocoMetric'), dict(save_best='auto'), {'EV015'}),  # MMEngine: "Cannot infer the rule for key"
        (dict(type='AUC'), dict(save_best='AUC'), set()),  # MMEngine knows this one
        (dict(type='CocoMetric'), dict(interval=1), set()),
    ],
)
def test_rule_of_the_best_checkpoint(cfg, metric, checkpoint, expected):
    """With the wrong rule the worst checkpoint would be called the best."""
    cfg.val_evaluator, cfg.default_hooks.checkpoint = metric, checkpoint
    assert codes(cfg) == expected


@pytest.mark.parametrize(
    'scheduler, expected',
    [
        (dict(type='ReduceOnPlateauLR'), {'EV009'}),  # of the loss, which the evaluation does not give
        (dict(type='ReduceOnPlateauLR', monitor='coco/AP'), {'EV015'}),  # rule='less' by default
        (dict(type='ReduceOnPlateauLR', monitor='coco/AP', rule='greater'), set()),
    ],
)
def test_schedules_that_watch_the_evaluation(cfg, scheduler, expected):
    cfg.param_scheduler = [dict(type='LinearLR'), scheduler]
    assert codes(cfg) == expected


def test_a_task_with_a_dot_in_its_name():
    inner, outer = dict(type='Stanford40Dataset'), dict(type='ZeroShotTasks', pipeline=['step'])
    cfg = Config(dict(test_dataloader=dict(dataset=dict(outer, tasks={'v1': dict(type='A'), 'v1.5': inner}))))
    assert _wrapped(cfg, 'test_dataloader.dataset.tasks.v1.5') == (inner, ['step'], None)
    assert _wrapped(cfg, 'test_dataloader.dataset.tasks.v1')[0] == dict(type='A')
