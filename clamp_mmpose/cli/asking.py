"""Shared by the commands that ask a language model: their flags, and the run with journal, budget and progress bar."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence

from .command import positive_float, positive_int, price, whole_number

if TYPE_CHECKING:
    from clamp_mmpose.llm.asked import Asked
    from clamp_mmpose.llm.language_model import LanguageModel
    from clamp_mmpose.llm.request import Request

FIRST = 2  # messages shown by --dry-run
LONGEST_SHOWN = 4000  # characters of a message


def add_asking(parser: argparse.ArgumentParser, limited: str = 'images') -> None:
    """Add the flags.

    Args:
        limited: what ``--limit`` counts.
    """
    parser.add_argument('--dry-run', action='store_true', help='show the first messages and the cost, and ask nothing')
    parser.add_argument('--price-in', type=price, metavar='PRICE', help='of a million tokens of the prompts')
    parser.add_argument('--price-out', type=price, metavar='PRICE', help='of a million tokens of the answers')
    parser.add_argument(
        '--budget',
        type=positive_float,
        metavar='COST',
        help='stop before all answers in the journal cost more than this; needs both prices',
    )
    parser.add_argument(
        '--retries',
        type=whole_number,
        default=2,
        metavar='N',
        help='ask again this often after a truncated, refused or unparsable answer (default: 2)',
    )
    parser.add_argument('--concurrency', type=positive_int, metavar='N', help='requests under way at a time')
    parser.add_argument('--limit', type=positive_int, metavar='N', help=f'only the first N {limited}')
    parser.add_argument(
        '--tokenizer', metavar='FOLDER', help="of Hugging Face, to count --dry-run's tokens; default: 4 characters each"
    )


def run_asking(
    args: argparse.Namespace,
    requests: 'Sequence[Request]',
    model: 'LanguageModel',
    journal: Path,
    parse: 'Callable[[Request, str], Any]',
) -> 'Optional[Asked]':
    """Ask what the journal has no answer to, and print a summary; None after ``--dry-run``.

    Args:
        args: with the flags of :func:`add_asking`.
        requests, model, parse: as in :func:`ask`.
        journal: file; it is created if it does not exist.

    Raises:
        ValueError: one price without the other, or a budget without prices.
        ServerError, KeyboardInterrupt: as in :func:`ask`.
    """
    from clamp_mmpose.llm.ask import ask
    from clamp_mmpose.llm.asked import Prices
    from clamp_mmpose.llm.journal import Journal

    if (args.price_in is None) != (args.price_out is None):
        raise ValueError('give both --price-in and --price-out, or none.')
    if args.budget is not None and args.price_in is None:
        raise ValueError('--budget needs --price-in and --price-out.')
    prices = None if args.price_in is None else Prices(args.price_in, args.price_out)
    if args.dry_run:
        print('\n'.join(_plan(args, requests, model, journal, prices)))
        return None
    if args.concurrency is not None:
        model.concurrency = args.concurrency
    with Journal(journal) as opened:
        asked = ask(requests, model, opened, parse, args.retries, args.budget, prices)
    print(asked.summary())
    return asked


def _plan(
    args: argparse.Namespace,
    requests: 'Sequence[Request]',
    model: 'LanguageModel',
    journal: Path,
    prices: Any,
) -> List[str]:
    """Lines for ``--dry-run``."""
    from clamp_mmpose.llm.estimate import estimate
    from clamp_mmpose.llm.journal import JournalIndex
    from clamp_mmpose.llm.tokens import approximate, tokenizer_count

    lines = []
    for request in requests[:FIRST]:
        lines.append(f'--- {request.id}, prompt {request.prompt}')
        for message in request.messages:
            lines.append(f'[{message["role"]}] {_shown(message["content"])[:LONGEST_SHOWN]}')
    count = tokenizer_count(args.tokenizer) if args.tokenizer else approximate
    found = estimate(requests, model, prices, JournalIndex(journal), count)
    answers = 'no limit' if found.completion_tokens is None else f'at most {found.completion_tokens:,}'
    lines.append(
        f'--- {found.requests:,} requests, {found.to_ask:,} to ask; about {found.prompt_tokens:,} tokens of prompts, '
        f'{answers} of answers'
    )
    if prices is not None:
        cost = 'without max_tokens has no limit' if found.cost is None else f'at most {found.cost:.2f}, without retries'
        lines.append(f'cost: {cost}')
    return lines


def _shown(content: Any) -> str:
    """A message's text; of a list of parts, the texts, and '<image/png, 12,345 characters>' for an image."""
    if isinstance(content, str):
        return content
    shown = []
    for part in content:
        url = part.get('image_url', {}).get('url', '')
        image = f'<{url[5:].partition(";")[0]}, {len(url):,} characters>' if url.startswith('data:') else ''
        shown.append(image or part.get('text') or json.dumps(part, allow_nan=False))
    return ' '.join(shown)
