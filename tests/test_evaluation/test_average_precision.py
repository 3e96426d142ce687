"""AP and its interval, against xtcocotools on images that are copied as often as they are drawn."""

import contextlib
import io

import numpy as np
import pytest
from mmpose.registry import METRICS
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

from clamp_mmpose.evaluation.keypoints.average_precision import average_precision

SIGMAS = np.full(3, 0.1)


def scenes(number=12, seed=0):
    """Each image has 0 to 2 labeled animals of one of two categories; each is found, more or less, or missed."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        labels, results = [], []
        for _ in range(rng.integers(0, 3)):
            category, points = int(rng.integers(1, 3)), rng.uniform(20, 80, (3, 2))
            labels.append(_entry(category, points, rng.choice([2, 2, 2, 0], 3)))
            for _ in range(rng.integers(0, 3)):
                near = points + rng.normal(0, 8, points.shape)
                results.append(dict(_entry(category, near, [1, 1, 1]), score=float(rng.uniform())))
        found.append((labels, results))
    return found


def _entry(category, points, visible):
    keypoints = np.concatenate([points, np.reshape(visible, (3, 1))], axis=1).ravel().tolist()
    return dict(category_id=category, keypoints=keypoints, bbox=[10, 10, 80, 80], area=3000, iscrowd=0)


def coco_eval(drawn):
    """COCOeval of these scenes, each an image of its own."""
    labels = [dict(one, image_id=i) for i, (own, _) in enumerate(drawn) for one in own]
    results = [dict(one, image_id=i) for i, (_, own) in enumerate(drawn) for one in own]
    truth = COCO()
    truth.dataset = dict(
        images=[dict(id=i, width=100, height=100) for i in range(len(drawn))],
        annotations=[dict(one, id=i + 1) for i, one in enumerate(labels)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), 'keypoints', SIGMAS)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize('seed', [0, 1])
def test_every_draw_is_that_of_cocoeval(seed):
    images = scenes(seed=seed)
    evaluation = coco_eval(images)
    found = average_precision(evaluation, resamples=8)
    draw = np.random.default_rng(0).integers
    expected = [coco_eval([images[i] for i in draw(len(images), size=len(images))]).stats[0] for _ in range(8)]
    assert found.value == pytest.approx(evaluation.stats[0])
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(expected, [2.5, 97.5])))
    assert 0 < found.low < found.high < 1


def test_metric(tmp_path):
    """Two of three images are found exactly, the third is not: AP 0.663..., as 67 of the 101 recalls are reached."""
    metric = METRICS.build(dict(type='CocoOrPCK', resamples=200))
    metric.dataset_meta = dict(dataset_name='mice', num_keypoints=3, sigmas=SIGMAS, CLASSES=[dict(id=1, name='mouse')])
    for i in range(3):
        points = np.array([[[20.0, 20], [60, 20], [40, 60]]])
        raw = dict(_entry(1, points[0], [2, 2, 2]), id=i, image_id=i)
        scores = np.full((1, 3), 0.9 - 0.1 * i)
        predicted = dict(keypoints=points + (50 if i == 2 else 0), keypoint_scores=scores)
        metric.process(
            None,
            [
                dict(
                    id=i,
                    img_id=i,
                    category_id=1,
                    ori_shape=(100, 100),
                    pred_instances=predicted,
                    gt_instances=dict(bbox_scales=np.array([[80.0, 80]]), bbox_scores=np.ones(1)),
                    raw_ann_info=raw,
                )
            ],
        )
    found = metric.evaluate(3)
    assert found['coco/AP'] == pytest.approx(67 / 101)
    assert (found['coco/AP_low'], found['coco/AP_high']) == pytest.approx((0, 1))
