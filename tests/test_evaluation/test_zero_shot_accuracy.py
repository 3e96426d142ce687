import json
import logging
import random
from itertools import count

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample

from clamp_mmpose.evaluation.metrics import ZeroShotAccuracy

IDS = count()


def image(labels, scores=None, **kwargs):
    """A sample of three classes, unless ``kwargs`` change it."""
    sample = dict(
        id=next(IDS),
        dataset_name='FER+',
        task='emotion',
        top_k=1,
        average='micro',
        class_names=['anger', 'fear', 'joy'],
        labels=labels,
    )
    sample.update(kwargs)
    if scores is not None:
        sample['class_scores'] = torch.tensor(scores)
    return sample


def evaluate(samples, **kwargs):
    metric = METRICS.build(dict(type='ZeroShotAccuracy', **kwargs))
    for sample in samples:
        metric.process({}, [sample])
    assert len(metric.results) == len(samples)
    return metric.evaluate(len(samples)), metric.details


@pytest.fixture
def log(caplog):
    """The log's records; MMEngine's logger does not pass them on by itself."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ('top_k', 'accuracy', 'hits'), [(1, 25, [0, 1, 0, 0]), (2, 50, [0, 1, 1, 0]), (3, 75, [0, 1, 1, 1])]
)
def test_each_label_is_a_trial(top_k, accuracy, hits):
    """Scores .1 .9 .5 .3: the classes are 4th, 1st, 2nd and 3rd; the chance of each is k/4 however many labels."""
    shared = dict(class_names=list('abcd'), top_k=top_k)
    scores = [0.1, 0.9, 0.5, 0.3]
    metrics, (detail,) = evaluate([image([0, 1, 2], scores, **shared), image([3], scores, **shared)])
    assert metrics[f'FER+/emotion/top{top_k}'] == accuracy
    assert metrics['FER+/emotion/chance'] == 25 * top_k
    assert metrics['FER+/emotion/trials'] == detail['trials'] == 4
    assert detail['images'] == 2
    assert [detail['classes'][name]['accuracy'] for name in 'abcd'] == [100 * hit for hit in hits]


def test_ties_go_to_the_lower_index():
    """Equal scores hit the first two of four; in .5 .9 .5 .5 the second place is class 0's."""
    shared = dict(class_names=list('abcd'), top_k=2)
    _, (detail,) = evaluate([image([label], [0.0, 0.0, 0.0, 0.0], **shared) for label in range(4)])
    assert [detail['classes'][name]['accuracy'] for name in 'abcd'] == [100, 100, 0, 0]
    _, (detail,) = evaluate([image([label], [0.5, 0.9, 0.5, 0.5], **shared) for label in range(4)])
    assert [detail['classes'][name]['accuracy'] for name in 'abcd'] == [100, 100, 0, 0]
    _, (detail,) = evaluate([image([label], [0.1, 0.9, 0.5, 0.5], **shared) for label in range(4)])
    assert [detail['classes'][name]['accuracy'] for name in 'abcd'] == [0, 100, 100, 0]


@pytest.mark.parametrize(('average', 'headline', 'low'), [('micro', 75, 25), ('macro', 50, 50)])
def test_micro_and_macro(average, headline, low, log):
    """Three of anger hit, one of fear missed, none of joy: 3 of 4 trials, and the mean of 1 and 0.

    Of four draws none is a hit with a chance of .4 %, at most one with 5 %, and all with 32 %: so the 2.5th percentile
    is one hit, which is half of the classes, and the 97.5th is four.
    """
    angry = [2.0, 1.0, 0.0]
    metrics, (detail,) = evaluate([image([label], angry, average=average) for label in (0, 0, 1, 0)])
    assert metrics == {
        'FER+/emotion/top1': headline,
        'FER+/emotion/micro': 75,
        'FER+/emotion/macro': 50,
        'FER+/emotion/low': low,
        'FER+/emotion/high': 100,
        'FER+/emotion/chance': pytest.approx(100 / 3),
        'FER+/emotion/trials': 4,
        'FER+/emotion/faults': 0,
        'task_wise_mean': headline,
    }
    assert detail['accuracy'] == headline
    assert detail['classes'] == dict(
        anger=dict(accuracy=100, trials=3), fear=dict(accuracy=0, trials=1), joy=dict(accuracy=None, trials=0)
    )
    assert 'FER+/emotion: 1 of 3 classes have no images and are left out of macro: joy' in log.text


