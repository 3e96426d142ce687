from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.language.image_facts import ImageFacts, Instance
from clamp_mmpose.language.sides import side_of
from clamp_mmpose.llm.image_parts import is_below, photo_part, text_part
from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.visualization.left_right import draw_left_right

from .parsing import parse_description, parse_object
from .person_leaks import person_leaks
from .person_poses import PersonPoses
from .records import check_suffix, write_records
from .task import ON_LEAK, Made, TextTask

ASPECTS = ('behavior', 'shape', 'outfits', 'pose')
MOST_WORDS = 120  # of an aspect: one or two sentences
SUMMARY_WORDS = 30  # a summary is shorter


@dataclass(frozen=True, eq=False)
class PersonFacts:
    """One person of an image.

    Attributes:
        image: with this person alone.
        person: number in the image, from 0.
        pose: the person's 3D pose, see :func:`pose_entry`; None if it is not known.
        descriptions: what is written already.
    """

    image: ImageFacts
    person: int
    pose: Optional[Dict[str, Any]] = None
    descriptions: Dict[str, str] = field(default_factory=dict)

    @property
    def box(self) -> Tuple[float, ...]:
        return tuple(round(float(value), 2) for value in self.image.instances[0].bbox)


class PersonDescriptions(TextTask):
    """Descriptions of single people by behavior, shape, outfits and pose, and a summary of them: the benchmark of
    reasoning-based pose estimation (ChatPose, supplement 2 and Table 5).

    The model sees the image with the person's left joints in green and the right ones in red, since it would confuse
    the sides; :class:`PersonSummary` follows. The authors refined their 250 pairs by hand: read what this makes.

    Args:
        images: folder of the images.
        min_people: of an image; with one person, nobody is told apart.
        crop: show the person's box and a margin around it, not the whole image.
        margin: on each side, as a share of the box.
        poses: reader of the people's 3D poses, ``dict(type='ThreeDPW', ...)``, matched by image and box; None: unknown.
        on_leak: a text that speaks of the drawn joints, keypoints or coordinates is asked for 'again', or left out
            ('reject'), or 'keep'.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        prompt, summary_prompt: paths of own prompt files; None: those of the package.
    """

    def __init__(
        self,
        images: str,
        min_people: int = 2,
        crop: bool = True,
        margin: float = 0.25,
        poses: Optional[Dict[str, Any]] = None,
        on_leak: str = 'again',
        settings: Optional[Dict[str, Any]] = None,
        prompt: Optional[str] = None,
        summary_prompt: Optional[str] = None,
    ):
        check_choice('on_leak', on_leak, ON_LEAK)
        self.images, self.min_people, self.crop, self.margin = images, min_people, crop, margin
        self.poses, self.on_leak, self.settings = poses, on_leak, dict(settings or {})
        self.prompt = load_prompt(prompt or 'person_descriptions', (), ['request'])
        self.follow_up = PersonSummary(on_leak, self.settings, summary_prompt)

    def unusable(self, facts: ImageFacts) -> Optional[str]:
        """Images with fewer people are counted."""
        if len(facts.instances) < self.min_people:
            return f'images with fewer than {self.min_people} people'
        return None

    def requests(self, images: Sequence[ImageFacts]) -> List[Request]:
        """One for each person of whom joints of both sides are labeled."""
        poses = PersonPoses(self.poses) if self.poses else None
        made = []
        for facts in images:
            if self.unusable(facts) is None:
                sides = [side_of(name) for name in facts.keypoint_names]
                boxes = [one.bbox for one in facts.instances]
                found = poses.match(facts.image, boxes) if poses else [None] * len(boxes)
                for number, one in enumerate(facts.instances):
                    if {'left', 'right'} <= {side for side, known in zip(sides, one.labeled) if known}:
                        alone = replace(facts, instances=[one])
                        made.append(self.request(PersonFacts(alone, number, found[number])))
        return made

    def request(self, facts: PersonFacts) -> Request:
        """Table 5 (a)'s instruction; then the image with the person's joints."""
        image = facts.image
        (one,) = image.instances
        if not is_below(image.image):
            raise ValueError(
                f'the image {image.image!r:.60} is not below {self.images}, and its content would be sent to a server: '
                'give its name there in the annotations.'
            )
        drawn = draw_left_right(
            read_image(str(Path(self.images, image.image))),
            one.keypoints,
            one.labeled,
            [side_of(name) for name in image.keypoint_names],
            image.skeleton_links,
        )
        parts = [photo_part(_crop(drawn, one, self.margin) if self.crop else drawn)]
        parts.append(text_part(self.prompt.parts['request'].format()))
        messages = (
            Message(role='system', content=self.prompt.system.format()),
            Message(role='user', content=parts),
        )
        name = f'person_descriptions/{image.image_id}/{facts.person}'
        return Request(name, messages, self.prompt.id, self.settings, facts)

    def parse(self, request: Request, text: str) -> Dict[str, str]:
        """The four aspects; see :class:`TextTask`."""
        return self.without_leaks(parse_aspects(text))

    def leaks(self, value: Dict[str, str]) -> List[str]:
        """Where a text speaks of the drawn joints, keypoints or coordinates."""
        return person_leaks(value)

    def check_path(self, path: Path) -> None:
        check_suffix(path)
        super().check_path(path)

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """:class:`PersonSummary` writes the file."""
        self.follow_up.write(path, made)


