"""Asks ChatPose for 3D poses."""

import re
from pathlib import Path
from typing import Any, List, Optional, Sequence, Union

import torch
from mmengine.config import Config
from torch import Tensor

from clamp_mmpose.body.build import build_body
from clamp_mmpose.body.smpl_joints import JOINT_NAMES

from .chat import History, Images, ModelChat, Question, read_chat_config, read_images, with_history
from .pose_reply import Pose, PoseReply
from .trained_model import is_chat_pose

POSE_WORDS = re.compile(r'\b(?:poses?|smpl)\b', re.IGNORECASE)
TOGETHER = 16  # bodies that are posed at once
NO_POSE = (
    'a pose was asked for, and the answer has none, only its text; force_pose (--pose, or the box on the page) makes '
    'the model give one.'
)


class PoseChat(ModelChat[PoseReply]):
    """Answers questions with texts and 3D poses by a :class:`ChatPose`. Several threads can share one.

    Args:
        config, checkpoint, device: as for :class:`ImageChat`.
        body: that is posed: ``'skeleton'``, ``'anny'``, or a file of SMPL, SMPL-H or SMPL-X; see :func:`build_body`.

    Raises:
        FileNotFoundError: there is no such config, checkpoint or body.
        ImportError: the body's package is missing.
        ValueError: another model, a checkpoint that does not fit it, or a file that is no body.
    """

    def __init__(
        self,
        config: Union[str, Path, Config],
        checkpoint: Optional[str] = None,
        device: Optional[str] = None,
        body: str = 'skeleton',
    ):
        cfg = read_chat_config(config)
        if not is_chat_pose(cfg):
            kind = (cfg.get('model') or {}).get('type')
            raise ValueError(f'{cfg.filename or config} has the model {kind}, expected a ChatPose, which gives poses.')
        self.body: Any = build_body(body).eval()
        super().__init__(cfg, checkpoint, device)

    def __call__(
        self,
        image: Images,
        question: Question,
        history: History = (),
        max_new_tokens: Optional[int] = None,
        temperature: Optional[float] = None,
        force_pose: Optional[bool] = None,
    ) -> PoseReply:
        """Answer a question.

        Args:
            image, question, history, max_new_tokens, temperature: as for :class:`ImageChat`.
            force_pose: an answer that would end without a pose gets one; None: as in ``test_cfg``.

        Raises:
            FileNotFoundError, ValueError: as for :class:`ImageChat`.
        """
        conversation = with_history(question, history)
        settings = {} if force_pose is None else dict(force_pose=force_pose)
        return self._answer([read_images(image)], [conversation], max_new_tokens, temperature, **settings)[0]

    def _write(self, *question: Any, **settings: Any) -> List[PoseReply]:
        model: Any = self.model
        answers = model.generate_poses(*question, **{'force_pose': model.test_cfg['force_pose'], **settings})
        return [
            PoseReply(answer.text, self._poses(answer.rotations, answer.text), _notes(answer, conversation))
            for answer, conversation in zip(answers, question[1])
        ]

    @torch.no_grad()
    def _poses(self, rotations: Tensor, text: str) -> List[Pose]:
        """The poses of rotations ``[n, 24, 3, 3]``."""
        poses = []
        for part in rotations.float().cpu().split(TOGETHER):
            if len(part):
                output = self.body(part)
                surfaces = [None] * len(part) if output.vertices is None else output.vertices.numpy()
                for own, joints, vertices in zip(part.numpy(), output.joints.numpy(), surfaces):
                    poses.append(Pose(own, joints, vertices, self.body.faces, text))
        return poses


def asks_for_pose(conversation: Sequence[dict]) -> bool:
    """Whether the last turn has the word pose or SMPL."""
    return bool(conversation) and POSE_WORDS.search(str(conversation[-1].get('value'))) is not None


def _notes(answer: Any, conversation: Sequence[dict]) -> tuple:
    if not len(answer.rotations):
        return (NO_POSE,) if asks_for_pose(conversation) else ()
    return tuple(
        f'pose {pose + 1}: the model gave no rotation for {JOINT_NAMES[joint]!r}, which is kept straight.'
        for pose, joint in answer.degenerate
    )
