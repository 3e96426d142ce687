from pathlib import Path
from typing import Dict, List, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS

from clamp_mmpose.apis.zero_shot_models import load_scored_model
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.visualization import focus_triptych
from clamp_mmpose.visualization.score_maps import title

ROWS = 6
SIDE = 448  # pixels, of an image
BAR = (600, 44)  # (w, h)
RIGHT, WRONG = (90, 170, 60), (170, 170, 170)  # BGR


def draw_images(folder: Path, runs: Dict[str, Tuple[Path, Path]]) -> Dict[str, str]:
    """Draw focus heatmaps of training images, and predictions on test images; file name -> caption.

    ``runs`` holds the config and the checkpoint of each training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (config, _), *_ = runs.values()
    cv2.imwrite(str(folder / 'heatmaps.jpg'), draw_heatmaps(Config.fromfile(str(config))))
    cv2.imwrite(str(folder / 'predictions.jpg'), draw_predictions(runs))
    return {
        'heatmaps.jpg': f'Image, heatmap, focused image ({ROWS} training images at equal distances in the list)',
        'predictions.jpg': f'Unseen combinations ({ROWS} test images at equal distances in the list): the three '
        'highest-scoring classes of twelve, the right one in green',
    }


def spread(number: int) -> List[int]:
    """``ROWS`` indices over so many images; classes alternate, so the images are of different classes."""
    return np.linspace(0, number - ROWS, ROWS).astype(int).tolist()


def draw_heatmaps(cfg: Config) -> np.ndarray:
    """Triptychs of training images, two in a row: ``[h, w, 3]`` BGR."""
    dataset = dict(cfg.train_dataloader.dataset)
    dataset['pipeline'] = [step for step in dataset['pipeline'] if step['type'] != 'PackFocusInputs']
    built = DATASETS.build(dataset)
    panels = []
    for index in spread(len(built)):
        results = built[index]
        triptych = focus_triptych(results['img'], results['focus_heatmap'])
        panels.append(cv2.resize(triptych, (3 * SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    return np.vstack([np.hstack(panels[i : i + 2]) for i in range(0, ROWS, 2)])


def draw_predictions(runs: Dict[str, Tuple[Path, Path]]) -> np.ndarray:
    """In each row a test image, then each model's three highest-scoring classes (Table 2): ``[h, w, 3]`` BGR."""
    columns = []
    for config, checkpoint in runs.values():
        scored = load_scored_model(str(config), str(checkpoint))
        built = DATASETS.build(dict(scored.tasks['combination'], pipeline=scored.pipeline))
        chosen = spread(len(built))
        with torch.no_grad():
            samples = scored.model.eval().test_step(pseudo_collate([built[index] for index in chosen]))
        columns.append([bars(sample) for sample in samples])
    rows = [np.hstack([np.full((BAR[1], SIDE, 3), 255, np.uint8), *(title(name, *BAR) for name in runs)])]
    for sample, *panels in zip(samples, *columns):
        rows.append(np.hstack([cv2.resize(read_image(sample.img_path), (SIDE, SIDE)), *panels]))
    return np.vstack(rows)


def bars(sample) -> np.ndarray:
    """The three highest-scoring classes of an image, with bars as long as their cosines: ``[SIDE, w, 3]``."""
    panel = np.full((SIDE, BAR[0], 3), 255, np.uint8)
    for i, (cosine, index) in enumerate(zip(*(best.tolist() for best in sample.class_scores.topk(3)))):
        top, color = 60 + 120 * i, RIGHT if index in sample.labels else WRONG
        length = int(max(cosine, 0) * (BAR[0] - 16))
        cv2.rectangle(panel, (8, top + BAR[1]), (8 + max(length, 4), top + BAR[1] + 32), color, -1)
        panel[top : top + BAR[1]] = title(f'{sample.class_names[index]}  {cosine:.2f}', *BAR)
    return panel
