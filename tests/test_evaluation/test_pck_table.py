"""PCK with intervals: values by hand, and those of CapePCK on MP-100's format."""

import json

import numpy as np
import pytest
from mmpose.registry import METRICS
from mp100_files import write_annotations

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.evaluation.bootstrap import interval, ratio_intervals
from clamp_mmpose.evaluation.keypoints.files import read_scored_instances
from clamp_mmpose.evaluation.keypoints.pck import (
    keypoint_rows,
    misplaced_sides,
    pck_intervals,
    pck_values,
    side_rows,
)
from clamp_mmpose.evaluation.keypoints.scored_instance import scored_instance

META = dict(
    dataset_name='mouse',
    keypoint_id2name={0: 'leftEar', 1: 'rightEar', 2: 'nose'},
    flip_indices=[1, 0, 2],
    skeleton_links=[(0, 2), (1, 2)],
)
LABELS = [[20, 20], [60, 20], [40, 40]]
BOX = [0, 0, 100, 50]


def sample(number, image, errors, visible=(1, 1, 1), labels=LABELS, box=BOX, **fields):
    """An instance whose keypoints are predicted below their labels, by shares of 100 pixels."""
    found = np.array([labels], float) + np.array([[[0, 100 * error] for error in errors]])
    truth = dict(
        keypoints=np.array([labels], float), keypoints_visible=np.array([visible]), bboxes=np.array([box], np.float32)
    )
    predicted = dict(keypoints=found, keypoint_scores=np.array([[0.9, 0.5, 0.1]]))
    return dict(
        id=number, img_id=image, img_path=f'{image}.png', pred_instances=predicted, gt_instances=truth, **fields
    )


SAMPLES = [
    sample(1, 10, [0.04, 0.15, 0], (1, 2, 0)),
    sample(2, 11, [0.08, 0.08, 0.3]),
    sample(3, 11, [0, 0, 0], (0, 0, 0)),
]


@pytest.fixture
def instances():
    return [scored_instance(one, META) for one in SAMPLES]


def evaluate(samples, meta=META, **kwargs):
    metric = METRICS.build(dict(type='PCKTable', **kwargs))
    metric.dataset_meta = meta
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric


def test_values_by_hand(instances):
    assert instances[0].errors == pytest.approx([0.04, 0.15, np.nan], nan_ok=True)
    assert pck_values(instances, 0.1) == pytest.approx([1 / 2, 2 / 3, np.nan], nan_ok=True)
    # of the two images with labels, a quarter of the draws has the first alone and a quarter the second
    assert pck_intervals(instances, (0.05, 0.1, 0.2)) == [
        pytest.approx((1 / 4, 0, 1 / 2)),
        pytest.approx((7 / 12, 1 / 2, 2 / 3)),
        pytest.approx((5 / 6, 2 / 3, 1)),
    ]
    left, right, nose = keypoint_rows(instances, (0.1,))
    assert (left.name, left.labeled, left.pck[0], left.error, left.score) == ('left ear', 2, (1, 1, 1), 0.06, 0.9)
    assert (right.labeled, right.pck[0]) == (2, (0.5, 0, 1)) and right.error == pytest.approx(0.115)
    assert (nose.labeled, nose.pck[0]) == (1, (0, 0, 0))  # draws without it do not count


