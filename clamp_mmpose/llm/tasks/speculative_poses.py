from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from tqdm import tqdm

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.pose_entries import pose_entry
from clamp_mmpose.body.smpl_joints import NUM_SHARED
from clamp_mmpose.datasets.poses.pose_sample import PoseSample
from clamp_mmpose.language.pose_facts import Fact, body_facts, body_sentences
from clamp_mmpose.llm.image_parts import drawn_part, text_part
from clamp_mmpose.llm.prompts import load_prompt
from clamp_mmpose.llm.request import Message, Request
from clamp_mmpose.utils.choices import check_choice
from clamp_mmpose.visualization.bodies import draw_four_views

from .numbered import numbered_items
from .records import check_suffix, write_records
from .task import ON_LEAK, Made, TextTask, leaks_of

QUESTIONS, SENTENCES = 4, 5
START = 'This person'
LONGEST = 60  # words of one or two succinct sentences
VIEWS = 4


@dataclass(frozen=True, eq=False)
class PoseFacts:
    """What is known of a 3D pose.

    Attributes:
        pose_id, source: of the data set.
        pose: see :func:`pose_entry`.
        description: direct, of the data set or by rules.
        facts: of the posed body.
    """

    pose_id: str
    source: str
    pose: Dict[str, Any]
    description: str
    facts: Sequence[Fact]


class SpeculativePoses(TextTask):
    """Five indirect descriptions of each pose by what the person may be doing: the benchmark of speculative pose
    generation (ChatPose, supplement 2 and Table 4), from four views and the direct description.

    The config's ``poses`` is a reader of poses, ``dict(type='PoseScript', ...)``. The authors checked their 780 pairs
    by hand: read what this makes.

    Args:
        body: drawn in the views: 'skeleton', 'anny' or a body file, see :func:`build_body`.
        size: side of each view in pixels.
        on_leak: a text that speaks of keypoints or coordinates is asked for 'again', or left out ('reject'), or 'keep'.
        settings: of the requests, such as ``temperature`` and ``max_tokens``; they override the model's.
        prompt: path of an own prompt file; None: that of the package.
    """

    source = 'poses'

    def __init__(
        self,
        body: str = 'skeleton',
        size: int = 256,
        on_leak: str = 'again',
        settings: Optional[Dict[str, Any]] = None,
        prompt: Optional[str] = None,
    ):
        check_choice('on_leak', on_leak, ON_LEAK)
        self.body_kind, self.size, self.on_leak = body, size, on_leak
        self.settings = dict(settings or {})
        self.prompt = load_prompt(prompt or 'speculative_poses', ['description'], ['request'])

    def unusable(self, facts: PoseSample) -> Optional[str]:
        """Poses of which a joint that shapes the body is not labeled."""
        return None if facts.mask[:NUM_SHARED].all() else 'poses with unlabeled joints'

    def requests(self, images: Sequence[PoseSample]) -> List[Request]:
        """One for each whole pose, in order; drawing one takes some 0.2 s."""
        self.body: Any = build_body(self.body_kind)
        usable = [facts for facts in images if self.unusable(facts) is None]
        return [self.request(facts) for facts in tqdm(usable, desc='drawing', unit='pose', disable=None)]

    def request(self, facts: PoseSample) -> Request:
        """Table 4's instruction; then four views and the direct description."""
        rotations = torch.as_tensor(facts.rotations, dtype=torch.float32)
        with torch.no_grad():
            posed = self.body(rotations[None])
        joints = posed.joints[0].numpy()
        vertices = None if posed.vertices is None else posed.vertices[0].numpy()
        drawn = draw_four_views(joints, vertices, self.body.faces, self.size)
        names = self.body.joint_names
        description = facts.texts[0] if facts.texts else ' '.join(body_sentences(joints, names))
        parts = [drawn_part(np.ascontiguousarray(view)) for view in np.split(drawn, VIEWS, axis=1)]
        parts.append(text_part(self.prompt.parts['request'].format(description=description)))
        messages = (
            Message(role='system', content=self.prompt.system.format()),
            Message(role='user', content=parts),
        )
        pose = pose_entry(facts.rotations, facts.mask)
        known = PoseFacts(facts.record_id, facts.source, pose, description, body_facts(joints, names))
        return Request(f'speculative_poses/{facts.record_id}', messages, self.prompt.id, self.settings, known)

    def parse(self, request: Request, text: str) -> List[str]:
        """The five sentences; see :class:`TextTask`."""
        return self.without_leaks(parse_speculative(text)[1])

    def leaks(self, value: Sequence[str]) -> List[str]:
        """Where a sentence speaks of keypoints or coordinates."""
        return leaks_of(value)

    def check_path(self, path: Path) -> None:
        check_suffix(path)
        super().check_path(path)

    def write(self, path: Path, made: Sequence[Made]) -> None:
        """``{"pose_id", "source", "pose", "sentences"}`` of each pose, see docs/chatpose_benchmarks.md."""
        write_records(path, [_record(one.request.facts, one.value) for one in made])


def parse_speculative(text: str) -> Tuple[List[str], List[str]]:
    """The answers to the four questions, and the five descriptions.

    Raises:
        ValueError: other numbers, an empty item, a description that does not start with 'This person', is too long, or
            occurs twice.
    """
    items = numbered_items(text)
    numbers, expected = [number for number, _ in items], [*range(1, QUESTIONS + 1), *range(1, SENTENCES + 1)]
    if numbers != expected:
        found = ', '.join(map(str, numbers[:12])) or 'none'
        raise ValueError(f'expected answers 1 to {QUESTIONS} and then descriptions 1 to {SENTENCES}, got {found}')
    texts = [item for _, item in items]
    for place, item in enumerate(texts):
        if not item:
            raise ValueError(f'item {place + 1} is empty')
    sentences = texts[QUESTIONS:]
    for number, sentence in enumerate(sentences, 1):
        if not sentence.startswith(f'{START} '):
            raise ValueError(f'description {number} must start with {START!r}, got {sentence[:40]!r}')
        if len(sentence.split()) > LONGEST:
            raise ValueError(f'description {number} has {len(sentence.split())} words, at most {LONGEST} are succinct')
    if len(set(map(str.lower, sentences))) < SENTENCES:
        raise ValueError('two descriptions are the same')
    return texts[:QUESTIONS], sentences


def _record(facts: Optional[PoseFacts], sentences: Sequence[str]) -> Dict[str, Any]:
    assert facts is not None
    return dict(
        pose_id=facts.pose_id,
        source=facts.source,
        pose=facts.pose,
        sentences=list(sentences),
    )
