from pathlib import Path
from typing import Optional, Union

from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.utils.files import atomic_write, check_writable, to_json, without_nan

from .predictions import read_predictions
from .protocols import score
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
    """Score a file of predictions.

    Args:
        protocol: ``'pairs'`` (with ``num_episodes`` and ``empty``) or ``'query_only'``; see :mod:`.protocols`.
        missing: for annotations without a prediction: ``'error'`` or ``'skip'``.
        out: the scores are written to this JSON file.

    Returns:
        str: what was scored and left out, and the table.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_instances`, :func:`read_predictions` and the protocols.
    """
    if out is not None:
        check_writable(out)
    annotations = read_instances(ann_file)
    predictions, ignored = read_predictions(prediction_file, annotations, missing)
    scores = score(annotations, predictions, protocol, num_episodes, empty)
    if out is not None:
        atomic_write(Path(out), to_json(without_nan(scores.as_dict()), 'scores', 2).encode())
    notes = scoring_notes(scores, annotations)
    if ignored:
        notes += f'\nignored: {ignored:,} predictions of dropped annotations'
    return f'{notes}\n{score_table(scores)}'
