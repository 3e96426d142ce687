"""Reading texts from the files that hold them."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from clamp_mmpose.utils.files import parse_json, read_json, read_text

SUFFIXES = ('.json', '.jsonl', '.txt')
EXPECTED = 'expected a text, {"image", "description"}, {"image", "text"} or a LLaVA record {"image", "conversations"}'
BLANK_LINE = '\n\n'


class Text(NamedTuple):
    """A text about an image.

    Attributes:
        text: a description, or all answers of a conversation with a blank line between them.
        image: file name of the image; None if the file names none.
        questions: of a conversation, joined in the same way.
    """

    text: str
    image: Optional[str] = None
    questions: str = ''


def read_texts(file: Union[str, Path]) -> List[Text]:
    """Read a file of texts: LLaVA records, descriptions (a text or a list of texts each), or plain texts.

    Args:
        file: a JSON list, JSONL, or ``.txt`` with a text in each line that is not blank.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another suffix, a malformed entry (it is named), or no texts.
    """
    texts = [text for place, entry in _entries(Path(file).expanduser()) for text in _texts_of(entry, place)]
    if not texts:
        raise ValueError(f'{file} holds no texts.')
    return texts


def without_repeats(texts: Sequence[Text]) -> List[Text]:
    """Drop descriptions that their image has already: MPII's files have an entry for each person of an image."""
    first = {text: number for number, text in reversed(list(enumerate(texts)))}
    return [text for number, text in enumerate(texts) if text.image is None or text.questions or first[text] == number]


def _entries(file: Path) -> Iterator[Tuple[str, Any]]:
    if file.suffix not in SUFFIXES:
        raise ValueError(f'{file}: expected a file of texts that ends in {", ".join(SUFFIXES)}.')
    if file.suffix == '.json':
        entries = read_json(file, 'texts', 'give a file of texts', expected=list)
        yield from ((f'{file}, entry {number}', entry) for number, entry in enumerate(entries))
        return
    if not file.is_file():
        raise FileNotFoundError(f'texts {file} not found (looked in {Path.cwd()}): give a file of texts.')
    for number, line in enumerate(read_text(file).split('\n'), 1):
        if line.strip():
            place = f'{file}, line {number}'
            yield place, line.strip() if file.suffix == '.txt' else _parse(line, place)


def _parse(line: str, place: str) -> Any:
    try:
        return parse_json(line)
    except ValueError as error:
        raise ValueError(f'{place}: not JSON ({error}); correct the line.') from error


def _texts_of(entry: Any, place: str) -> List[Text]:
    if isinstance(entry, str):
        return [Text(entry)]
    if not isinstance(entry, dict):
        raise ValueError(f'{place}: {EXPECTED}, got {entry!r:.60}.')
    image = entry.get('image')
    if image is not None and not isinstance(image, str):
        raise ValueError(f'{place}: the image must be a file name, got {image!r:.60}.')
    if 'conversations' in entry:
        return [_conversation(entry['conversations'], image, place)]
    key = next((key for key in ('description', 'text') if key in entry), None)
    if key is None:
        raise ValueError(f'{place}: {EXPECTED}, got an object with {", ".join(map(str, entry)) or "no keys"}.')
    texts = entry[key] if isinstance(entry[key], list) else [entry[key]]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f'{place}: the {key} must be a text or a list of texts, got {entry[key]!r:.60}.')
    return [Text(text, image) for text in texts]


def _conversation(turns: Any, image: Optional[str], place: str) -> Text:
    values: Dict[Any, List[str]] = dict(human=[], gpt=[])
    for turn in turns if isinstance(turns, list) else [turns]:
        if not isinstance(turn, dict) or not isinstance(turn.get('value'), str):
            raise ValueError(f'{place}: a turn must be {{"from", "value"}} with texts, got {turn!r:.60}.')
        values.setdefault(turn.get('from'), []).append(turn['value'].replace('<image>', '').strip())
    if not values['gpt']:
        raise ValueError(f'{place}: the conversation has no turn from "gpt".')
    return Text(BLANK_LINE.join(values['gpt']), image, BLANK_LINE.join(values['human']))
