import json
from pathlib import Path
from typing import Optional, Union

from clamp_mmpose.datasets.mp100.annotations import read_instances

from .predictions import read_predictions
from .protocols import pairs, query_only
from .tables import score_table, scoring_notes


def score_file(
    ann_file: Union[str, Path],
    prediction_file: Union[str, Path],
    protocol: str,
    num_episodes: int = 200,
    empty: str = 'zero',
    missing: str = 'error',
    out: Optional[str] = None,
) -> str:
    """Score a file of predictions; NumPy alone is needed.

    Args:
        protocol: ``'pairs'`` (with ``num_episodes`` and ``empty``) or ``'query_only'``; see :mod:`.mp100_protocols`.
        missing: ``'error'`` or ``'skip'``: annotations without a prediction.
        out: the scores are written to this JSON file.

    Returns:
        str: what was scored and left out, and the table.

    Raises:
        FileNotFoundError, ValueError: of :func:`read_instances`, :func:`read_predictions` and the protocols.
    """
    annotations = read_instances(ann_file)
    predictions, ignored = read_predictions(prediction_file, annotations, missing)
    if protocol == 'pairs':
        scores = pairs(annotations, predictions, num_episodes, empty)
    else:
        scores = query_only(annotations, predictions)
    if out is not None:
        Path(out).write_text(json.dumps(scores.as_dict(), indent=2), encoding='utf-8')
    notes = scoring_notes(scores, annotations)
    if ignored:
        notes += f'\nignored: {ignored:,} predictions of dropped annotations'
    return f'{notes}\n{score_table(scores)}'