class PersonSummary(TextTask):
    """The summary of what :class:`PersonDescriptions` made, in fewer than 30 words (ChatPose, Table 5 (b)).

    Args:
        on_leak, settings, prompt: as there.
    """

    def __init__(self, on_leak: str, settings: Dict[str, Any], prompt: Optional[str] = None):
        self.on_leak, self.settings = on_leak, settings
        self.prompt = load_prompt(prompt or 'person_summary')

    def requests(self, images: Sequence[Made]) -> List[Request]:
        """One for each person described."""
        made = []
        for one in images:
            assert one.request.facts is not None
            made.append(self.request(replace(one.request.facts, descriptions=one.value)))
        return made

    def request(self, facts: PersonFacts) -> Request:
        """Table 5 (b)'s instruction; then the four aspects in lines."""
        content = '\n'.join(f'{aspect}: {facts.descriptions[aspect]}' for aspect in ASPECTS)
        messages = (
            Message(role='system', content=self.prompt.system.format()),
            Message(role='user', content=content),
        )
        name = f'person_summary/{facts.image.image_id}/{facts.person}'
        return Request(name, messages, self.prompt.id, self.settings, facts)

    def parse(self, request: Request, text: str) -> Dict[str, str]:
        """The four aspects and the summary; see :class:`TextTask`."""
        summary = parse_summary(text)
        assert request.facts is not None
        self.without_leaks(dict(summary=summary))
        return dict(request.facts.descriptions, summary=summary)

    def leaks(self, value: Dict[str, str]) -> List[str]:
        """Where the summary speaks of the drawn joints, keypoints or coordinates."""
        return person_leaks(dict(summary=value['summary']))

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """``{"image", "box", "person", "pose", "descriptions"}`` of each person, see docs/chatpose_benchmarks.md."""
        write_records(path, [_record(one.request.facts, one.value) for one in made])


def parse_aspects(text: str) -> Dict[str, str]:
    """A JSON object with exactly the keys behavior, shape, outfits and pose.

    Raises:
        ValueError: no JSON, other keys, a value that is no text, or empty, or much longer than two sentences.
    """
    content = parse_object(text)
    if sorted(content) != sorted(ASPECTS):
        raise ValueError(f'expected the keys {", ".join(ASPECTS)}, got {", ".join(map(str, content)) or "none"}')
    for aspect, value in content.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f'{aspect} must be a text, got {value!r:.60}')
        if len(value.split()) > MOST_WORDS:
            raise ValueError(f'{aspect} has {len(value.split())} words, expected one or two sentences')
    return {aspect: ' '.join(content[aspect].split()) for aspect in ASPECTS}


def parse_summary(text: str) -> str:
    """A text of fewer than 30 words.

    Raises:
        ValueError: it is empty, a refusal, JSON or a list, or too long.
    """
    summary = ' '.join(parse_description(text).strip('"“”').split())
    if summary.startswith(('{', '[', '- ', '1.')):
        raise ValueError(f'expected one description, got {summary[:40]!r}')
    if len(summary.split()) >= SUMMARY_WORDS:
        raise ValueError(f'the summary has {len(summary.split())} words, expected fewer than {SUMMARY_WORDS}')
    return summary


def _crop(image: np.ndarray, one: Instance, margin: float) -> np.ndarray:
    left, top, right, bottom = one.bbox
    height, width = image.shape[:2]
    across, down = margin * (right - left), margin * (bottom - top)
    x1, y1 = max(0, int(left - across)), max(0, int(top - down))
    x2, y2 = min(width, int(np.ceil(right + across))), min(height, int(np.ceil(bottom + down)))
    return np.ascontiguousarray(image[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)])


def _record(facts: Optional[PersonFacts], descriptions: Dict[str, str]) -> Dict[str, Any]:
    assert facts is not None
    return dict(
        image=facts.image.image,
        box=list(facts.box),
        person=facts.person,
        pose=facts.pose,
        descriptions=descriptions,
    )
