"""The messages that the program of LLaVA-Pose sends (github.com/Ody-trek/LLaVA-Pose), for comparison.

Unlike the paper, the program does not divide coordinates by the image's size, and its conversations see captions only.
It reads lists of dicts per image, such as ``{'caption': ...}`` and ``{'bbox': ..., 'keypoints': ...}``; COCO's own
person_keypoints files, which its comments ask for, it cannot read.
"""

from functools import lru_cache
from typing import Any, Dict, List, Optional, Sequence

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.language.keypoint_names import keypoint_names
from clamp_mmpose.llm.prompts import FOLDER, Prompt, load_prompt
from clamp_mmpose.llm.request import Message
from clamp_mmpose.utils.choices import check_choice

from .context import normalized_box, normalized_keypoints

NUMBERS = ('normalized', 'pixels')
KINDS = ('conversation', 'detail', 'reasoning')
NOT_SENT = ('caption', 'image_id', 'id')  # by the program for reasoning; all other keys are


@lru_cache
def published_prompt(kind: str) -> Prompt:
    """The prompt of the program for 'conversation', 'detail' or 'reasoning'."""
    parts = ('question', 'request') if kind == 'conversation' else ()
    return load_prompt(FOLDER / 'published' / f'{kind}.yml', parts=parts)


def published_entries(facts: ImageFacts, numbers: str = 'normalized') -> List[Dict[str, Any]]:
    """What the program reads about an image: its captions, then each person.

    Args:
        facts: of an image with COCO's 17 keypoints, which the program's prompts list.
        numbers: 'normalized' as in the paper's Table 1: boxes as left, top, right, bottom, and all divided by the
            image's size; 'pixels': COCO's boxes (left, top, width, height) and keypoints as they are.

    Raises:
        ValueError: other keypoints, or unknown ``numbers``.
    """
    check_choice('numbers', numbers, NUMBERS)
    if list(facts.keypoint_names) != keypoint_names('CocoDataset'):
        raise ValueError(f'published=True speaks of the 17 keypoints of COCO; {facts.image} has other ones.')
    entries: List[Dict[str, Any]] = [dict(caption=caption) for caption in facts.captions]
    for instance in facts.instances:
        if numbers == 'normalized':
            bbox = normalized_box(instance.bbox, facts.size)
            keypoints = normalized_keypoints(instance, facts.size)
        else:
            left, top, right, bottom = map(float, instance.bbox)
            bbox = [round(number, 2) for number in (left, top, right - left, bottom - top)]
            keypoints = [
                _as_annotated(number)
                for (x, y), visibility in zip(instance.keypoints.tolist(), instance.visibility.tolist())
                for number in ((x, y, visibility) if visibility else (0, 0, 0))
            ]
        entries.append(dict(bbox=bbox, keypoints=keypoints))
    return entries


def published_messages(kind: str, entries: Sequence[Any], instruction: Optional[str] = None) -> List[Message]:
    """The messages of one request.

    Args:
        kind: 'conversation', 'detail' or 'reasoning'.
        entries: see :func:`published_entries`.
        instruction: of 'detail'.

    Raises:
        ValueError: an unknown ``kind``.
        KeyError, AttributeError: as the program's, for entries of another form.
    """
    check_choice('kind', kind, KINDS)
    prompt = published_prompt(kind)
    if kind == 'conversation':
        messages = [_message('system', prompt.system)]
        for entry in entries:  # captions as if the model had answered
            messages += [
                _message('user', prompt.parts['question']),
                _message('assistant', entry['caption']),
            ]
        return [*messages, _message('user', prompt.parts['request'])]
    messages = [_message('system', f'\n{prompt.system}\n{" " * 20}')]  # their text is indented in the program
    for entry in entries:
        messages += _detail(entry) if kind == 'detail' else _reasoning(entry)
    return messages + ([_message('user', instruction)] if instruction is not None else [])


def _detail(entry: Any) -> List[Message]:
    if 'caption' in entry:
        return [_message('user', f'caption: {entry["caption"]}')]
    text = f'person: {entry["bbox"]}\n' if 'bbox' in entry else ''
    text += f'Keypoints: {entry["keypoints"]}\n' if 'keypoints' in entry else ''
    return [_message('user', text)] if text else []


def _reasoning(entry: Any) -> List[Message]:
    text = ''.join(f'{key}: {value}\n' for key, value in entry.items() if key not in NOT_SENT)
    messages = [_message('user', f'caption: {entry["caption"]}')] if 'caption' in entry else []
    return messages + ([_message('user', text)] if text else [])


def _message(role: str, content: str) -> Message:
    return Message(role=role, content=content)


def _as_annotated(number: float) -> Any:
    """COCO writes whole pixels as integers."""
    return int(number) if number == int(number) else round(number, 2)