def test_images_are_drawn_with_all_their_instances():
    """Two instances on each image, one right and one wrong: every draw has a PCK of a half."""
    pairs = [sample(i, i // 2, [i % 2] * 3) for i in range(8)]
    assert pck_intervals([scored_instance(one, META) for one in pairs], (0.1,)) == [(0.5, 0.5, 0.5)]


def test_exchanged_sides():
    """The ears are 40 % of the box apart; a point at .03 of the other ear's label is misplaced, one at .12 is not."""
    moved = [[20, 20], [60, 20], [40, 40]]

    def ears(left, right, visible=(1, 1, 1)):
        one = sample(0, 0, [0, 0, 0], visible, labels=moved)
        one['pred_instances']['keypoints'][0, :2] = left, right
        return scored_instance(one, META)

    rows = [
        ears((60, 23), (20, 20)),  # exchanged
        ears((60, 20), (60, 20)),  # both at the right one
        ears((60, 32), (60, 20)),  # nearer to the right one, but far from it
        ears((60, 20), (60, 20), (1, 0, 1)),  # the right one is not labeled
        ears((20, 20), (60, 20)),
    ]
    assert [misplaced_sides(one).tolist() for one in rows[:4]] == [
        [True, True, False],
        [True, False, False],
        [False] * 3,
        [False] * 3,
    ]
    assert side_rows(rows) == [(('left ear', 'right ear'), 4, 3, 1)]
    assert side_rows(rows, 0.2)[0].misplaced == 4
    moved[1] = [24, 20]  # seen from the side: the labels are 4 pixels apart
    assert not misplaced_sides(ears((20, 21), (25, 20))).any()


def test_images_without_labels_are_not_drawn():
    rng = np.random.default_rng(0)
    samples = [sample(i, i, rng.uniform(0, 0.2, 3)) for i in range(40)]
    unlabeled = [sample(i, i, [0, 0, 0], (0, 0, 0)) for i in range(40, 120)]
    labeled, both = ([scored_instance(one, META) for one in own] for own in (samples, samples + unlabeled))
    assert pck_intervals(both) == pck_intervals(labeled)


def test_metric(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr('clamp_mmpose.evaluation.metrics.pck_table.print_log', lambda text, **_: logged.append(text))
    found, metric = evaluate([*SAMPLES, SAMPLES[0]], outfile=str(tmp_path / 'scored.json'))  # one repeated
    assert found['pck/instances'] == 2 and len(metric.instances) == 3
    assert (found['pck/PCK@0.1'], found['pck/PCK@0.1_low'], found['pck/PCK@0.1_high']) == pytest.approx(
        (7 / 12, 1 / 2, 2 / 3)
    )
    assert found['pck/misplaced_sides'] == 0
    lines = [' '.join(line.split()) for line in logged[0].splitlines()]
    assert 'all 2 0.250 (0.000-0.500) 0.583 (0.500-0.667) 0.833 (0.667-1.000)' in lines
    assert 'nose 1 0.000 (0.000-0.000) 0.000 (0.000-0.000) 0.000 (0.000-0.000)' in lines
    assert 'left and right: 0 of 4 keypoints are at the label of the other side; in 0 of 2 pairs both are' in lines
    entry = json.loads((tmp_path / 'scored.json').read_text())['instances'][0]
    assert entry['errors'] == [pytest.approx(0.04), pytest.approx(0.15), None] and entry['labels'][2] == [None, None]
    again = read_scored_instances(tmp_path / 'scored.json')
    assert pck_intervals(again) == pck_intervals(metric.instances)
    assert again[0].category == metric.instances[0].category


def test_categories_with_their_own_keypoints(monkeypatch):
    """As PackTextQueries packs them; without pairs there is nothing to exchange."""
    logged = []
    monkeypatch.setattr('clamp_mmpose.evaluation.metrics.pck_table.print_log', lambda text, **_: logged.append(text))
    names = dict(keypoint_names=['a', 'b', 'c'], flip_indices=[0, 1, 2], skeleton_links=[])
    found, _ = evaluate(
        [sample(1, 1, [0, 0, 0], category='chair', **names), sample(2, 2, [1, 1, 0], category='bed', **names)],
        dict(dataset_name='mp100'),
    )
    assert found['pck/PCK@0.1'] == pytest.approx(2 / 3) and 'pck/misplaced_sides' not in found
    assert 'bed          1  0.333 (0.333-0.333)' in logged[0] and 'chair        1  1.000' in logged[0]
    species = dict(META, CLASSES=[dict(id=1, name='cat'), dict(id=2, name='dog')])
    assert scored_instance(sample(1, 1, [0, 0, 0], category_id=2), species).category.name == 'dog'
    assert scored_instance(sample(1, 1, [0, 0, 0], category_id=2), META).category.name == 'mouse'


def test_as_cape_pck(tmp_path):
    """Random predictions of MP-100 instances."""
    write_annotations(tmp_path / 'ann.json')
    kept = read_instances(tmp_path / 'ann.json').instances[::5]
    rng = np.random.default_rng(0)
    samples = []
    for one in kept:
        x, y, w, h = one.bbox
        shifts = rng.normal(0, 0.1 * one.normalizer, one.keypoints.shape)
        samples.append(
            dict(
                id=one.id,
                img_id=one.image_id,
                img_path='',
                pred_instances=dict(
                    keypoints=(one.keypoints + shifts)[None], keypoint_scores=np.ones((1, len(shifts)))
                ),
                gt_instances=dict(
                    keypoints=one.keypoints[None],
                    keypoints_visible=one.visible[None],
                    bboxes=np.array([[x, y, x + w, y + h]]),
                ),
            )
        )
    reference = METRICS.build(dict(type='CapePCK', ann_file=str(tmp_path / 'ann.json')))
    reference.process(None, samples)
    expected = reference.evaluate(len(samples))
    found, _ = evaluate(samples, dict(dataset_name='mp100'), resamples=10)
    for threshold in ('0.05', '0.1', '0.2'):
        assert found[f'pck/PCK@{threshold}'] == pytest.approx(expected[f'query_only/PCK@{threshold}'], abs=1e-9)
    assert 0.1 < found['pck/PCK@0.1'] < 0.9


def test_box_without_a_side():
    found, _ = evaluate([sample(1, 1, [0, 0, 0], box=[5, 5, 5, 5])])
    assert found['pck/PCK@0.2'] == 0


def test_refused():
    with pytest.raises(ValueError, match='expected positive numbers'):
        METRICS.build(dict(type='PCKTable', thresholds=[0]))
    with pytest.raises(ValueError, match='none of the 1 instances has a labeled keypoint'):
        evaluate([SAMPLES[2]])
    broken = sample(7, 1, [0, np.nan, 0])
    with pytest.raises(ValueError, match='annotation 7: predicted keypoints or their scores are not finite'):
        evaluate([broken])
    short = sample(8, 1, [0, 0, 0])
    short['pred_instances']['keypoints'] = np.zeros((1, 2, 2))
    with pytest.raises(ValueError, match=r'annotation 8: predicted keypoints have the shape \(1, 2, 2\)'):
        evaluate([short])


@pytest.mark.parametrize('text', ['{}', '{"categories": {}, "instances": [{"id": 1}]}'])
def test_other_files(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match='were not written by PCKTable'):
        read_scored_instances(tmp_path / 'a.json')


def test_ratio_intervals_are_those_of_interval():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 5, (30, 2)).astype(float)
    hits = np.floor(counts * rng.uniform(size=(30, 2)))
    for column, found in enumerate(ratio_intervals(hits, counts)):
        drawn = interval(np.arange(30), lambda i, k=column: hits[i, k].sum() / counts[i, k].sum())
        assert found == pytest.approx(drawn)
    assert np.isnan(ratio_intervals(np.zeros((3, 1)), np.zeros((3, 1)))[0]).all()
