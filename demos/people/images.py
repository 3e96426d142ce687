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
SIDE = 224  # pixels, of an image
BAR = (300, 22)  # (w, h)
RIGHT, WRONG = (90, 170, 60), (170, 170, 170)  # BGR


def draw_images(folder: Path, runs: Dict[str, Tuple[Path, Path]]) -> Dict[str, str]:
    """Focus heatmaps of training images, and what the models say of test images; file name -> caption.

    Args:
        folder: made if missing.
        runs: config and checkpoint by the name of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (config, _), *_ = runs.values()
    cv2.imwrite(str(folder / 'heatmaps.jpg'), draw_heatmaps(Config.fromfile(str(config))))
    cv2.imwrite(str(folder / 'predictions.jpg'), draw_predictions(runs))
    return {
        'heatmaps.jpg': 'Image, heatmap, focused image',
        'predictions.jpg': 'Combinations never seen: the three likeliest of twelve, the right one in green',
    }


def spread(number: int) -> List[int]:
    """Some of so many images; the drawn ones take turns, so these are of different kinds."""
    return np.linspace(0, number - ROWS, ROWS).astype(int).tolist()


def draw_heatmaps(cfg: Config) -> np.ndarray:
    """``[h, w, 3]`` BGR: triptychs of training images, two in a row."""
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
    """``[h, w, 3]`` BGR: a test image in each row, then each model's three likeliest classes (Table 2)."""
    columns = []
    for config, checkpoint in runs.values():
        scored = load_scored_model(str(config), str(checkpoint))
        built = DATASETS.build(dict(scored.tasks['combination'], pipeline=scored.pipeline))
        chosen = spread(len(built))
        with torch.no_grad():
            samples = scored.model.eval().test_step(pseudo_collate([built[index] for index in chosen]))
        columns.append([bars(likeliest(sample)) for sample in samples])
    rows = [np.hstack([np.full((BAR[1], SIDE, 3), 255, np.uint8), *(title(name, *BAR) for name in runs)])]
    for sample, *panels in zip(samples, *columns):
        rows.append(np.hstack([cv2.resize(read_image(sample.img_path), (SIDE, SIDE)), *panels]))
    return np.vstack(rows)


def likeliest(sample) -> List[Tuple[str, float, bool]]:
    """The three best classes of an image: name, cosine, whether it is right."""
    best = sample.class_scores.topk(3)
    return [
        (sample.class_names[index], float(score), index in sample.labels)
        for score, index in zip(best.values, best.indices.tolist())
    ]


def bars(classes: List[Tuple[str, float, bool]]) -> np.ndarray:
    """``[SIDE, w, 3]``: classes with bars as long as their cosines."""
    panel = np.full((SIDE, BAR[0], 3), 255, np.uint8)
    for i, (name, cosine, right) in enumerate(classes):
        top = 30 + 60 * i
        length = int(max(cosine, 0) * (BAR[0] - 8))
        cv2.rectangle(panel, (4, top + BAR[1]), (4 + max(length, 2), top + BAR[1] + 16), RIGHT if right else WRONG, -1)
        panel[top : top + BAR[1]] = title(f'{name}  {cosine:.2f}', *BAR)
    return panel
