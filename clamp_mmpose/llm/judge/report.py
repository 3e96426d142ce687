"""The result of judging, as JSON and as a table."""

from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Sequence

from clamp_mmpose.evaluation.bootstrap import Interval

from .comparison import ALL, Comparison, PairScores, compare, order_effect
from .model_scores import ModelScores, model_scores
from .question import TYPES


def results_of(
    comparisons: Sequence[Comparison], left_out: Mapping[str, str], seed: int = 0, resamples: int = 1000
) -> Dict[str, Any]:
    """All figures, ready for JSON; see :class:`ModelScores`, :class:`PairScores` and :class:`OrderEffect`.

    Args:
        comparisons: at least one.
        left_out: reason of each pair of answers that was not rated in both orders, by id.
        seed, resamples: of the intervals.
    """
    models = model_scores(comparisons, seed, resamples)
    pairs: Dict[Any, List[Comparison]] = {}
    for item in comparisons:
        pairs.setdefault((item.first, item.second), []).append(item)
    return dict(
        models={name: {kind: _model(row) for kind, row in rows.items()} for name, rows in models.items()},
        pairs=[
            dict(
                first=first,
                second=second,
                scores={kind: _pair(row) for kind, row in compare(items, seed, resamples).items()},
            )
            for (first, second), items in pairs.items()
        ],
        order=order_effect(comparisons)._asdict(),
        left_out=dict(left_out),
    )


def _model(row: ModelScores) -> dict:
    return dict(questions=row.count, score=_interval(row.mean), **row.aspects)


def _pair(row: PairScores) -> dict:
    return dict(
        questions=row.count,
        first=row.means[0],
        second=row.means[1],
        difference=_interval(row.difference),
        relative=row.relative,
        wins=row.wins,
        ties=row.ties,
        losses=row.losses,
    )


def _interval(row: Interval) -> List[float]:
    return [row.value, row.low, row.high]


def review_lines(comparisons: Sequence[Comparison]) -> List[dict]:
    """Scores and reasons of each comparison: one entry per order, of the answers of ``first`` and ``second``."""
    return [
        dict(
            question_id=item.question.id,
            first=item.first,
            second=item.second,
            orders=[
                dict(shown_first=shown, first=asdict(pair[0]), second=asdict(pair[1]))
                for shown, pair in zip((item.first, item.second), item.ratings)
            ],
        )
        for item in comparisons
    ]


def markdown(results: Mapping[str, Any]) -> str:
    """Scores of the models, of the pairs, the effect of the order, and what was left out."""
    kinds = [kind for kind in (*TYPES, ALL) if any(kind in rows for rows in results['models'].values())]
    lines = _table(
        ['Model', *(kind.capitalize() for kind in kinds), 'Questions'],
        [
            [name, *(_with_interval(rows[kind]['score']) for kind in kinds), f'{rows[ALL]["questions"]:,}']
            for name, rows in results['models'].items()
            if rows
        ],
    )
    lines += ['', 'Score x 10 with its 95 % interval; all: mean over types. In pairs:', '']
    lines += _table(
        ['First', 'Second', 'Type', 'Questions', 'First', 'Second', 'Difference', 'Win / tie / loss', 'Relative'],
        [
            [
                pair['first'],
                pair['second'],
                kind,
                f'{row["questions"]:,}',
                f'{row["first"]:.2f}',
                f'{row["second"]:.2f}',
                _with_interval(row['difference'], '+'),
                ' / '.join(f'{100 * row[share]:.0f} %' for share in ('wins', 'ties', 'losses')),
                f'{row["relative"]:.1f} %',
            ]
            for pair in results['pairs']
            for kind, row in pair['scores'].items()
        ],
        words=3,
    )
    order = results['order']
    lines += [
        '',
        f'Order: of {order["count"]:,} comparisons, the answer shown first won both times in '
        f'{100 * order["first_wins"]:.1f} %, the one shown second in {100 * order["second_wins"]:.1f} %; the verdict '
        f'changed with the order in {100 * order["changed"]:.1f} %; being shown first is worth '
        f'{order["advantage"]:+.2f} points.',
    ]
    left_out = results['left_out']
    if left_out:
        lines += ['', f'Left out: {len(left_out):,} of {len(left_out) + order["count"]:,} comparisons.', '']
        reasons: Dict[str, List[str]] = {}
        for name, reason in left_out.items():
            reasons.setdefault(reason, []).append(name)
        lines += [f'- {len(names):,} such as {names[0]}: {reason}' for reason, names in reasons.items()]
    return '\n'.join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> List[str]:
    rule = ['---'] * words + ['---:'] * (len(head) - words)
    return ['| ' + ' | '.join(cells) + ' |' for cells in (head, rule, *rows)]


def _with_interval(row: Sequence[float], sign: str = '') -> str:
    value, low, high = (f'{number:{sign}.2f}' for number in row)
    return f'{value} [{low}, {high}]'
