import logging
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmengine.logging import print_log
from mmpose.registry import METRICS

from clamp_mmpose.body.fitting.fit_keypoints import BodyFit, fit_keypoints
from clamp_mmpose.body.fitting.gmm_prior import read_gmm_prior
from clamp_mmpose.codecs.keypoint_text import parse_keypoints
from clamp_mmpose.language.keypoint_names import keypoint_names

from .body_pose_error import BodyPoseError

CROP = 224.0  # pixels of the images that SPIN's camera is for


@METRICS.register_module()
class KeypointTextError(BodyPoseError):
    """Errors of 3D poses that are fitted to keypoints in answers: LLaVA* of ChatPose (Feng et al., CVPR 2024).

    Answers are read by :func:`parse_keypoints`, and a body is fitted to their keypoints by :func:`fit_keypoints`.
    ``malformed`` answers, which cannot be read, and those with ``too_few`` keypoints have no pose; they are among the
    ``missing`` ones of :class:`BodyPoseError`, whose other arguments are these.

    Args:
        names: a registered data set that names the keypoints, a metainfo, or the names.
        gmm: SMPLify's ``gmm_08.pkl``.
        min_keypoints: that a fit needs.
    """

    def __init__(
        self,
        names: Union[str, dict, Sequence[str]] = 'CocoDataset',
        gmm: Optional[str] = None,
        min_keypoints: int = 6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.names = keypoint_names(names)
        self.gmm = read_gmm_prior(gmm) if gmm else None
        self.min_keypoints = min_keypoints

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Read the answers of a batch, fit bodies, and compare their poses.

        Args:
            data_samples: each with ``record_id``, ``pred_text``, ``poses`` and ``pose_masks``.
        """
        read = [self._read(sample) for sample in data_samples]
        fits: List[Any] = []
        if read:
            fractions, visible = (np.stack(parts) for parts in zip(*read))
            centers = np.full((len(read), 2), CROP / 2)
            fits = fit_keypoints(
                self.body,
                fractions * CROP,
                visible,
                self.names,
                centers,
                gmm=self.gmm,
                min_keypoints=self.min_keypoints,
            )
        for sample, (_, visible), fit in zip(data_samples, read, fits):
            found = isinstance(fit, BodyFit)
            poses = fit.rotations[None] if found else np.zeros((0, 24, 3, 3), np.float32)
            malformed = int(not visible.any())
            counts = dict(malformed=malformed, too_few=int(not found) - malformed)
            self.results.append(dict(self._compare(dict(sample, pred_poses=poses)), **counts))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """As the base class, and the counts."""
        counts = {name: sum(result[name] for result in results) for name in ('malformed', 'too_few')}
        if any(counts.values()):
            print_log(
                f'{counts["malformed"]:,} of {len(results):,} answers cannot be read; {counts["too_few"]:,} have fewer '
                f'than {self.min_keypoints} keypoints that the body has.',
                'current',
                logging.WARNING,
            )
        return dict(super().compute_metrics(results), **counts)

    def _read(self, sample: dict) -> Any:
        if 'pred_text' not in sample:
            raise ValueError(f'record {sample["record_id"]!r} has no pred_text: KeypointTextError reads answers.')
        try:
            return parse_keypoints(sample['pred_text'], self.names)
        except ValueError:
            return np.zeros((len(self.names), 2)), np.zeros(len(self.names), bool)
