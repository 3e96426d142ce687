"""Questions about images, in the format that LLaVA's own scripts answer."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from clamp_mmpose.language.image_facts import ImageFacts
from clamp_mmpose.llm.image_parts import is_below
from clamp_mmpose.llm.tasks.context import DECIMALS, normalized_box

from .json_lines import read_lines, text_of, write_lines

TYPES = ('conversation', 'detail', 'reasoning')
LLAVA_TYPES = {'conv': 'conversation', 'complex': 'reasoning'}


@dataclass(frozen=True)
class Context:
    """What a judge that sees no image is told about it, as texts; numbers are shares of the image's width and height.

    Attributes:
        captions: sentences about the whole image.
        boxes: 'person: [0.419, 0.023, 0.842, 0.987]' (left, top, right, bottom).
        keypoints: 'person: nose [0.479, 0.391], left eye [0.486, 0.377]'.
    """

    captions: Tuple[str, ...] = ()
    boxes: Tuple[str, ...] = ()
    keypoints: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question about an image, and the answer of a language model that was told what is in it.

    Attributes:
        id: 'conversation/785'.
        image: file name, below the folder of the images.
        type: 'conversation', 'detail' or 'reasoning'.
        text: the question.
        context: of the image.
        reference: the text-only answer, which is an upper bound for models that see the image; None: there is none.
    """

    id: str
    image: str
    type: str
    text: str
    context: Context = Context()
    reference: Optional[str] = None


def describe(facts: ImageFacts) -> Context:
    """The context of an image; keypoints that are not labeled are left out."""
    boxes = [(item.category, item.bbox) for item in (*facts.instances, *facts.objects)]
    return Context(
        captions=tuple(facts.captions),
        boxes=tuple(f'{category}: {normalized_box(box, facts.size)}' for category, box in boxes),
        keypoints=tuple(
            f'{instance.category}: '
            + ', '.join(
                f'{name} {_shares(point, facts.size)}'
                for name, point, labeled in zip(facts.keypoint_names, instance.keypoints, instance.labeled)
                if labeled
            )
            for instance in facts.instances
        ),
    )


def _shares(values: Sequence[float], sizes: Sequence[int]) -> List[float]:
    return [round(float(value) / size, DECIMALS) for value, size in zip(values, sizes)]


def write_questions(path: Union[str, Path], questions: Sequence[Question]) -> None:
    """Write JSON lines with LLaVA's ``question_id``, ``image``, ``text`` and ``category``, the context, the reference.

    LLaVA's ``model_vqa.py`` answers such a file.
    """
    lines = [
        dict(
            question_id=question.id,
            image=question.image,
            category=question.type,
            text=question.text,
            context=asdict(question.context),
            reference=question.reference,
        )
        for question in questions
    ]
    write_lines(path, lines)


def read_questions(path: Union[str, Path]) -> List[Question]:
    """The questions of a file of :func:`write_questions`, or of LLaVA's ('conv', 'detail', 'complex').

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not such a question, its image is not below the folder of the images, an id occurs twice,
            or there is none; the line is named.
    """
    questions: Dict[str, Question] = {}
    for place, line in read_lines(path, 'questions', 'make them with the step questions'):
        category = text_of(line, 'category', place)
        kind = LLAVA_TYPES.get(category, category)
        if kind not in TYPES:
            raise ValueError(f'{place}: the category {category!r:.40} is none of {", ".join(TYPES)}, conv, complex.')
        name = question_id(line, place)
        if name in questions:
            raise ValueError(f'{place}: the question {name!r:.60} occurs twice; ids must differ.')
        reference = line.get('reference')
        questions[name] = Question(
            name,
            _image_name(line, place),
            kind,
            text_of(line, 'text', place),
            _context(line.get('context', {}), place),
            None if reference is None else text_of(line, 'reference', place),
        )
    if not questions:
        raise ValueError(f'questions {path} holds no question.')
    return list(questions.values())


def question_id(line: dict, place: str) -> str:
    """``question_id`` or ``id`` of a line, which may be a number, as a text."""
    name = line.get('question_id', line.get('id'))
    if isinstance(name, bool) or not isinstance(name, (str, int)) or name == '':
        raise ValueError(f'{place}: expected question_id (or id), a text or a whole number, got {name!r:.40}.')
    return str(name)


def _image_name(line: dict, place: str) -> str:
    """Images go into a page and to servers: a stranger's questions must not name others of this machine."""
    name = text_of(line, 'image', place)
    if not is_below(name):
        raise ValueError(
            f'{place}: the image {name!r:.60} is not below the folder of the images: give its name there, and the '
            "folder as data_root and data_prefix of the config's data set."
        )
    return name


def _context(content: object, place: str) -> Context:
    fields = list(asdict(Context()))
    if not isinstance(content, dict) or not set(content) <= set(fields):
        raise ValueError(f'{place}: expected a context with {", ".join(fields)}, got {content!r:.60}.')
    for name, texts in content.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f'{place}: {name} must be a list of texts, got {texts!r:.60}.')
    return Context(**{name: tuple(texts) for name, texts in content.items()})
