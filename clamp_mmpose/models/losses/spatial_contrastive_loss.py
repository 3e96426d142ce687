import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn

from clamp_mmpose.utils.choices import check_choice


@MODELS.register_module()
class SpatialContrastiveLoss(nn.Module):
    """MSE between the upsampled score map and the heatmap (CLAMP eq. 5).

    Args:
        num_keypoints: K.
        num_stages: number of upsamplings by 2 from the score map to the heatmap; used by ``'deconv'``.
        upsample: ``'bilinear'`` as in the paper, or ``'deconv'``: the authors' code has a stock deconvolution head from
            K to K channels, which is dropped after training.
        loss_weight: alpha_1 of eq. 10.
    """

    def __init__(self, num_keypoints: int, num_stages: int, upsample: str = 'bilinear', loss_weight: float = 1.0):
        super().__init__()
        check_choice('upsample', upsample, ('bilinear', 'deconv'))
        self.loss_module = MODELS.build(dict(type='KeypointMSELoss', use_target_weight=True, loss_weight=loss_weight))
        self.upsampler = None
        if upsample == 'deconv':
            self.upsampler = MODELS.build(
                dict(
                    type='HeatmapHead',
                    in_channels=num_keypoints,
                    out_channels=num_keypoints,
                    deconv_out_channels=(num_keypoints,) * num_stages,
                    deconv_kernel_sizes=(4,) * num_stages,
                )
            )

    def forward(self, score_map: Tensor, heatmaps: Tensor, weights: Tensor) -> Tensor:
        """Compare the score map with the target.

        Args:
            score_map: ``[B, K, h, w]``, cosines.
            heatmaps: ``[B, K, H, W]``, Gaussians.
            weights: ``[B, K]``, 0 where a keypoint is not labeled.
        """
        if self.upsampler is not None:
            upsampled = self.upsampler((score_map,))
        else:
            upsampled = F.interpolate(score_map, size=heatmaps.shape[2:], mode='bilinear', align_corners=False)
        return self.loss_module(upsampled, heatmaps, weights)
