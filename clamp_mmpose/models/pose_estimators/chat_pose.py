import contextlib
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import PretrainedInit
from mmpose.registry import MODELS
from PIL import Image
from torch import Tensor, nn

from clamp_mmpose.body.rotations import geodesic, six_to_matrix
from clamp_mmpose.checkpoints.fit import load_weights, weights_of
from clamp_mmpose.checkpoints.hub import OWN_WEIGHTS
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.models.language_models import VisionLanguageModel
from clamp_mmpose.models.language_models.image_tokens import image_token_id
from clamp_mmpose.models.layers import PoseTower
from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer
from clamp_mmpose.models.utils.token_rows import TokenRows
from clamp_mmpose.utils.choices import check_choice

from .pose_answer import PoseAnswer
from .pose_generation import ForcePose, StatesRead

LORA: Dict[str, Any] = dict(rank=128, alpha=256, dropout=0.05, targets=['q_proj', 'v_proj'])  # as published
TARGETS = ('poses', 'pose_masks')


@MODELS.register_module()
class ChatPose(VisionLanguageModel):
    """A vision-language model that answers with 3D poses (ChatPose, Feng et al., CVPR 2024).

    The state that predicts a pose token of an answer gives the rotations of SMPL's joints. With LoRA, the token's rows
    alone are trained in the embeddings and the output layer.

    Shapes: P pose tokens of a batch in reading order, J = 24 joints; others as in :class:`VisionLanguageModel`.

    Args:
        args, kwargs: of :class:`VisionLanguageModel`; ``lora`` is by default that of ChatPose, rank 128 and alpha 256
            in the layers of query and value. ``test_cfg`` may have ``force_pose``, see :meth:`generate_poses`.
        pose_token: added to the tokenizer if that lacks it; ``'[SEG]'`` in the published weights.
        pose_head: a :class:`PoseTokenHead`; ``in_channels`` is D by default.
        pose_loss: a :class:`PoseRotationLoss`.
        text_loss: ``'token'``: the mean over all labeled tokens, as published; ``'sample'``: the mean over
            conversations of the mean over the labeled tokens of each, so that long answers do not outweigh poses.
        pose_tower: a second, frozen image tower: arguments of :class:`PoseTower`, and ``images``, those of
            :class:`PoseImages`, which :class:`TokenizeConversation` gets too.

    Attributes:
        pose_id: of the pose token.

    Raises:
        ValueError: as :class:`VisionLanguageModel`.
    """

    def __init__(
        self,
        *args: Any,
        tune: str = 'lora',
        lora: Optional[dict] = None,
        pose_token: str = '<POSE>',
        pose_head: SubLayer = 'PoseTokenHead',
        pose_loss: SubLayer = 'PoseRotationLoss',
        text_loss: str = 'token',
        pose_tower: Optional[dict] = None,
        test_cfg: Optional[dict] = None,
        **kwargs: Any,
    ):
        check_choice('text_loss', text_loss, ('token', 'sample'))
        lora = LORA if lora is None and tune == 'lora' else lora
        test_cfg = dict(dict(force_pose=False), **(test_cfg or {}))
        tower = dict(pose_tower or {})
        chat = dict(pose_token=pose_token, pose_images=tower.pop('images', {}) if pose_tower else None)
        super().__init__(*args, tune=tune, lora=lora, test_cfg=test_cfg, chat=chat, **kwargs)
        self.pose_id: int = self.chat.pose_id
        self.averaged_over = text_loss
        width = self.vlm.get_input_embeddings().weight.shape[1]
        self.pose_head: Any = build_sub_layer(pose_head, 'PoseTokenHead', in_channels=width)
        self.pose_loss: Any = build_sub_layer(pose_loss, 'PoseRotationLoss')
        self.token_rows: Optional[TokenRows] = None
        if tune == 'lora':
            self.token_rows = TokenRows(*self.token_layers, [self.pose_id])

        self.pose_tower: Any = None
        if pose_tower:
            self.pose_tower = PoseTower(out_channels=width, grid=self.chat.pose_images.grid, **tower)
            self.token_layers[0].register_forward_hook(self._place_features)
        self._features: Optional[Tensor] = None
        self.never_written = [image_token_id(self.vlm.config), self.chat.pose_image_id]
        self.token_layers[1].register_forward_hook(self._mask_logits)

    @contextlib.contextmanager
    def _seeing(self, inputs: Dict[str, Tensor]) -> Iterator[Dict[str, Tensor]]:
        """While it is entered, the embeddings have the features of the second tower; gives the other inputs."""
        pixels = inputs.get('pose_pixels')
        if self.pose_tower is not None and pixels is not None:
            self._features = self.pose_tower(pixels).flatten(0, 1)
        try:
            yield {key: value for key, value in inputs.items() if key not in (*TARGETS, 'pose_pixels')}
        finally:
            self._features = None

    def _place_features(self, layer: nn.Module, inputs: Any, embeddings: Tensor) -> Tensor:
        places = inputs[0] == self.chat.pose_image_id
        number = int(places.sum())
        if not number:  # a text alone, and each token that is written
            return embeddings
        found = 0 if self._features is None else len(self._features)
        if number != found:
            raise ValueError(
                f'the batch has {number} tokens of the second tower, and its images have {found} features: give '
                'TokenizeConversation the pose_images of the model.'
            )
        return embeddings.masked_scatter(places[..., None], self._features.to(embeddings.dtype))

    def _mask_logits(self, layer: nn.Module, inputs: Any, logits: Tensor) -> Tensor:
        """An answer has no token of an image; the published model has no such token."""
        for token in self.never_written:
            if token is not None:
                logits[..., token] = -torch.inf
        return logits

    @property
    def token_layers(self) -> Any:
        """The embeddings and the output layer."""
        return self.vlm.get_input_embeddings(), self.vlm.get_output_embeddings()

    def init_weights(self) -> None:
        """Load pretrained weights, see :meth:`VisionLanguageModel.init_weights`.

        A folder that was exported or converted here has those of the other parts beside the files of transformers; if
        not, the second tower has its own ``init_cfg``.

        Raises:
            ValueError: weights do not fit, or the frozen second tower has none.
        """
        super().init_weights()
        if self.token_rows is not None:
            self.token_rows.read(*self.token_layers)
        init_cfg: Any = self.init_cfg or {}
        path = Path(init_cfg.get('checkpoint', ''), OWN_WEIGHTS)
        saved = weights_of(read_checkpoint(path)) if init_cfg and path.is_file() else {}
        if saved:
            what = 'the parts of ChatPose beside its vision-language model'
            load_weights(self.own_parts(), saved, str(path), what, optional=['pose_tower.'])
        if self.pose_tower is not None and not any(name.startswith('pose_tower.backbone.') for name in saved):
            address: Any = self.pose_tower.backbone.init_cfg
            pretrained = isinstance(address, dict) and address.get('type') in ('Pretrained', PretrainedInit)
            if init_cfg and not pretrained:  # checkpoints would not hold them
                raise ValueError(
                    "pose_tower's backbone is frozen and has no weights: give its init_cfg, of type Pretrained."
                )
            self.pose_tower.backbone.init_weights()

    def own_parts(self) -> nn.ModuleDict:
        """The parts beside the model of transformers, by name."""
        names = ('pose_head', 'pose_tower')
        return nn.ModuleDict({name: part for name, part in self.named_children() if name in names and part is not None})

    def merge(self) -> None:
        """Put LoRA and the rows of the pose token into the weights, in place."""
        super().merge()
        if self.token_rows is not None:
            self.token_rows.write(*self.token_layers)

    def loss(self, inputs: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """``loss_text``, ``acc_text``, ``loss_pose``; with labeled poses ``pose_degrees``, the mean angle between
        rotations and labels.

        Args:
            inputs: with labeled pose tokens, ``poses`` ``[P, J, 3, 3]`` and perhaps ``pose_masks`` ``[P, J]`` bool: the
                joints that have labels.

        Raises:
            ValueError: there are more or fewer poses than labeled pose tokens.
        """
        rows = self.with_blank_image({key: value for key, value in inputs.items() if key not in TARGETS})
        hidden = self.hidden_states(rows)
        losses = self.text_loss(hidden, rows['labels'])
        rotations, targets, mask = self._learned_poses(hidden, rows['labels'], inputs)
        losses['loss_pose'] = self.pose_loss(rotations, targets, mask)
        if mask.any():
            losses['pose_degrees'] = geodesic(rotations.detach(), targets)[mask].mean().rad2deg()
        return losses

    def _learned_poses(self, hidden: Tensor, labels: Tensor, inputs: Dict[str, Tensor]) -> Any:
        """Rotations and targets ``[P, J, 3, 3]`` of the labeled pose tokens, and which joints are labeled."""
        states = self.pose_states(hidden, labels)
        targets = inputs.get('poses')
        number = 0 if targets is None else len(targets)
        if number != len(states):
            raise ValueError(
                f'the batch has {len(states)} labeled pose tokens {self.chat.pose_token!r} and {number} poses: a '
                'record needs one pose for each pose token of its answers.'
            )
        if targets is None:  # other processes wait for the head's gradients
            rotations = six_to_matrix(self.pose_head(hidden[:1, 0]).float(), repair=True)
            return rotations, rotations.detach(), torch.zeros_like(rotations[..., 0, 0], dtype=torch.bool)
        rotations = six_to_matrix(self.pose_head(states).float(), repair=True)
        if targets.shape != rotations.shape:
            raise ValueError(
                f'poses must be matrices {[number, *rotations.shape[1:]]}, got {list(targets.shape)}: the head has '
                f'{rotations.shape[1]} joints.'
            )
        mask = inputs.get('pose_masks')
        return rotations, targets.float(), torch.ones_like(targets[..., 0, 0]).bool() if mask is None else mask

    def pose_states(self, hidden: Tensor, labels: Tensor) -> Tensor:
        """States ``[P, D]`` out of ``[B, L, D]`` that predict the labeled pose tokens, row by row."""
        return hidden[:, :-1][labels[:, 1:] == self.pose_id]

    def text_loss(self, hidden: Tensor, labels: Tensor) -> Dict[str, Tensor]:
        """See :meth:`loss`."""
        if self.averaged_over == 'token':
            return super().text_loss(hidden, labels)
        each, right = self.token_loss(hidden, labels)
        learned = labels[:, 1:] != -100
        counts = learned.sum(dim=1)
        samples = (counts > 0).sum().to(each.dtype)
        all_reduce(samples)
        weights = (1 / counts.clamp(min=1).to(each.dtype))[learned.nonzero()[:, 0]]
        loss = (each * weights).sum() * get_world_size() / samples.clamp(min=1)
        return dict(loss_text=loss, acc_text=right.float().sum() / max(len(right), 1))

    def hidden_states(self, inputs: Dict[str, Tensor]) -> Tensor:
        """See :meth:`VisionLanguageModel.hidden_states`."""
        with self._seeing(inputs) as seen:
            return super().hidden_states(seen)

    def predict(self, inputs: Dict[str, Tensor], data_samples: Optional[Sequence[Any]] = None) -> List[Any]:
        """The data samples with an answer to the first question: ``pred_text``, and ``pred_poses`` ``[n, J, 3, 3]``."""
        inputs = {key: value for key, value in inputs.items() if key not in TARGETS}
        answers = self._answers(self._questions(inputs, data_samples), **self.test_cfg)
        samples = [{} for _ in answers] if data_samples is None else data_samples
        return [
            dict(sample, pred_text=answer.text, pred_poses=answer.rotations) for sample, answer in zip(samples, answers)
        ]

    def generate_poses(
        self,
        images: Sequence[Sequence[Image.Image]],
        conversations: Sequence[Sequence[dict]],
        max_new_tokens: int,
        temperature: float = 0.0,
        force_pose: bool = False,
    ) -> List[PoseAnswer]:
        """Answer the last question of each conversation with the poses of its pose tokens, all of them at once.

        Args:
            images, conversations, max_new_tokens, temperature: as in :meth:`generate`.
            force_pose: an answer that would end without a pose token gets one before its end.

        Raises:
            ValueError: see :meth:`ChatTokens.prompt`.
        """
        prompts = self._prompts(images, conversations)
        return self._answers(prompts, max_new_tokens, temperature, force_pose)

    @torch.no_grad()
    def _answers(
        self, prompts: Dict[str, Tensor], max_new_tokens: int, temperature: float, force_pose: bool
    ) -> List[PoseAnswer]:
        """Answers to prompts that are padded on the left. Poses come from the states of the same pass."""
        settings = {}
        if force_pose:
            from transformers import LogitsProcessorList

            forced = ForcePose(self.pose_id, self.stops, prompts['input_ids'].shape[1], max_new_tokens)
            settings['logits_processor'] = LogitsProcessorList([forced])
        with StatesRead(self.vlm.get_output_embeddings()) as states:
            ids = self._write(prompts, max_new_tokens, temperature, **settings)
        return [
            self._answer(own, text, states.at(row, [i for i, token in enumerate(own) if token == self.pose_id]))
            for row, (own, text) in enumerate(zip(ids, self._texts(ids)))
        ]

    def _write(self, prompts: Dict[str, Tensor], *args: Any, **kwargs: Any) -> List[List[int]]:
        with torch.no_grad(), self._seeing(prompts) as seen:
            return super()._write(seen, *args, **kwargs)

    def _answer(self, ids: List[int], text: str, states: Tensor) -> PoseAnswer:
        rotations, wrong = self.pose_head.predict(states)
        return PoseAnswer(text, rotations, tuple((pose, joint) for pose, joint in wrong.nonzero().tolist()))
