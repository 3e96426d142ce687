from typing import Any, Dict, List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.utils.sub_layers import SubLayer, build_sub_layer
from clamp_mmpose.utils.choices import check_choice

AT_ONCE = 256


@MODELS.register_module()
class PoseTextRetrieval(BaseModel):
    """Poses and their descriptions in one space, to score text-to-pose by retrieval (as PoseScript, ECCV 2022).

    Numbers of R@k and FID are comparable only within one trained model.

    Args:
        text_encoder: such as :class:`HFTextEncoder` or :class:`WordTextEncoder`.
        pose_encoder: a :class:`PoseMLPEncoder`.
        embed_dims: D of the shared space.
        loss: symmetric, of N pairs; default: CLIP's, with a learned temperature.
        data_preprocessor, init_cfg: as for MMEngine's ``BaseModel``.
    """

    def __init__(
        self,
        text_encoder: dict,
        pose_encoder: SubLayer = 'PoseMLPEncoder',
        embed_dims: int = 512,
        loss: Optional[dict] = None,
        data_preprocessor: Union[dict, nn.Module, None] = None,
        init_cfg: Optional[dict] = None,
    ):
        super().__init__(data_preprocessor, init_cfg)
        self.text_encoder: Any = MODELS.build(text_encoder)
        self.text_projection = nn.Linear(self.text_encoder.embed_dims, embed_dims)
        self.pose_encoder: Any = build_sub_layer(pose_encoder, 'PoseMLPEncoder', embed_dims=embed_dims)
        clip = dict(type='NTXentLoss', temperature=0.07, learn_temperature=True, same_modality_negatives=False)
        self.contrastive: Any = MODELS.build(loss or clip)

    def forward(
        self, inputs: Dict[str, Tensor], data_samples: Optional[Dict[str, list]] = None, mode: str = 'tensor'
    ) -> Union[Tensor, Dict[str, Tensor], List[dict]]:
        """
        Args:
            inputs: ``poses`` ``[N, 24, 3, 3]`` and ``pose_masks`` ``[N, 24]`` of :class:`PackPoseText`.
            data_samples: ``text`` and ``record_id``, lists of N.
            mode: ``'tensor'``: the poses ``[N, D]`` of length 1; ``'loss'``: ``loss_contrastive`` and ``acc_text``, the
                share of poses whose own text is the closest of the batch; ``'predict'``: for each a dict with
                ``record_id``, ``pose_embedding`` and ``text_embedding`` ``[D]`` of length 1.
        """
        check_choice('mode', mode, ('tensor', 'loss', 'predict'))
        poses = self.embed_poses(inputs['poses'], inputs.get('pose_masks'))
        if mode == 'tensor':
            return poses
        samples: Any = data_samples
        if mode == 'predict':
            texts = self.embed_texts(samples['text'])
            return [
                dict(record_id=name, pose_embedding=pose, text_embedding=text)
                for name, pose, text in zip(samples['record_id'], poses, texts)
            ]
        texts = F.normalize(self.text_projection(self.text_encoder(samples['text'])), dim=1)
        own = torch.arange(len(poses), device=poses.device)
        right = (poses @ texts.t()).argmax(dim=1) == own
        return dict(loss_contrastive=self.contrastive(poses, texts), acc_text=right.float().mean())

    def embed_poses(self, rotations: Tensor, mask: Optional[Tensor] = None) -> Tensor:
        """``[N, D]`` of length 1; see :class:`PoseMLPEncoder`."""
        return F.normalize(self.pose_encoder(rotations.float(), mask).float(), dim=1)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """``[N, D]`` of length 1; each different text is embedded once, so that equal texts have equal rows."""
        unique = list(dict.fromkeys(texts))
        chunks = [unique[i : i + AT_ONCE] for i in range(0, len(unique), AT_ONCE)]
        rows = F.normalize(torch.cat([self.text_projection(self.text_encoder(chunk)) for chunk in chunks]), dim=1)
        place = {text: i for i, text in enumerate(unique)}
        return rows[[place[text] for text in texts]]
