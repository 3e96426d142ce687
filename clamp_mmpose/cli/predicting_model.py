"""The model that ``predict`` runs on images and videos."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clamp_mmpose.apis import TextPoseInferencer


def load_inferencer(args: argparse.Namespace) -> 'TextPoseInferencer':
    """The inferencer of the command's arguments."""
    from clamp_mmpose.apis import TextPoseInferencer
    from clamp_mmpose.apis.model_zoo import read_config

    return TextPoseInferencer(
        read_config(args.config, args.cfg_options),
        args.checkpoint,
        args.device,
        det_model=args.det_model,
        det_weights=args.det_weights,
        det_cat_ids=args.det_cat_ids,
        keypoints=args.keypoints,
        skeleton=args.skeleton,
        category=args.category,
    )
