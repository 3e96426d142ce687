import logging
from itertools import chain
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

from mmengine.logging import print_log

from clamp_mmpose.utils.files import read_json, read_json_lines

MISSING = ('error', 'skip')


def read_entries(file: Union[str, Path]) -> List[dict]:
    """Read a JSON list of ``{"image", "description"}``, or one of them in each line of a ``.jsonl`` file.

    A description is a text, a list of texts, or missing.

    Returns:
        list[dict]: the entries, with ``descriptions``, the list of their non-empty texts.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is not such a list.
    """
    remedy = 'give a JSON file of descriptions'
    if Path(file).suffix == '.jsonl':
        entries: Any = [entry for _, entry in read_json_lines(file, 'descriptions', remedy)]
    else:
        entries = read_json(file, 'descriptions', remedy)
    if not isinstance(entries, list):
        raise ValueError(
            f'descriptions {file} must be a list of {{"image", "description"}}, got a {type(entries).__name__}.'
        )
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get('image'), str):
            raise ValueError(f'{file}, entry {number}: expected {{"image", "description"}}, got {str(entry)[:80]}.')
        texts = entry.get('description') or []
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(
                f'{file}, entry {number}: the description must be a text or a list of texts, got {str(texts)[:80]}.'
            )
        if any('\ud800' <= character <= '\udfff' for text in texts for character in text):
            raise ValueError(
                f'{file}, entry {number}: the description cannot be written as UTF-8 (half of a character pair), '
                f'got {str(texts)[:80]!a}; write it again.'
            )
        entry['descriptions'] = [text.strip() for text in texts if text.strip()]
    return entries


def descriptions_of(files: Sequence[List[dict]]) -> Dict[str, List[str]]:
    """Collect the descriptions of each image from several files, one per language model (FocusCLIP, appendix A.2).

    A repeated description counts once: MPII has an entry, with the same text, for each person.

    Args:
        files: the entries of each file, from :func:`read_entries`.
    """
    descriptions: Dict[str, List[str]] = {}
    for entry in chain.from_iterable(files):
        known = descriptions.setdefault(entry['image'], [])
        known += [text for text in dict.fromkeys(entry['descriptions']) if text not in known]
    return descriptions


def keep_described(images: Sequence[str], descriptions: Dict[str, List[str]], missing: str, source: str) -> List[str]:
    """The images that have a description, in the given order.

    Args:
        images: names of images.
        descriptions: from :func:`descriptions_of`.
        missing: what to do about the others: ``'error'``, or ``'skip'`` and count them in the log.
        source: name of the annotations in messages.

    Raises:
        ValueError: images lack a description and ``missing`` is ``'error'``, or all of them do.
    """
    kept = [image for image in images if descriptions.get(image)]
    if len(kept) == len(images):
        return kept
    lacking = next(image for image in images if not descriptions.get(image))
    found = f'{source}: {len(images) - len(kept):,} of {len(images):,} images have no description, such as {lacking}'
    if missing == 'error' or not kept:
        raise ValueError(
            f'{found}. Complete the descriptions, or leave these images out with missing_descriptions="skip".'
        )
    print_log(f'{found}. They are left out (missing_descriptions="skip").', logger='current', level=logging.WARNING)
    return kept


def check_images(paths: Sequence[str], source: str) -> None:
    """Check that the images exist.

    Raises:
        FileNotFoundError: some do not; the message counts them.
    """
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise FileNotFoundError(
            f'{source}: {len(missing):,} of {len(paths):,} images do not exist, such as '
            f'{missing[0]}: check data_root and data_prefix, or prepare the data as '
            'docs/data.md says.'
        )
