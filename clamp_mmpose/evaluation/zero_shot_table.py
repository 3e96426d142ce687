"""A table of zero-shot accuracies, like Table 1 of FocusCLIP."""

from typing import Dict, List, Optional, Sequence

COLUMNS = ('Task', 'Data set', 'Classes', 'k', 'Chance', 'Accuracy', '95 % interval', 'Images')


def task_wise_mean(rows: Sequence[dict]) -> Optional[float]:
    """The mean over tasks of the mean over the data sets of each; rows with ``task`` and ``accuracy``.

    Rows whose accuracy is None are left out; the result is None if no row is left.
    """
    tasks: Dict[str, List[float]] = {}
    for row in rows:
        if row['accuracy'] is not None:
            tasks.setdefault(row['task'], []).append(row['accuracy'])
    means = [sum(values) / len(values) for values in tasks.values()]
    return sum(means) / len(means) if means else None


def markdown_table(details: Sequence[dict], absent: Sequence[dict]) -> str:
    """A table in Markdown, in percent, followed by the reasons why data sets are absent.

    Args:
        details: from ``ZeroShotAccuracy``.
        absent: data sets that were not evaluated: ``dataset``, ``task`` and ``reason`` each.
    """
    unread = [dict(detail, reason='no image could be read') for detail in details if detail['accuracy'] is None]
    lines = [COLUMNS, ['---', '---', *['---:'] * (len(COLUMNS) - 2)]]
    for task in dict.fromkeys(row['task'] for row in [*details, *absent]):
        rows = [_detail_cells(row) for row in details if row['task'] == task]
        rows += [[row['dataset'], '', '', '', 'absent', '', ''] for row in absent if row['task'] == task]
        lines += [['' if index else task, *row] for index, row in enumerate(rows)]
    without = ', '.join(f'{row["dataset"]}/{row["task"]}' for row in [*absent, *unread])
    chance = task_wise_mean([dict(row, accuracy=row['chance']) for row in details if row['accuracy'] is not None])
    lines.append(
        [
            'Task-wise mean' + (f' (without {without})' if without else ''),
            '',
            '',
            '',
            _percent(chance),
            _percent(task_wise_mean(details)),
            '',
            '',
        ]
    )
    table = ['| ' + ' | '.join(line) + ' |' for line in lines]
    if without:
        table += ['', *(f'- {row["dataset"]}/{row["task"]}: {row["reason"]}' for row in [*absent, *unread])]
    return '\n'.join(table)


def _detail_cells(row: dict) -> List[str]:
    images = f'{row["images"]:,}' + (f' ({row["faults"]:,} unreadable)' if row['faults'] else '')
    interval = '' if row['low'] is None else f'[{_percent(row["low"])}, {_percent(row["high"])}]'
    return [
        row['dataset'],
        str(row['num_classes']),
        str(row['top_k']),
        _percent(row['chance']),
        _percent(row['accuracy']),
        interval,
        images,
    ]


def _percent(value: Optional[float]) -> str:
    return 'none' if value is None else f'{value:.2f}'
