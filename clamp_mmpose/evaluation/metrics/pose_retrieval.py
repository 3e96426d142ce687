import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmpose.registry import METRICS, MODELS

from clamp_mmpose.body.smpl_joints import NUM_JOINTS
from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.evaluation.poses.frechet import frechet_distance
from clamp_mmpose.evaluation.poses.retrieval import Retrieval, r_precision, retrieve
from clamp_mmpose.models.utils.trained_parts import load_trained

DIRECTIONS = (('pose', 'text'), ('text', 'pose'))


@METRICS.register_module()
class PoseRetrieval(BaseMetric):
    """R@k between poses and texts in both directions, over the whole split (ChatPose, PoseScript; SPG).

    With ``config``, the poses are those of answers, embedded by a trained retrieval model, as in the tests of text to
    pose and of SPG; without, samples have the embeddings of a :class:`PoseTextRetrieval`, which is then tested itself.

    In percent ``pose_to_text/R@5`` (query -> gallery) and so on, expected over ties, and ``..._published``, see
    :func:`retrieve`; ``pose_to_text/rank``, the mean rank; ``pose_to_text/pool`` and ``/tied``. An answer without a
    pose is not found at any k: ``missing`` counts them, and their texts stay in the gallery.
    Joints of an answer that the label lacks are taken as unturned, as those of the label are.
    ``labels/pose_to_text/R@5`` and so on are those of the labeled poses, which a perfect answer has. ``FID`` is between
    both kinds of poses in the space of the model, with its ``FID_samples`` and ``FID_dimensions``.

    Args:
        config, checkpoint: of the retrieval model.
        ks: of R@k.
        pool: also ``pose_to_text/R-precision@1`` to ``@3`` in random pools of so many, such as 32, which are no R@k;
            None: not.
        collect_device, prefix, collect_dir: as for MMEngine's ``BaseMetric``.

    Raises:
        ValueError: only one of ``config`` and ``checkpoint``; later, a sample without what is compared.
    """

    default_prefix = 'retrieval'

    def __init__(
        self,
        config: Optional[str] = None,
        checkpoint: Optional[str] = None,
        ks: Sequence[int] = (5, 10, 20),
        pool: Optional[int] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
        collect_dir: Optional[str] = None,
    ) -> None:
        if (config is None) != (checkpoint is None):
            raise ValueError(f'PoseRetrieval needs both config and checkpoint, got {config!r} and {checkpoint!r}.')
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.ks, self.pool = tuple(ks), pool
        self.model: Any = None
        if config is not None:
            self.model = MODELS.build(Config.fromfile(config).model)
            load_trained(self.model, read_checkpoint(str(checkpoint)), str(checkpoint))
            self.model.eval()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store the poses and texts of a batch.

        Args:
            data_samples: with ``record_id``, ``texts``, the first of which is asked about, ``pred_poses``
                ``[n, 24, 3, 3]``, the first of which is used, and perhaps ``poses`` and ``pose_masks``; or with
                ``pose_embedding`` and ``text_embedding`` ``[D]``.
        """
        for sample in data_samples:
            self.results.append(self._embedded(sample) if self.model is None else self._read(sample))

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Scores in percent, ranks, and counts."""
        if self.model is not None:
            texts = _array(self.model.embed_texts([result['text'] for result in results]))
        else:
            texts = np.stack([result['text'] for result in results])
        kept = [i for i, result in enumerate(results) if result['pose'] is not None]
        metrics: Dict[str, float] = dict(missing=len(results) - len(kept))
        if metrics['missing']:
            print_log(f'{metrics["missing"]:,} of {len(results):,} answers have no pose.', 'current', logging.WARNING)
        poses = np.stack([results[i]['pose'] for i in kept]) if kept else np.zeros((0, texts.shape[1]))
        metrics.update(self._both_ways(poses, texts, kept))
        labels = [result['label'] for result in results if 'label' in result]
        if len(labels) == len(results):
            true = np.stack(labels)
            found = self._both_ways(true, texts, range(len(true)))
            metrics.update({f'labels/{name}': value for name, value in found.items() if 'R@' in name})
            if len(kept) > 1:
                fid = frechet_distance(poses, true)
                metrics.update(FID=fid.value, FID_samples=min(fid.samples), FID_dimensions=fid.dimensions)
        return metrics

    def _both_ways(self, poses: np.ndarray, texts: np.ndarray, kept: Sequence[int]) -> Dict[str, float]:
        """Poses belong to the texts in the places ``kept``; other texts have none."""
        metrics: Dict[str, float] = {}
        share = len(poses) / len(texts)
        own = texts[list(kept)]
        for query, gallery in DIRECTIONS:
            name = f'{query}_to_{gallery}'
            found: Optional[Retrieval] = None
            if len(poses):
                found = retrieve(poses, texts, self.ks, kept) if query == 'pose' else retrieve(own, poses, self.ks)
                metrics.update({f'{name}/rank': found.expected_rank, f'{name}/pool': found.pool})
                metrics[f'{name}/tied'] = found.tied
            for k in self.ks:
                metrics[f'{name}/R@{k}'] = share * found.recall[k] if found else 0.0
                metrics[f'{name}/R@{k}_published'] = share * found.published[k] if found else 0.0
            if self.pool is not None and len(poses) >= self.pool:
                pairs = (poses, own) if query == 'pose' else (own, poses)
                precision = r_precision(*pairs, pool=self.pool)
                metrics.update({f'{name}/R-precision@{k}': share * value for k, value in precision.items()})
        return metrics

    def _read(self, sample: dict) -> dict:
        name = sample.get('record_id')
        if 'pred_poses' not in sample or not sample.get('texts'):
            raise ValueError(f'record {name!r} lacks pred_poses or texts: test ChatPose on poses with texts.')
        predicted = torch.as_tensor(sample['pred_poses']).float().cpu().reshape(-1, NUM_JOINTS, 3, 3)[:1]
        mask: Optional[torch.Tensor] = None
        result: dict = dict(text=sample['texts'][0])
        if len(sample.get('poses', ())):
            label, mask = (torch.as_tensor(np.asarray(sample[key]))[:1] for key in ('poses', 'pose_masks'))
            result['label'] = self._embed(label.float(), mask)
        # the retrieval model never saw joints without labels, such as hands where these are SMPL-H's fingers
        result['pose'] = self._embed(predicted, mask) if len(predicted) else None
        return result

    @torch.no_grad()
    def _embed(self, pose: torch.Tensor, mask: Optional[torch.Tensor]) -> np.ndarray:
        return _array(self.model.embed_poses(pose, None if mask is None else mask.bool()))[0]

    def _embedded(self, sample: dict) -> dict:
        keys: Tuple[str, ...] = ('pose_embedding', 'text_embedding')
        if not all(key in sample for key in keys):
            raise ValueError(
                f'record {sample.get("record_id")!r} has no embeddings: give PoseRetrieval config and checkpoint of a '
                'retrieval model.'
            )
        pose, text = (_array(sample[key]) for key in keys)
        return dict(pose=pose, text=text)


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()
