"""LLaVA's records: what LLaVA's scripts, LLaMA-Factory and TRL read, and this package's ``InstructionDataset``."""

import json
from pathlib import Path
from typing import Dict, List, Sequence, Union

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.utils.files import atomic_write

from .parsing import IMAGE, Round

SUFFIXES = ('.json', '.jsonl')


def make_record(facts: ImageFacts, rounds: Sequence[Round], image_folder: str = '') -> Dict[str, Union[str, list]]:
    """One record ``{id, image, conversations}`` of all rounds; the first question follows the image.

    Args:
        facts: of the image.
        rounds: at least one.
        image_folder: put before the file name of the image.
    """
    turns: List[Dict[str, str]] = []
    for question, answer in rounds:
        turns += [{'from': 'human', 'value': question}, {'from': 'gpt', 'value': answer}]
    turns[0]['value'] = f'{IMAGE}\n{turns[0]["value"]}'
    image = f'{image_folder.rstrip("/")}/{facts.image}' if image_folder else facts.image
    return {'id': str(facts.image_id), 'image': image, 'conversations': turns}


def check_suffix(path: Path) -> None:
    """Raise ValueError unless records can be written to a file of this name."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f'{path}: expected a file that ends with {" or ".join(SUFFIXES)}.')


def write_records(path: Path, records: Sequence[dict]) -> None:
    """Write one list (``.json``, which LLaVA's scripts read) or one record a line (``.jsonl``), whole.

    Raises:
        ValueError: another suffix.
        OSError: the file cannot be written.
    """
    check_suffix(path)
    if path.suffix == '.json':
        text = json.dumps(records, ensure_ascii=False, indent=1, allow_nan=False) + '\n'
    else:
        text = ''.join(json.dumps(record, ensure_ascii=False, allow_nan=False) + '\n' for record in records)
    atomic_write(path, text.encode('utf-8', 'replace'))  # half of a character pair, which JSON may hold, is no text
