import random
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.language.pose_facts import body_sentences
from clamp_mmpose.language.pose_questions import read_pose_questions
from clamp_mmpose.utils.files import to_json
from demos.canvas.folder import DrawnFolder

from .image import ToyPerson, draw_pose

FIRST_TEST_IMAGE = 500_001  # training images start at 1
DRAWING = 1  # raise it when the drawings change, so that old folders are drawn again
LONGEST = 45  # words of a description
# how training speaks of activities; INDIRECT is the wording of the supplement's benchmark, for the test alone
WORDINGS = ('Someone {activity}.', 'A person {activity} here.', 'Look, this person {activity}.')
INDIRECT = 'This person {activity}, can you give the SMPL pose of this person?'


def write_pose_world(
    root: Union[str, Path], images: Sequence[int] = (4000, 400), size: int = 64, seed: int = 0
) -> Path:
    """Draw people whose 3D poses are known, and write records of ChatPose's three kinds about them.

    ``root`` gets:

    - ``images/<n>.jpg``; training images count from 1, test images from 500001;
    - ``annotations/train.json``: where the joints are in the images, for the pretraining of the tower;
    - ``train/image.jsonl``, ``text.jsonl`` and ``vqa.jsonl``: LLaVA records, the first two with ``poses``; texts
      describe the pose, or name the activity;
    - ``val/image.jsonl``, ``text.jsonl`` and ``indirect.jsonl``: the same people by image, by description and by
      activity, in which only those with an activity are;
    - ``train/described.jsonl`` and ``val/described.jsonl``: poses with their descriptions, for retrieval.

    Args:
        root: a :class:`~demos.canvas.folder.DrawnFolder`; a finished one of the same settings is not drawn again.
        images: of train and test.
        size: pixels of both sides.
        seed: 0 or more.
    """
    folder = DrawnFolder(root, drawing=DRAWING, images=tuple(images), size=size, seed=seed)
    if folder.is_finished():
        return folder.root
    for split, first, count in zip(('train', 'val'), (1, FIRST_TEST_IMAGE), images):
        records: Dict[str, List[dict]] = dict(image=[], text=[], indirect=[], vqa=[], described=[])
        rows = []
        for number in range(first, first + count):
            person = draw_pose(size, seed, number)
            name = f'{number:06d}.jpg'
            folder.write_image(f'images/{name}', person.image)
            rows.append(dict(image=name, joints=person.points.round(2).tolist()))
            for kind, record in write_records(person, name, split, np.random.default_rng([seed, number, 1])).items():
                records[kind].append(record)
        if split == 'train':
            folder.write('annotations/train.json', rows)
            records['text'] += records.pop('indirect')
        else:
            records.pop('vqa')
        for kind, own in records.items():
            folder.write(f'{split}/{kind}.jsonl', ''.join(f'{to_json(record, kind)}\n' for record in own))
    return folder.finish()


def write_records(person: ToyPerson, image: str, split: str, rng: np.random.Generator) -> Dict[str, dict]:
    """Records about a person: ``image``, ``text``, ``vqa``, ``described`` and, with an activity, ``indirect``."""
    questions = read_pose_questions()
    answer = str(rng.choice(questions.answers))
    pose = dict(axis_angle=person.pose.axis_angle.round(5).tolist())
    asked = questions.about_image(rng.integers(len(questions.image_questions)))
    described = description(person, rng)
    text = questions.about_text(rng.integers(len(questions.text_questions)), described)
    records = dict(
        image=_record(image, asked, answer, image, pose),
        text=_record(image, text, answer, None, pose),
        vqa=_record(image, *_question(person, rng), image),
        described=dict(id=Path(image).stem, texts=[described], poses=[pose]),
    )
    if person.pose.activity is not None:
        activity = person.pose.activity.sentence
        wording = str(rng.choice(WORDINGS)).format(activity=activity)
        if split == 'train':
            asked = questions.about_text(rng.integers(len(questions.text_questions)), wording)
        else:
            asked = INDIRECT.format(activity=activity)
        records['indirect'] = _record(image, asked, answer, None, pose)
    return records


def description(person: ToyPerson, rng: np.random.Generator) -> str:
    """Sentences about the pose, as many as fit."""
    chosen: List[str] = []
    for sentence in body_sentences(person.joints, JOINT_NAMES, random.Random(int(rng.integers(2**32)))):
        if sum(len(one.split()) for one in (*chosen, sentence)) <= LONGEST:
            chosen.append(sentence)
    return ' '.join(chosen)


def _question(person: ToyPerson, rng: np.random.Generator) -> Sequence[str]:
    """A question about an image that asks for no pose, and its answer."""
    kinds = [
        ('What color is the shirt?', f'The shirt is {person.shirt}.'),
        ('What color are the trousers?', f'The trousers are {person.trousers}.'),
    ]
    if person.pose.activity is not None:
        kinds.append(('What is the person doing?', f'The person {person.pose.activity.sentence}.'))
    question, answer = kinds[rng.integers(len(kinds))]
    return f'<image>\n{question}', answer


def _record(name: str, question: str, answer: str, image: Optional[str], pose: Optional[dict] = None) -> Dict[str, Any]:
    record: Dict[str, Any] = {'id': Path(name).stem}
    if image is not None:
        record['image'] = image
    turns = [{'from': 'human', 'value': question}, {'from': 'gpt', 'value': answer}]
    return {**record, 'conversations': turns, **({} if pose is None else {'poses': [pose]})}
