from typing import Any, List, Optional

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from clamp_mmpose.language.pose_questions import read_pose_questions
from clamp_mmpose.utils.choices import check_choice

from .pose_sample import PoseSample

TASKS = ('text', 'image')


@DATASETS.register_module()
class PoseDataset(BaseDataset):
    """Questions about the 3D pose of a person, answered with ``<POSE>`` (ChatPose, Feng et al., CVPR 2024).

    NumPy's random state draws question, answer and, of several, the text anew at each visit; ``test_mode`` takes the
    first ones. A sample has the keys of :class:`InstructionDataset`, ``poses`` ``[1, 24, 3, 3]`` float32 and
    ``pose_masks`` ``[1, 24]`` bool among them, and those of :class:`PoseSample` that are known: ``bbox`` (left, top,
    right, bottom in pixels of the image), ``texts``, ``betas``, ``gender``, ``joints_3d``, ``source``.

    Args:
        reader: a :class:`PoseReader`, such as ``dict(type='PoseScript', ...)``.
        task: ``'text'``: asks about descriptions; ``'image'``: about images.
        questions: a YAML file of wordings, see :func:`read_pose_questions`; default: those of the paper.
        kwargs: as for MMEngine's ``BaseDataset``.

    Attributes:
        dropped: what was left out, and how often.

    Raises:
        FileNotFoundError, ValueError: see the reader; nothing is left.
    """

    METAINFO: dict = dict(dataset_name='poses')

    def __init__(self, reader: dict, task: str, questions: Optional[str] = None, **kwargs: Any):
        check_choice('PoseDataset: task', task, TASKS)
        self.reader = DATASETS.build(reader)
        self.task = task
        self.questions = read_pose_questions(questions)
        super().__init__(**kwargs)

    def load_data_list(self) -> List[dict]:
        """The samples that have what the task needs."""
        samples, others = [], {'poses without text': 0, 'poses without image': 0, 'people without pose': 0}
        for sample in self.reader:
            if self.task == 'text' and not sample.texts:
                others['poses without text'] += 1
            elif self.task == 'image' and sample.image is None:
                others['poses without image'] += 1
            elif not sample.mask.any() and not (self.test_mode and sample.joints_3d is not None):
                others['people without pose'] += 1
            else:
                samples.append(_info(sample))
        self.dropped = {what: number for what, number in {**self.reader.dropped, **others}.items() if number}
        counts = ', '.join(f'{number:,} {what}' for what, number in self.dropped.items())
        if not samples:
            raise ValueError(
                f'PoseDataset: {type(self.reader).__name__} has no samples for task={self.task!r} '
                f'({counts or "it is empty"}).'
            )
        if counts:
            print_log(f'{type(self.reader).__name__}: left out: {counts}.', 'current')
        return samples

    def get_data_info(self, idx: int) -> dict:
        """A sample before the pipeline, with its question and answer."""
        info = super().get_data_info(idx)
        if self.task == 'image':
            question = self.questions.about_image(self._drawn(len(self.questions.image_questions)))
        else:
            text = info['texts'][self._drawn(len(info['texts']))]
            question = self.questions.about_text(self._drawn(len(self.questions.text_questions)), text)
            info['img_path'] = None
        answer = self.questions.answers[self._drawn(len(self.questions.answers))]
        info['conversations'] = [{'from': 'human', 'value': question}, {'from': 'gpt', 'value': answer}]
        return info

    def _drawn(self, number: int) -> int:
        return 0 if self.test_mode else np.random.randint(number)


def _info(sample: PoseSample) -> dict:
    others = dict(
        bbox=sample.box,
        texts=list(sample.texts) or None,
        betas=sample.betas,
        gender=sample.gender or None,
        joints_3d=sample.joints_3d,
        source=sample.source or None,
    )
    return dict(
        record_id=sample.record_id,
        img_path=sample.image,
        poses=sample.rotations[None].astype(np.float32),
        pose_masks=sample.mask[None],
        **{key: value for key, value in others.items() if value is not None},
    )
