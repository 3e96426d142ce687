from pathlib import Path
from typing import Dict

import cv2
import numpy as np
from mmengine.config import Config

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.category_texts import load_texts
from demos.common.panels import keypoint_panel
from demos.common.training import last_checkpoint

ROWS = 3  # objects of each category
PANEL = (840, 840)  # (w, h) in pixels


def draw_images(folder: Path, cfg: Config, ann_file: Path) -> Dict[str, str]:
    """Draw ground truth and predictions of each unseen category, and one object's score maps; file name -> caption."""
    folder.mkdir(parents=True, exist_ok=True)
    annotations, texts = read_instances(ann_file), load_texts(cfg.test_dataloader.dataset.texts)
    images = Path(cfg.test_dataloader.dataset.data_root) / cfg.test_dataloader.dataset.data_prefix.img
    inferencer = TextPoseInferencer(cfg, str(last_checkpoint(cfg)), 'cpu')
    rows, score_maps = [], None
    for category_id, category in annotations.categories.items():
        own = texts[category_id]
        instances = [instance for instance in annotations.instances if instance.category_id == category_id]
        panels = []
        for instance in instances[:ROWS]:
            path = str(images / annotations.images[instance.image_id]['file_name'])
            image = read_image(path)[..., ::-1]
            x, y, w, h = instance.bbox
            options = dict(bboxes=[[[x, y, x + w, y + h]]], keypoints=list(own.names), skeleton=own.skeleton)
            found = next(iter(inferencer(path, **options)))['predictions'][0][0]
            answers = {
                'ground truth': (np.where(instance.visible[:, None], instance.keypoints, np.nan), None),
                'found by name': (np.array(found['keypoints']), np.array(found['keypoint_scores'])),
            }
            whole = (0, 0, image.shape[1], image.shape[0])
            panels += [
                keypoint_panel(f'{category.slug}: {kind}', image, whole, PANEL, *one, own.names, own.skeleton, True)
                for kind, one in answers.items()
            ]
            if score_maps is None:
                drawn = next(iter(inferencer(path, return_vis=True, draw_score_maps=True, **options)))
                (score_maps,) = drawn['visualization']
        rows.append(np.hstack(panels))
    cv2.imwrite(str(folder / 'unseen.jpg'), np.vstack(rows)[..., ::-1])
    cv2.imwrite(str(folder / 'score_maps.jpg'), score_maps[..., ::-1])
    return {
        'unseen.jpg': f'The first {ROWS} test images of each unseen category: ground truth, and keypoints found by '
        'name (hollow where unsure)',
        'score_maps.jpg': 'Score maps: the similarity of the image to each name',
    }
