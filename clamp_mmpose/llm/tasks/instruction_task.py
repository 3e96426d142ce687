import random
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Tuple

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.prompts import Prompt, load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.choices import check_choice

from .context import CONTEXTS, context_text, restrict
from .examples import examples
from .parsing import Round
from .published import NUMBERS, published_entries, published_messages, published_prompt
from .records import check_suffix, make_record, write_records
from .task import ON_LEAK, Made, TextTask, leaks_of

INPUTS = ('captions', 'boxes', 'keypoints', 'pose_facts')
PLACEHOLDERS = ('inputs', 'captions', 'keypoints', 'subjects')
NUMBER_WORDS = ('no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten')
OF_PUBLISHED = ('published', 'numbers', 'on_leak', 'image_folder', 'settings')  # the options that it leaves open


@dataclass(frozen=True)
class InstructionTask(TextTask):
    """One type of instruction data (LLaVA-Pose, section 3.2): a conversation about each image as a LLaVA record.

    Args:
        prompt: path of an own prompt file; None: that of the package.
        context: what the model is given: 'captions', 'boxes' (and captions), or 'keypoints' (and both).
        pose_facts: give the sentences that follow from the keypoints, too.
        few_shot: number of examples, of those that have the data set's keypoints.
        subjects: what the instances are called; None: 'people', or 'objects' if they are not persons.
        on_leak: an answer that speaks of its annotations is asked for 'again', or left out ('reject'), or 'keep'.
        image_folder: put before the file names of the images in the records.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        seed: of the choice of an instruction.
        published: send the messages of the published program; records have one round each, as published.
        numbers: of ``published``: 'normalized' as in the paper's Table 1, or COCO's 'pixels', as the program sends.

    Raises:
        ValueError: an unknown choice, a malformed prompt file, options that exclude each other.
    """

    prompt: Optional[str] = None
    context: str = 'keypoints'
    pose_facts: bool = False
    few_shot: int = 2
    subjects: Optional[str] = None
    on_leak: str = 'again'
    image_folder: str = ''
    settings: Dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    published: bool = False
    numbers: str = 'normalized'

    kind: ClassVar[str]
    parts: ClassVar[Tuple[str, ...]] = INPUTS

    def __post_init__(self) -> None:
        check_choice('context', self.context, CONTEXTS)
        check_choice('on_leak', self.on_leak, ON_LEAK)
        check_choice('numbers', self.numbers, NUMBERS)
        if not isinstance(self.few_shot, int) or self.few_shot < 0:
            raise ValueError(f'few_shot={self.few_shot!r}, expected a number of examples, 0 for none.')
        if self.pose_facts and self.context != 'keypoints':
            raise ValueError(f'pose_facts=True needs context="keypoints", got {self.context!r}.')
        if self.published:
            for option in fields(self):
                if option.name not in OF_PUBLISHED and getattr(self, option.name) != option.default:
                    raise ValueError(f'{option.name} does not apply with published=True: remove it.')
        elif self.numbers != 'normalized':
            raise ValueError('numbers="pixels" needs published=True: other prompts say that numbers are from 0 to 1.')
        self.loaded_prompt  # noqa: B018 (its errors come before the annotations are read)

    @cached_property
    def loaded_prompt(self) -> Prompt:
        """The own prompt, or that of the package."""
        prompt = load_prompt(self.prompt or self.kind, PLACEHOLDERS, self.parts)
        if any('\n' in text for text in prompt.instructions):
            raise ValueError(f'prompt {self.prompt}: an instruction must be one line.')
        return prompt

    def requests(self, images: Sequence[ImageFacts]) -> List[Request]:
        """One request for each image; a published run draws its instructions in turn, from ``random.seed(0)``."""
        draw = random.Random(0)
        made = []
        for facts in images:
            if self.unusable(facts) is None:
                made.append(self._published_request(facts, draw) if self.published else self.request(facts))
        return made

    def unusable(self, facts: ImageFacts) -> Optional[str]:
        """Captions are needed where nothing else is given."""
        if self.published:
            missing = self.kind == 'conversation' and not facts.captions
        else:
            missing = self.context == 'captions' and not (facts.captions or facts.activity)
        return 'images without captions' if missing else None

    def request(self, facts: ImageFacts) -> Request:
        """What the language model is asked."""
        if self.published:
            return self._published_request(facts, random.Random(0))
        given = restrict(facts, self.context)
        messages = [Message(role='system', content=self._system(given))]
        prompt = self.loaded_prompt
        if self.few_shot and prompt.few_shot:
            for example, answer in examples(prompt.few_shot, self.kind, facts.keypoint_names)[: self.few_shot]:
                question = self._question(restrict(example, self.context))
                messages += [Message(role='user', content=question), Message(role='assistant', content=answer)]
        messages.append(Message(role='user', content=self._question(given)))
        return Request(self._id(facts), tuple(messages), prompt.id, self.settings, given)

    def leaks(self, value: Sequence[Round]) -> List[str]:
        """Where questions (other than given instructions) and answers speak of the annotations."""
        texts = [text for question, answer in value for text in (self._written(question), answer)]
        return leaks_of(texts)

    def check_path(self, path: Path) -> None:
        """Raise ValueError or OSError unless records can be written to the file."""
        check_suffix(path)
        super().check_path(path)

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """Write LLaVA's records to ``.json`` (one list) or ``.jsonl``."""
        records = []
        for request, value, _ in made:
            assert request.facts is not None
            for rounds in [[part] for part in value] if self.published else [value]:
                records.append(make_record(request.facts, rounds, self.image_folder))
        write_records(path, records)

    def _written(self, question: str) -> str:
        """The part of a question that the model wrote."""
        return question

    def _instruction(self, facts: ImageFacts) -> str:
        """The last line of the request."""
        return self.loaded_prompt.parts['request']

    def _question(self, facts: ImageFacts) -> str:
        return f'{context_text(facts, self.pose_facts)}\n\n{self._instruction(facts)}'.lstrip()

    def _system(self, facts: ImageFacts) -> str:
        prompt = self.loaded_prompt
        given = {
            'captions': bool(facts.captions),
            'boxes': self.context != 'captions',
            'keypoints': self.context == 'keypoints',
            'pose_facts': self.pose_facts,
        }
        number = len(facts.captions)
        values = dict(
            captions=f'{NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else number} sentence{"s" * (number != 1)}',
            keypoints='\n'.join(f'{i}. {name}' for i, name in enumerate(facts.keypoint_names, 1)),
            subjects=self._subjects(facts),
        )
        inputs = '\n'.join(prompt.parts[name].strip().format(inputs='', **values) for name in INPUTS if given[name])
        return prompt.system.strip().format(inputs=inputs, **values)

    def _subjects(self, facts: ImageFacts) -> str:
        if self.subjects:
            return self.subjects
        return 'people' if all(instance.category == 'person' for instance in facts.instances) else 'objects'

    def _id(self, facts: ImageFacts) -> str:
        return f'{self.kind}/{facts.image_id}'

    def _published_request(self, facts: ImageFacts, draw: random.Random) -> Request:
        entries = published_entries(facts, self.numbers)
        if self.kind == 'conversation':
            entries = [entry for entry in entries if 'caption' in entry]
        instructions = [text.format(subjects='people') for text in self.loaded_prompt.instructions]
        instruction = draw.choice(instructions) if instructions else None
        messages = published_messages(self.kind, entries, instruction)
        return Request(self._id(facts), tuple(messages), published_prompt(self.kind).id, self.settings, facts)