def test_chance_of_emotic():
    metrics, _ = evaluate([image([25], list(range(26)), class_names=[f'class {i}' for i in range(26)], top_k=3)])
    assert metrics['FER+/emotion/chance'] == pytest.approx(11.538, abs=5e-4)


def test_data_sets_are_kept_apart():
    """FER+ has 1 of 2 hits, Emotic's emotions 0 of 1, its ages 3 of 4: the mean of (50 + 0) / 2 and 75."""
    joyful = [0.0, 1.0, 2.0]
    samples = [
        image([2], joyful),
        *(image([label], joyful, dataset_name='Emotic', task='age') for label in (2, 2, 0, 2)),
        image([0], joyful, dataset_name='Emotic'),
        image([1], joyful),
    ]
    metrics, details = evaluate(samples)
    assert [(detail['dataset'], detail['task'], detail['accuracy']) for detail in details] == [
        ('FER+', 'emotion', 50),
        ('Emotic', 'age', 75),
        ('Emotic', 'emotion', 0),
    ]
    assert metrics['Emotic/age/top1'] == 75
    assert metrics['task_wise_mean'] == 50


def test_faults_are_counted_not_scored(log, tmp_path):
    """One of two hit; six that cannot be read, one of them with scores, change only the counts."""
    faulty = [
        image([0], [9.0, 0.0, 0.0], fault='OSError: first'),
        *(image([1], fault=f'cut {i}') for i in range(5)),
    ]
    outfile = tmp_path / 'scores' / 'details.json'
    metrics, details = evaluate(
        [faulty[0], image([0], [1.0, 0.0, 0.0]), image([2], [1.0, 0.0, 0.0]), *faulty[1:]], outfile=str(outfile)
    )
    assert metrics['FER+/emotion/top1'] == 50
    assert metrics['FER+/emotion/trials'] == 2
    assert metrics['FER+/emotion/faults'] == details[0]['faults'] == 6
    assert details[0]['images'] == 8
    assert details[0]['fault_examples'] == [dict(id=sample['id'], reason=sample['fault']) for sample in faulty[:5]]
    assert json.loads(outfile.read_text()) == details
    warning = next(record for record in log.records if record.levelno == logging.WARNING)
    assert '6 of 8 images could not be read' in warning.getMessage()
    assert f'image {faulty[0]["id"]}: OSError: first' in warning.getMessage()


def test_a_data_set_of_faults_does_not_end_the_evaluation(log, tmp_path):
    samples = [image([0], fault='cut', dataset_name='UTKFace', task='age'), image([0], [1.0, 0.0, 0.0])]
    metrics, (unread, read) = evaluate(samples, outfile=str(tmp_path / 'details.json'))
    assert {name: value for name, value in metrics.items() if 'UTKFace' in name} == {'UTKFace/age/faults': 1}
    assert metrics['task_wise_mean'] == read['accuracy'] == 100
    assert [unread[key] for key in ('accuracy', 'micro', 'macro', 'low', 'high', 'trials')] == [None] * 5 + [0]
    assert 'UTKFace/age: 1 of 1 images could not be read and are not scored; none is left' in log.text
    assert json.loads((tmp_path / 'details.json').read_text())[0]['accuracy'] is None
    metrics, _ = evaluate(samples[:1])
    assert metrics == {'UTKFace/age/faults': 1}


@pytest.mark.parametrize(
    ('sample', 'message'),
    [
        (image([0], [float('nan'), 0.0, 0.0]), 'FER./emotion, image .* not finite'),
        (image([0], [0.0, float('-inf'), 0.0]), 'FER./emotion, image .* not finite'),
        (image([0], [0.0, 1.0]), r'class_scores has the shape \(2,\), expected \(3,\)'),
        (image([0]), 'neither class_scores nor fault'),
        (image([3], [0.0, 1.0, 2.0]), r'labels \[3\], expected one or more of 0 to 2'),
        (image([], [0.0, 1.0, 2.0]), 'expected one or more of 0 to 2'),
        (image([0], [0.0, 1.0, 2.0], top_k=4), 'top_k=4, expected 1 to 3'),
        (image([0], [0.0, 1.0, 2.0], top_k=0), 'top_k=0, expected 1 to 3'),
        (image([0], [0.0, 1.0, 2.0], average='weighted'), "average='weighted'"),
        (image([0], [0.0, 1.0, 2.0], class_names=['joy', 'fear', 'joy']), 'class_names repeats a name'),
        (dict(dataset_name='FER+', labels=[0]), 'a sample of FER. lacks .*class_names'),
    ],
)
def test_refuses(sample, message):
    with pytest.raises(ValueError, match=message):
        ZeroShotAccuracy().process({}, [sample])


