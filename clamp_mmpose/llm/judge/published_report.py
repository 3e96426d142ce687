"""The report of LLaVA's judge, as LLaVA and LLaVA-Pose compute it."""

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .pairing import Showing
from .published import FAILED, LLAVA_NAMES, summarize, summary_text, table_cells


def published_results(shown: Sequence[Showing], scores: Mapping[str, Tuple[float, float]]) -> Dict[str, Any]:
    """Figures for JSON: summary, number of failures and increase of each pair, and the models' rows of Table 3.

    Args:
        shown: pairs of answers in the order shown.
        scores: by id of the request; replies that could not be read are -1 and -1, and are averaged in.
    """
    pairs: Dict[Tuple[str, str], List[Tuple[str, Tuple[float, float]]]] = {}
    models: Dict[str, List[Tuple[str, float]]] = {}
    for showing in shown:
        if showing.id not in scores:
            continue
        kind, pair = LLAVA_NAMES[showing.question.type], scores[showing.id]
        pairs.setdefault(showing[1:], []).append((kind, pair))
        for name, score in zip(showing[1:], pair):
            models.setdefault(name, []).append((kind, score))
    return dict(
        pairs=[
            dict(
                first=first,
                second=second,
                summary=[row._asdict() for row in summarize(reviews)],
                text=summary_text(f'{first} {second}', summarize(reviews)),
                failures=sum(pair == FAILED for _, pair in reviews),
                increase=_increase(reviews),
            )
            for (first, second), reviews in pairs.items()
        ],
        models={name: table_cells(reviews) for name, reviews in models.items()},
    )


def _increase(reviews: Sequence[Tuple[str, Tuple[float, float]]]) -> float:
    """How much higher the second's mean over types is, in percent."""
    first, second = (table_cells([(kind, pair[place]) for kind, pair in reviews])['all'] for place in (0, 1))
    return increase(first, second)


def increase(first: float, second: float) -> float:
    """How much higher ``second`` is than ``first``, in percent, as in the paper's 21.18 %; NaN if ``first`` is 0."""
    return 100 * (second / first - 1) if first else float('nan')


def published_text(results: Mapping[str, Any]) -> str:
    """The summaries as LLaVA prints them, then rows as in Table 3."""
    lines = [pair['text'].rstrip('\n') for pair in results['pairs']]
    lines += [
        f'{pair["first"]} {pair["second"]}: {pair["failures"]:,} replies were not read and count as -1; the second is '
        f'higher by {pair["increase"]:.2f} % over all types.'
        for pair in results['pairs']
    ]
    kinds = list(dict.fromkeys(kind for cells in results['models'].values() for kind in cells))
    lines += ['', '| Model | ' + ' | '.join(kinds) + ' |', '| --- |' + ' ---: |' * len(kinds)]
    for name, cells in results['models'].items():
        lines.append(f'| {name} | ' + ' | '.join(f'{cells.get(kind, float("nan")):.2f}' for kind in kinds) + ' |')
    return '\n'.join(lines)
