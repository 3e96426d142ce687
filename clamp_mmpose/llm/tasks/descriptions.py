import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.pose_facts import image_sentences
from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.choices import check_choice

from .context import normalized_box
from .parsing import parse_description
from .published_descriptions import SETTINGS, published_messages
from .records import write_records
from .task import ON_LEAK, Made, TextTask, leaks_of

PLACEHOLDERS = ('role', 'dataset', 'count', 'keypoints', 'subject', 'subjects', 'limbs')
PARTS = ('no_persona', 'task', 'pose_facts', 'structured', 'plain', 'style')
PUBLISHED = Path(__file__).parents[1] / 'prompts' / 'published' / 'descriptions.yml'
# words for the people or animals, and the limbs to describe
PEOPLE = dict(
    role='human activity and pose analyzer',
    subject='person',
    subjects='people',
    limbs='left leg, right leg, left arm, right arm, torso, head',
)
OTHERS = dict(
    role='pose analyzer', subject='subject', subjects='subjects', limbs='each limb or part that the keypoints show'
)
TEMPLATE = re.compile(r'\$(?:count|activity|box|center|scale)\b|\b(?:num2word|getVerb|parseName|parseLocation)\(')
MPII_CODE = re.compile(r'\s*\(Taylor Code[^)]*\)', re.IGNORECASE)


class Descriptions(TextTask):
    """A description of the poses in each image (FocusCLIP, section 3.4 and appendix B), for ``description_files`` of
    :class:`MPIIDescriptionsDataset` and :class:`DescriptionsDataset`.

    Args:
        persona: tell the model which role it has (appendix B.1).
        structured: ask for the template with pseudo-functions, otherwise in plain words (Table 4b).
        activity: give the image's activity label (appendix B.1).
        dataset_name: such as 'MPII Human Pose dataset', for the persona.
        role: of the persona; None: 'human activity and pose analyzer' for people, 'pose analyzer' for others.
        pose_facts: also give the statements that follow from the keypoints, see :func:`image_sentences`.
        on_leak: a text that speaks of keypoints or coordinates is asked for 'again', or left out ('reject'), or 'keep';
            None: 'again', or 'keep' with ``published``.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        published: send the messages of the published program, for MPII only; see
            :mod:`published_descriptions`.
        prompt: path of an own prompt file; None: that of the package.
    """

    def __init__(
        self,
        persona: bool = True,
        structured: bool = True,
        activity: bool = True,
        dataset_name: str = 'the dataset',
        role: Optional[str] = None,
        pose_facts: bool = False,
        on_leak: Optional[str] = None,
        settings: Optional[Dict[str, Any]] = None,
        published: bool = False,
        prompt: Optional[str] = None,
    ):
        if published and (not (persona and structured and activity) or pose_facts):
            raise ValueError(
                'published=True is the published prompt, with persona, structured and activity and without pose_facts: '
                'leave them at their defaults.'
            )
        self.persona, self.structured, self.activity, self.pose_facts = persona, structured, activity, pose_facts
        self.dataset_name, self.role = dataset_name, role
        self.published = published
        self.on_leak = on_leak or ('keep' if published else 'again')
        check_choice('on_leak', self.on_leak, ON_LEAK)
        self.settings = dict(settings or {})
        self.prompt = (
            load_prompt(PUBLISHED) if published else load_prompt(prompt or 'descriptions', PLACEHOLDERS, PARTS)
        )

    def request(self, facts: ImageFacts) -> Request:
        """The system message, and the image's annotations as JSON."""
        if self.published:
            messages, settings = published_messages(facts, self.prompt.system), dict(SETTINGS, **self.settings)
        else:
            user = json.dumps(self._content(facts), ensure_ascii=False, allow_nan=False)
            messages = (Message(role='system', content=self._system(facts)), Message(role='user', content=user))
            settings = self.settings
        return Request(f'descriptions/{facts.image_id}', messages, self.prompt.id, settings, facts)

    def parse(self, request: Request, text: str) -> str:
        """The description; see :class:`TextTask`."""
        text = parse_description(text)
        left = TEMPLATE.search(text)
        if left and not self.published:
            raise ValueError(f'the template is not filled in: {text[left.start() :][:40]!r}')
        return self.without_leaks(text)

    def leaks(self, value: str) -> List[str]:
        """Where a description speaks of keypoints or coordinates."""
        return leaks_of([value])

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """``{"image", "description"}`` of each image, as a JSON list or, for ``.jsonl``, in lines."""
        write_records(path, [dict(image=one.request.facts.image, description=one.value) for one in made])

    def _system(self, facts: ImageFacts) -> str:
        parts = self.prompt.parts
        words = PEOPLE if _are_people(facts) else OTHERS
        values: Dict[str, Any] = dict(
            words,
            role=self.role or words['role'],
            dataset=self.dataset_name,
            count=len(facts.keypoint_names),
            keypoints=', '.join(f'{number} - {name}' for number, name in enumerate(facts.keypoint_names)),
        )
        chosen = [
            self.prompt.system if self.persona else parts['no_persona'],
            parts['task'],
            parts['pose_facts'] if self.pose_facts else '',
            parts['structured'] if self.structured else parts['plain'],
            parts['style'],
        ]
        return ' '.join(text.format(**values) for text in chosen if text)

    def _content(self, facts: ImageFacts) -> Dict[str, Any]:
        content: Dict[str, Any] = {}
        if self.activity and facts.activity:
            content['activity'] = MPII_CODE.sub('', facts.activity)
        people = _are_people(facts)
        content['count'] = len(facts.instances)
        content['people' if people else 'subjects'] = [
            dict(
                id=number,
                **({} if people else dict(category=instance.category)),
                box=normalized_box(instance.bbox, facts.size),
                kpts=_keypoints(instance, facts),
            )
            for number, instance in enumerate(facts.instances)
        ]
        if self.pose_facts:
            content['statements'] = image_sentences(facts)
        return content


def _are_people(facts: ImageFacts) -> bool:
    return all(instance.category == 'person' for instance in facts.instances)


def _keypoints(instance: Instance, facts: ImageFacts) -> List[List[float]]:
    """From 0 to 1, to three decimals as in LLaVA-Pose; -1, -1 if not labeled."""
    width, height = facts.size
    return [
        [round(float(x) / width, 3), round(float(y) / height, 3)] if labeled else [-1, -1]
        for (x, y), labeled in zip(instance.keypoints, instance.labeled)
    ]
