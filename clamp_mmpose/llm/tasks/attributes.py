import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from clamp_mmpose.language.attribute_sentence import grouped
from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.choices import check_choice

from .context import normalized_box
from .parsing import parse_description
from .records import write_records
from .task import ON_LEAK, Made, TextTask, leaks_of

PUBLISHED = Path(__file__).parents[1] / 'prompts' / 'published' / 'attributes.yml'
START = 'a photo of'


class Attributes(TextTask):
    """A description of the bird in each image from CUB's attributes and parts (FocusCLIP, appendix D), for
    :class:`DescriptionsDataset`. For other data sets with ``attributes``, give role, data set and subject.

    Args:
        species: also give the category, which the paper's prompt does not show.
        dataset_name, role, subject: words of the prompt.
        on_leak: a text that speaks of keypoints or coordinates is asked for 'again', or left out ('reject'), or 'keep';
            None: 'again', or 'keep' with ``published``.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        published: send the paper's words alone.
        prompt: path of an own prompt file; None: that of the package.
    """

    def __init__(
        self,
        species: bool = False,
        dataset_name: str = 'the CUB dataset',
        role: str = 'ornithologist, a branch of zoology that concerns the study of birds',
        subject: str = 'bird',
        on_leak: Optional[str] = None,
        settings: Optional[Dict[str, Any]] = None,
        published: bool = False,
        prompt: Optional[str] = None,
    ):
        self.words = dict(dataset=dataset_name, role=role, subject=subject)
        self.species = species
        self.published = published
        self.on_leak = on_leak or ('keep' if published else 'again')
        check_choice('on_leak', self.on_leak, ON_LEAK)
        self.settings = dict(settings or {})
        self.prompt = (
            load_prompt(PUBLISHED, ['attributes'])
            if published
            else load_prompt(prompt or 'attributes', list(self.words))
        )

    def unusable(self, facts: ImageFacts) -> Optional[str]:
        """Images without attributes are counted."""
        return None if facts.attributes else 'images without attributes'

    def request(self, facts: ImageFacts) -> Request:
        """The paper's prompt with the annotations as JSON."""
        content = json.dumps(self._content(facts), ensure_ascii=False, allow_nan=False)
        if self.published:
            messages: Tuple[Message, ...] = (
                Message(role='user', content=self.prompt.system.format(attributes=content)),
            )
        else:
            system = self.prompt.system.format(**self.words)
            messages = (Message(role='system', content=system), Message(role='user', content=content))
        return Request(f'attributes/{facts.image_id}', messages, self.prompt.id, self.settings, facts)

    def parse(self, request: Request, text: str) -> str:
        """The paragraph; see :class:`TextTask`."""
        text = ' '.join(parse_description(text).strip('"').split())
        if not text.lower().startswith(START) and not self.published:
            raise ValueError(f'it must start with {START!r}, got {text[:40]!r}')
        return self.without_leaks(text)

    def leaks(self, value: str) -> List[str]:
        """Where a description speaks of keypoints or coordinates."""
        return leaks_of([value])

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """``{"image", "id", "description"}`` of each image, as a JSON list or, for ``.jsonl``, in lines."""
        write_records(
            path,
            [dict(image=one.request.facts.image, id=one.request.facts.image_id, description=one.value) for one in made],
        )

    def _content(self, facts: ImageFacts) -> Dict[str, Any]:
        (instance,) = facts.instances[:1]
        width, height = facts.size
        content: Dict[str, Any] = dict(species=instance.category) if self.species else {}
        content['attributes'] = grouped(facts.attributes)
        content['box'] = normalized_box(instance.bbox, facts.size)
        content['parts'] = {
            name: [round(float(x) / width, 3), round(float(y) / height, 3)]
            for name, (x, y), labeled in zip(facts.keypoint_names, instance.keypoints, instance.labeled)
            if labeled
        }
        return content
