from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Union

from clamp_mmpose.utils.files import read_yaml

PUBLISHED = Path(__file__).with_suffix('.yml')
DESCRIPTION, POSE, IMAGE = '{description}', '<POSE>', '<image>'


class PoseQuestions(NamedTuple):
    """Wordings of questions about a pose and of their answers (ChatPose, Feng et al., CVPR 2024, supplement)."""

    image_questions: List[str]
    text_questions: List[str]
    answers: List[str]

    def about_image(self, question: int) -> str:
        """A question about the person in an image, which is read in front of it."""
        return f'{IMAGE}\n{self.image_questions[question]}'

    def about_text(self, question: int, description: str) -> str:
        """A question about the person that a text describes."""
        return self.text_questions[question].replace(DESCRIPTION, description.strip())


def read_pose_questions(path: Optional[Union[str, Path]] = None) -> PoseQuestions:
    """The wordings of a YAML file with ``image_questions``, ``text_questions`` and ``answers``; None: the published.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it lacks a list, a text question has not one ``{description}``, an answer not one ``<POSE>``.
    """
    path = PUBLISHED if path is None else Path(path)
    content: Any = read_yaml(path, 'questions', "give a file as clamp_mmpose's language/pose_questions.yml")
    lists = []
    for name, part in zip(PoseQuestions._fields, (None, DESCRIPTION, POSE)):
        found = content.get(name) if isinstance(content, dict) else None
        if not isinstance(found, list) or not found or not all(isinstance(text, str) and text for text in found):
            raise ValueError(f'questions {path}: {name} must be a list of texts, got {found!r:.60}.')
        for text in found:
            if part is not None and text.count(part) != 1:
                raise ValueError(f'questions {path}: each of {name} needs {part} once, got {text!r:.80}.')
            if IMAGE in text or (part != POSE and POSE in text):
                raise ValueError(
                    f'questions {path}: {name} must have no {IMAGE}, and no {POSE} but in answers: {text!r:.80}.'
                )
        lists.append(found)
    return PoseQuestions(*lists)
