import pytest

from clamp_mmpose.evaluation.zero_shot_table import markdown_table, task_wise_mean

TASKS = ['activity', *['age'] * 4, *['emotion'] * 2]


def rows(*accuracies):
    return [dict(task=task, accuracy=accuracy) for task, accuracy in zip(TASKS, accuracies)]


def detail(dataset, task, accuracy, **kwargs):
    return dict(
        dict(
            dataset=dataset,
            task=task,
            num_classes=4,
            top_k=1,
            chance=25.0,
            accuracy=accuracy,
            low=None,
            high=None,
            images=1234,
            faults=0,
        ),
        **kwargs,
    )


@pytest.mark.parametrize(
    ('accuracies', 'mean'),
    [
        ((6.49, 37.56, 39.48, 44.56, 27.02, 10.39, 52.56), 25.04),
        ((10.47, 41.80, 59.44, 71.41, 35.13, 13.73, 63.35), 33.65),
        # Random: the paper prints 20.88, but its rows give (8.24 + 28.7475 + 24.165) / 3
        ((8.24, 30.54, 30.46, 33.13, 20.86, 11.54, 36.79), 20.384),
    ],
)
def test_means_of_the_paper(accuracies, mean):
    """FocusCLIP, Table 1."""
    assert task_wise_mean(rows(*accuracies)) == pytest.approx(mean, abs=0.005)


def test_absent_rows_are_left_out():
    """Age has 40 and 60, activity nothing, emotion 10: the mean of 50 and 10."""
    assert task_wise_mean(rows(None, 40, None, 60, None, 10, None)) == 30
    assert task_wise_mean(rows(None)) is None
    assert task_wise_mean([]) is None


def test_table():
    """Tasks stay together; the mean is that of 60 and (10 + 30) / 2, its chance that of 7.5 and 25."""
    details = [
        detail('Emotic', 'age', 10.0, low=8.123, high=12.0),
        detail('FER+', 'emotion', None, faults=1234),
        detail(
            'Stanford40',
            'activity',
            60.0,
            num_classes=40,
            top_k=3,
            chance=7.5,
            low=58.0,
            high=62.0,
            images=5532,
            faults=2,
        ),
        detail('UTKFace', 'age', 30.0, low=29.0, high=31.0),
    ]
    absent = [
        dict(dataset='LAGENDA', task='age', reason='no access'),
        dict(dataset='CUB', task='birds', reason='not downloaded'),
    ]
    assert markdown_table(details, absent).split('\n') == [
        '| Task | Data set | Classes | k | Chance | Accuracy | 95 % interval | Images |',
        '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
        '| age | Emotic | 4 | 1 | 25.00 | 10.00 | [8.12, 12.00] | 1,234 |',
        '|  | UTKFace | 4 | 1 | 25.00 | 30.00 | [29.00, 31.00] | 1,234 |',
        '|  | LAGENDA |  |  |  | absent |  |  |',
        '| emotion | FER+ | 4 | 1 | 25.00 | none |  | 1,234 (1,234 unreadable) |',
        '| activity | Stanford40 | 40 | 3 | 7.50 | 60.00 | [58.00, 62.00] | 5,532 (2 unreadable) |',
        '| birds | CUB |  |  |  | absent |  |  |',
        '| Task-wise mean (without LAGENDA/age, CUB/birds, FER+/emotion) |  |  |  | 16.25 | 40.00 |  |  |',
        '',
        '- LAGENDA/age: no access',
        '- CUB/birds: not downloaded',
        '- FER+/emotion: no image could be read',
    ]


def test_complete_table_has_no_notes():
    lines = markdown_table([detail('Emotic', 'age', 10.0, low=8.0, high=12.0)], []).split('\n')
    assert lines[2:] == [
        '| age | Emotic | 4 | 1 | 25.00 | 10.00 | [8.00, 12.00] | 1,234 |',
        '| Task-wise mean |  |  |  | 25.00 | 10.00 |  |  |',
    ]


def test_nothing_evaluated():
    lines = markdown_table([], [dict(dataset='CUB', task='birds', reason='not downloaded')]).split('\n')
    assert lines[2:4] == [
        '| birds | CUB |  |  |  | absent |  |  |',
        '| Task-wise mean (without CUB/birds) |  |  |  | none | none |  |  |',
    ]