def test_samples_of_a_data_set_must_agree():
    metric = ZeroShotAccuracy()
    metric.process({}, [image([0], [0.0, 1.0, 2.0])])
    with pytest.raises(ValueError, match='disagree on top_k'):
        metric.process({}, [image([0], [0.0, 1.0, 2.0], top_k=2)])


def interval_by_hand(images, average):
    """The bootstrap in plain Python; images are lists of (label, hit)."""
    rng, values = random.Random(1), []
    for _ in range(3000):
        trials = {}
        for pairs in rng.choices(images, k=len(images)):
            for label, hit in pairs:
                trials.setdefault(label, []).append(hit)
        if average == 'macro':
            values.append(100 * sum(sum(hits) / len(hits) for hits in trials.values()) / len(trials))
        else:
            values.append(100 * sum(map(sum, trials.values())) / sum(map(len, trials.values())))
    values.sort()
    return values[75], values[-76]


@pytest.mark.parametrize('average', ['micro', 'macro'])
def test_interval_against_plain_python(average):
    """An image's labels are hit or missed together, so resampling trials would give a narrower interval; class 9 is
    that of a single image and is absent from a third of the resamples."""
    rng = random.Random(2)
    images = [(rng.sample(range(4), rng.choice([1, 4])), rng.random() < 0.6) for _ in range(60)] + [([9], True)]
    # the labels, at most four of ten classes, rank either before or behind all others
    _, (detail,) = evaluate(
        [
            image(
                labels,
                [float((label in labels) == hit) - label / 100 for label in range(10)],
                average=average,
                top_k=4,
                class_names=list('abcdefghij'),
            )
            for labels, hit in images
        ]
    )
    low, high = interval_by_hand([[(label, hit) for label in labels] for labels, hit in images], average)
    assert high - low > 10
    assert detail['low'] == pytest.approx(low, abs=1)
    assert detail['high'] == pytest.approx(high, abs=1)


def test_interval_of_a_perfect_model():
    metrics, _ = evaluate([image([label], np.eye(3)[label]) for label in (0, 1, 2, 2)])
    assert [metrics[f'FER+/emotion/{key}'] for key in ('top1', 'low', 'high')] == [100, 100, 100]


@pytest.mark.parametrize('device', ['cpu', 'gpu'])
def test_through_the_evaluator(device):
    """Anger and joy hit, fear missed; samples that a sampler repeated at the end are cut off."""
    evaluator = Evaluator([dict(type='ZeroShotAccuracy', collect_device=device)])
    samples = []
    for label, scores in ((0, [3.0, 1.0, 2.0]), (1, [3.0, 1.0, 2.0]), (2, [1.0, 2.0, 3.0]), (0, [3.0, 1.0, 2.0])):
        sample = PoseDataSample()
        sample.set_metainfo(image([label]))
        sample.set_field(torch.tensor(scores, dtype=torch.bfloat16, requires_grad=True), 'class_scores')
        samples.append(sample)
    unread = PoseDataSample()
    unread.set_metainfo(image([1], fault='OSError: cut'))
    evaluator.process(data_samples=[samples[0], unread], data_batch={})
    evaluator.process(data_samples=samples[1:], data_batch={})
    metrics = evaluator.evaluate(4)
    assert metrics['FER+/emotion/top1'] == metrics['task_wise_mean'] == pytest.approx(200 / 3)
    assert metrics['FER+/emotion/trials'] == 3
    assert metrics['FER+/emotion/faults'] == 1


def test_close_scores_are_distinguished():
    metrics, _ = evaluate([image([1], [0.5, 0.5001, 0.0])])
    assert metrics['FER+/emotion/top1'] == 100
