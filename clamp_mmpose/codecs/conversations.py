"""Conversations in LLaVA's format: a list of turns ``{"from": "human" | "gpt", "value": text}``."""

from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

IMAGE_TAG = '<image>'
ROLES = dict(system='system', human='user', gpt='assistant')
REPAIRED = ('first_answer', 'untagged')  # faults that read_turns corrects


class Turn(NamedTuple):
    """What one side says; an image is read where ``<image>`` is."""

    role: str  # 'system', 'user' or 'assistant'
    text: str


class Fault(NamedTuple):
    """What is wrong with a conversation.

    Args:
        kind: ``'structure'``, ``'speaker'``, ``'order'``, ``'empty'``, ``'tags'``, ``'first_answer'`` or
            ``'untagged'``; a conversation with one of the last two can still be used.
        text: what was found, and what to do.
    """

    kind: str
    text: str


def conversation_faults(conversations: Any, images: int, ends_with: str = 'gpt') -> Iterator[Fault]:
    """Everything that is wrong with a conversation.

    Args:
        images: how many images the record has.
        ends_with: speaker of the last turn; ``'human'`` for a question that the model is to answer.
    """
    if not isinstance(conversations, (list, tuple)) or not conversations:
        yield Fault('structure', f'conversations must be a list of turns, got {conversations!r:.60}')
        return
    for i, turn in enumerate(conversations):
        if not (isinstance(turn, dict) and isinstance(turn.get('from'), str) and isinstance(turn.get('value'), str)):
            yield Fault('structure', f'turn {i} must be {{"from": ..., "value": text}}, got {turn!r:.60}')
            return
        if turn['from'] not in ROLES:
            yield Fault('speaker', f'turn {i} is from {turn["from"]!r}, expected human, gpt or (first) system')
            return
    speakers = [turn['from'] for turn in conversations]
    system = int(speakers[0] == 'system')
    if speakers[system:][:1] == ['gpt']:
        yield Fault('first_answer', 'the first turn is from gpt, so it answers nothing and is left out')
        system += 1
    for i, speaker in enumerate(speakers[system:], system):
        expected = ('human', 'gpt')[(i - system) % 2]
        if speaker != expected:
            yield Fault('order', f'turn {i} is from {speaker}, expected {expected}: human and gpt take turns')
            return
    if speakers[system:][-1:] != [ends_with]:
        yield Fault('order', f'the last turn is from {speakers[-1]}, expected {ends_with}')
    for i, turn in enumerate(conversations):
        if not turn['value'].replace(IMAGE_TAG, '').strip():
            yield Fault('empty', f'turn {i} from {turn["from"]} has no text')
        if turn['from'] != 'human' and IMAGE_TAG in turn['value']:
            yield Fault('tags', f'turn {i} from {turn["from"]} has {IMAGE_TAG}: images belong to turns from human')
    tags = sum(turn['value'].count(IMAGE_TAG) for turn in conversations if turn['from'] == 'human')
    if tags != images:
        text = f'{_counted(images, "image")} for {_counted(tags, IMAGE_TAG + " tag")}'
        if tags:
            yield Fault('tags', text)
        else:
            yield Fault('untagged', f'{text}, so it is put in front of the first question')


def read_turns(conversations: Any, images: int = 0, ends_with: str = 'gpt') -> List[Turn]:
    """The turns of a conversation.

    A first turn from gpt is left out, as in LLaVA. Images without any tag are put in front of the first question;
    LLaVA does not read them.

    Args:
        images, ends_with: see :func:`conversation_faults`.

    Raises:
        ValueError: any other fault.
    """
    found: Dict[str, str] = {}
    for fault in conversation_faults(conversations, images, ends_with):
        if fault.kind not in REPAIRED:
            raise ValueError(f'{fault.text}.')
        found[fault.kind] = fault.text
    turns = [Turn(ROLES[turn['from']], turn['value']) for turn in conversations]
    first = int(turns[0].role == 'system')
    if 'first_answer' in found:
        del turns[first]
    if 'untagged' in found:
        turns[first] = Turn('user', f'{IMAGE_TAG}\n' * images + turns[first].text)
    return turns


def count_in_answers(conversations: Sequence[dict], text: str) -> int:
    """How often the answers have a text."""
    return sum(turn['value'].count(text) for turn in conversations if turn['from'] == 'gpt')


def first_answer(conversations: Sequence[dict]) -> List[dict]:
    """A first turn from gpt, which :func:`read_turns` leaves out; [] if there is none."""
    system = int(conversations[0]['from'] == 'system')
    return [turn for turn in conversations[system : system + 1] if turn['from'] == 'gpt']


def without_last_round(conversations: Sequence[dict]) -> List[dict]:
    """The conversation without its last question and answer; [] if it has no other."""
    rest = list(conversations[:-2])
    return rest if any(turn['from'] == 'human' for turn in rest) else []


def _counted(number: int, noun: str) -> str:
    return f'{number} {noun}{"" if number == 1 else "s"}'
