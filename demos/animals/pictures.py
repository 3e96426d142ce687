from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, init_default_scope
from torch import nn

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.datasets.files.coco import read_annotations
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.visualization import draw_named_keypoints, draw_similarity_matrices, draw_training_curves
from clamp_mmpose.visualization.score_maps import title

ROWS = 3  # animals in a picture
PANEL = (480, 400)  # (w, h) in pixels


def draw_pictures(folder: Path, runs: Dict[str, 'DemoRun'], similarity_before: np.ndarray) -> Dict[str, Path]:  # noqa: F821
    """Draw what the report shows; name -> file."""
    folder.mkdir(parents=True, exist_ok=True)
    clamp = runs['CLAMP'].cfg
    data_root = Path(clamp.test_dataloader.dataset.data_root)
    inferencers = {name: TextPoseInferencer(run.cfg, run.checkpoint, 'cpu') for name, run in runs.items()}
    pictures = {name: folder / f'{name}.jpg' for name in ('seen', 'unseen', 'score_maps')}
    pictures.update({name: folder / f'{name}.png' for name in ('similarity', 'curves')})

    for group in ('seen', 'unseen'):
        animals = choose_animals(data_root / 'annotations' / f'ap10k-test-split1-{group}.json')
        rows = [triptych(str(data_root / 'data' / name), animal, inferencers) for name, animal in animals]
        cv2.imwrite(str(pictures[group]), np.vstack(rows)[..., ::-1])
    name, animal = animals[-1]
    maps = next(
        inferencers['CLAMP'](
            str(data_root / 'data' / name), bboxes=[xyxy(animal)], return_vis=True, draw_score_maps=True
        )
    )['visualization'][0]
    cv2.imwrite(str(pictures['score_maps']), maps[..., ::-1])
    draw_similarity_matrices(
        {'before training': similarity_before, 'after training': mean_similarity(inferencers['CLAMP'].model, clamp)},
        inferencers['CLAMP'].keypoint_names,
        pictures['similarity'],
    )
    draw_training_curves(
        {name: run.scalars for name, run in runs.items()}, ('loss_kpt', 'coco/AP', 'PCK'), pictures['curves']
    )
    return pictures


def choose_animals(annotation_file: Path) -> List[Tuple[str, dict]]:
    """A few well visible animals, spread over the file, each with the name of its image."""
    annotations = read_annotations(annotation_file, 'run the demo again')
    file_names = {image['id']: image['file_name'] for image in annotations['images']}
    clear = sorted(annotations['annotations'], key=lambda animal: -animal['num_keypoints'])
    clear = sorted(clear[: max(ROWS, len(clear) // 3)], key=lambda animal: animal['id'])
    return [(file_names[clear[i]['image_id']], clear[i]) for i in np.linspace(0, len(clear) - 1, ROWS).astype(int)]


def xyxy(animal: dict) -> List[float]:
    """COCO's box (x, y, w, h) -> (x1, y1, x2, y2), image pixels."""
    x, y, width, height = animal['bbox']
    return [x, y, x + width, y + height]


def triptych(path: str, animal: dict, inferencers: Dict[str, TextPoseInferencer]) -> np.ndarray:
    """Ground truth and each model's keypoints with their names, side by side, RGB."""
    image = read_image(path)[..., ::-1]
    labelled = np.array(animal['keypoints'], float).reshape(-1, 3)
    panels = [('ground truth', labelled[:, :2], labelled[:, 2] > 0)]
    for name, inferencer in inferencers.items():
        result = next(inferencer(path, bboxes=[xyxy(animal)]))['predictions'][0][0]
        panels.append((name, np.array(result['keypoints']), np.array(result['keypoint_scores'])))
    matrix = enlarge(xyxy(animal))
    crop = cv2.warpAffine(image, matrix, PANEL, flags=cv2.INTER_LINEAR, borderValue=(40, 40, 40))
    drawn = []
    for name, keypoints, scores in panels:
        keypoints = keypoints @ matrix[:, :2].T + matrix[:, 2]
        picture = draw_named_keypoints(
            crop, keypoints, inferencer.keypoint_names, scores, links=inferencer.model.dataset_meta['skeleton_links']
        )
        drawn.append(np.vstack([title(name, PANEL[0]), picture]))
    return np.hstack(drawn)


def enlarge(box: List[float], padding: float = 1.4) -> np.ndarray:
    """The ``[2, 3]`` matrix that brings a box, with some space around it, into a panel."""
    x1, y1, x2, y2 = box
    scale = min(PANEL[0] / (x2 - x1), PANEL[1] / (y2 - y1)) / padding
    return np.array(
        [[scale, 0, PANEL[0] / 2 - scale * (x1 + x2) / 2], [0, scale, PANEL[1] / 2 - scale * (y1 + y2) / 2]]
    )


@torch.no_grad()
def mean_similarity(model: nn.Module, cfg: Config) -> np.ndarray:
    """Cosine of features at the labelled keypoints with the prompts, over the test images: ``[K, K]`` (Fig. 3)."""
    init_default_scope('mmpose')
    *load, pack = cfg.test_dataloader.dataset.pipeline
    target = dict(type='GenerateTarget', encoder=cfg.codec)
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, test_mode=False, pipeline=[*load, target, pack]))
    was_training = model.training
    model.eval()
    total, count = 0.0, 0.0
    for start in range(0, len(dataset), 32):
        batch = model.data_preprocessor(
            pseudo_collate([dataset[i] for i in range(start, min(start + 32, len(dataset)))])
        )
        labels = [sample.gt_instance_labels for sample in batch['data_samples']]
        keypoints = torch.cat([label.keypoint_labels for label in labels])
        labelled = torch.cat([label.keypoint_weights for label in labels])[..., None] > 0
        match = model.head.keypoint_prompt_similarity(
            model.extract_feat(batch['inputs']), keypoints, cfg.codec.input_size
        )
        total = total + torch.where(labelled, match, torch.zeros_like(match)).sum(dim=0)
        count = count + labelled.sum(dim=0)
    model.train(was_training)
    return (total / count).numpy()
