import math
from typing import Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.models.layers.feature_sampling import sample_features
from clamp_mmpose.utils.choices import check_choice


@MODELS.register_module()
class FeatureContrastiveLoss(nn.Module):
    """Contrastive loss of keypoint features and prompts, in both directions (CLAMP eq. 6-8).

    Shapes: B images, K keypoints, D the width of the shared image-text space, h x w cells of the feature grid.

    Args:
        sampling: ``'bilinear'`` interpolates the feature at the keypoint (eq. 6); ``'nearest'`` takes the cell
            trunc(coordinate / stride + 0.5), as the authors' code.
        average: ``'labeled'`` averages over the labeled keypoints inside the image, and excludes the others from the
            negatives; ``'all'`` is the authors' code: over all B * K, where a keypoint without a feature has a
            zero feature and stays among the negatives.
        loss_weight: alpha_2 of eq. 10.
    """

    def __init__(self, sampling: str = 'bilinear', average: str = 'labeled', loss_weight: float = 1.0):
        super().__init__()
        check_choice('sampling', sampling, ('bilinear', 'nearest'))
        check_choice('average', average, ('labeled', 'all'))
        self.sampling = sampling
        self.average = average
        self.loss_weight = loss_weight
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # CLIP's initial temperature

    def forward(
        self, dense: Tensor, prompts: Tensor, keypoints: Tensor, weights: Tensor, input_size: Tuple[int, int]
    ) -> Tensor:
        """Contrast features with prompts.

        Args:
            dense: ``[B, D, h, w]``, the image in the shared space.
            prompts: ``[B, K, D]``.
            keypoints: ``[B, K, 2]``, (x, y) in pixels of the network input; ignored where the weight is 0.
            weights: ``[B, K]``, 0 where a keypoint is not labeled.
            input_size: (w, h) of the network input in pixels.

        Returns:
            Tensor: a scalar; 0 if nothing is labeled.
        """
        dense, prompts, keypoints = dense.float(), prompts.float(), keypoints.float()
        features, inside = sample_features(dense, keypoints, input_size, self.sampling)
        has_feature = inside & (weights > 0)
        features = F.normalize(features * has_feature[..., None], dim=-1)
        logits = self.logit_scale.exp() * features @ F.normalize(prompts, dim=-1).transpose(1, 2)
        logits_of_prompts = logits.transpose(1, 2)
        if self.average == 'labeled':
            weights = weights * has_feature
            logits_of_prompts = logits_of_prompts.masked_fill(~has_feature[:, None], torch.finfo(logits.dtype).min)
        labels = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
        losses = (
            (
                F.cross_entropy(logits.transpose(1, 2), labels, reduction='none')
                + F.cross_entropy(logits_of_prompts.transpose(1, 2), labels, reduction='none')
            )
            / 2
            * weights
        )
        return self.loss_weight * losses.sum() / self._count(weights)

    def _count(self, weights: Tensor) -> Tensor:
        """Divisor of the sum, chosen so that the mean over processes is the mean over all their keypoints."""
        if self.average == 'all':
            return weights.new_tensor(weights.numel())
        count = weights.sum().detach()
        all_reduce(count)
        return count.clamp(min=1) / get_world_size()
