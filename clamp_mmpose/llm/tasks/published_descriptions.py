"""What FocusCLIP's program sends (github.com/anon12620/FocusCLIP, 5ae9773), with its slips.

- MPII's ``istrain`` is part of the prompt.
- Keypoints are cut to integers, not rounded; those that are not visible are [-1, -1], while center and scale stay as
  they are.
- The frequency penalty is 1, although a text about limbs has to repeat their names.
- A failed request is sent again with ``max_tokens=2``, the number of tries left. This one is not repeated here:
  every attempt has 512.
"""

import json
from typing import Any, Dict, List, Sequence, Tuple

from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.llm.request import Message

SETTINGS = dict(temperature=0.5, max_tokens=512, frequency_penalty=1.0)
NUM_KEYPOINTS = 16  # MPII's
HF_URL = 'https://api-inference.huggingface.co/models/'


def published_messages(facts: ImageFacts, system: str) -> Tuple[Message, Message]:
    """The system message, and the image's annotations as JSON.

    Raises:
        ValueError: the keypoints are not MPII's, or a person has no center and scale.
    """
    if len(facts.keypoint_names) != NUM_KEYPOINTS or any(person.center is None for person in facts.instances):
        raise ValueError(
            f"published=True is FocusCLIP's prompt for {NUM_KEYPOINTS} keypoints, center and scale of MPII, which "
            f'{facts.image} does not have: use published=False.'
        )
    content: Dict[str, Any] = dict(activity=facts.activity, count=len(facts.instances))
    if facts.training is not None:
        content['istrain'] = facts.training
    content['people'] = [_person(number, person) for number, person in enumerate(facts.instances)]
    return Message(role='system', content=system), Message(role='user', content=json.dumps(content, allow_nan=False))


def published_hf_request(messages: Sequence[Message], model: str = 'meta-llama/Llama-2-70b-chat-hf') -> dict:
    """The same messages for Hugging Face's inference service, as one text in the program's form of Llama 2's template,
    which leaves out the line breaks around ``<</SYS>>``."""
    system, user = (message['content'] for message in messages)
    return dict(
        method='POST',
        url=f'{HF_URL}{model}',
        json=dict(
            inputs=f'<s>[INST] <<SYS>>\n{system}<</SYS>>{user} [/INST]',
            parameters=dict(
                temperature=SETTINGS['temperature'],
                max_new_tokens=SETTINGS['max_tokens'],
                repetition_penalty=1.0,
                return_full_text=False,
                num_return_sequences=1,
            ),
            options=dict(wait_for_model=True),
        ),
    )


def _person(number: int, person: Instance) -> Dict[str, Any]:
    keypoints: List[List[int]] = [
        [int(x), int(y)] if labeled else [-1, -1] for (x, y), labeled in zip(person.keypoints, person.labeled)
    ]
    return dict(id=number, center=list(person.center or ()), scale=person.scale, kpts=keypoints)
