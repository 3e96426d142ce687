from pathlib import Path
from typing import Dict

import cv2
import numpy as np
from mmengine.config import Config

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.visualization import draw_named_keypoints
from clamp_mmpose.visualization.score_maps import title

ROWS = 3  # objects of each category
PANEL = 420  # pixels, of a panel's side


def draw_pictures(folder: Path, cfg: Config, checkpoint: str, ann_file: Path) -> Dict[str, Path]:
    """Ground truth and predictions of each unseen category, and one object's score maps; title -> file."""
    folder.mkdir(parents=True, exist_ok=True)
    annotations, texts = read_instances(ann_file), load_texts(cfg.test_dataloader.dataset.texts)
    images = Path(cfg.test_dataloader.dataset.data_root) / cfg.test_dataloader.dataset.data_prefix.img
    inferencer = TextPoseInferencer(cfg, checkpoint, 'cpu')
    rows, maps = [], None
    for category_id, category in annotations.categories.items():
        own = texts[category_id]
        instances = [instance for instance in annotations.instances if instance.category_id == category_id]
        panels = []
        for instance in instances[:ROWS]:
            path = str(images / annotations.images[instance.image_id]['file_name'])
            x, y, w, h = instance.bbox
            options = dict(bboxes=[[[x, y, x + w, y + h]]], keypoints=list(own.names), skeleton=own.skeleton)
            found = next(iter(inferencer(path, **options)))['predictions'][0][0]
            truth = np.where(instance.visible[:, None], instance.keypoints, np.nan)
            panels += [
                panel(path, truth, None, own, f'{category.slug}: where they are'),
                panel(
                    path,
                    np.array(found['keypoints']),
                    np.array(found['keypoint_scores']),
                    own,
                    f'{category.slug}: found by their names',
                ),
            ]
            if maps is None:
                (maps,) = next(iter(inferencer(path, return_vis=True, draw_score_maps=True, **options)))[
                    'visualization'
                ]
        rows.append(np.hstack(panels))
    found, scores = folder / 'unseen.jpg', folder / 'score_maps.jpg'
    cv2.imwrite(str(found), np.vstack(rows)[..., ::-1])
    cv2.imwrite(str(scores), maps[..., ::-1])
    return {
        'Unseen categories: where the keypoints are, and where they were found; hollow where unsure': found,
        'Where each name is looked for: the similarity of image and text': scores,
    }


def panel(path: str, keypoints: np.ndarray, scores: np.ndarray, texts, caption: str) -> np.ndarray:
    """One object with named keypoints ``[K, 2]`` under a caption: ``[h, PANEL, 3]``, RGB."""
    image = read_image(path)[..., ::-1]
    factor = PANEL / max(image.shape[:2])
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    square = np.full((PANEL, PANEL, 3), 255, np.uint8)
    square[: large.shape[0], : large.shape[1]] = large
    drawn = draw_named_keypoints(
        square, (keypoints + 0.5) * factor - 0.5, texts.names, scores, links=texts.skeleton, hollow=True
    )
    return np.vstack([title(caption, PANEL), drawn])
