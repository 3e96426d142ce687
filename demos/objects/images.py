from pathlib import Path
from textwrap import wrap
from typing import Any, Dict, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.config import Config

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.visualization.score_maps import title
from clamp_mmpose.visualization.text import LONGEST
from demos.common.panels import keypoint_panel
from demos.common.training import last_checkpoint

HEAD, POINTER = 'text-query head', 'CapeLLM, pointer'
OBJECTS = 2  # of each category
QUESTIONS = 2  # about the first of them
PANEL, SMALL = (840, 840), (420, 420)  # (w, h) in pixels


def draw_images(folder: Path, cfgs: Dict[str, Config], ann_file: Path) -> Dict[str, str]:
    """Draw keypoints of unseen categories, the answers to some questions, and score maps; file name -> caption."""
    folder.mkdir(parents=True, exist_ok=True)
    models = {name: TextPoseInferencer(cfg, str(last_checkpoint(cfg)), 'cpu') for name, cfg in cfgs.items()}
    dataset = next(iter(cfgs.values())).test_dataloader.dataset
    annotations, texts = read_instances(ann_file), load_texts(dataset.texts)
    rows, answers, score_maps = [], [], None
    for category_id, category in annotations.categories.items():
        own, panels = texts[category_id], []
        instances = [instance for instance in annotations.instances if instance.category_id == category_id]
        for number, instance in enumerate(instances[:OBJECTS]):
            path = str(Path(dataset.data_root) / 'images' / annotations.images[instance.image_id]['file_name'])
            image = read_image(path)[..., ::-1]
            x, y, w, h = instance.bbox
            options = dict(bboxes=[[[x, y, x + w, y + h]]], keypoints=list(own.names), skeleton=own.skeleton)
            truth = np.where(instance.visible[:, None], instance.keypoints, np.nan)
            found = {name: ask(models[name], path, **options) for name in (HEAD, POINTER)}
            keypoints = {'ground truth': (truth, None)}
            for name, one in found.items():
                keypoints[name] = (np.array(one['keypoints']), np.array(one['keypoint_scores']))
            panels += [
                panel(f'{category.slug}: {name}', image, PANEL, *one, own.names, own.skeleton)
                for name, one in keypoints.items()
            ]
            if number == 0:
                for k in np.flatnonzero(instance.visible)[:QUESTIONS]:
                    options = dict(bboxes=options['bboxes'], keypoints=[own.names[k]])
                    answers.append(answer_row(models, path, image, truth[k], own.names[k], options))
            if score_maps is None:
                options = dict(bboxes=options['bboxes'], keypoints=list(own.names))
                (score_maps,) = next(iter(models[HEAD](path, return_vis=True, draw_score_maps=True, **options)))[
                    'visualization'
                ]
        rows.append(np.hstack(panels))
    images = {'unseen.jpg': np.vstack(rows), 'answers.jpg': np.vstack(answers), 'score_maps.jpg': score_maps}
    for name, image in images.items():
        cv2.imwrite(str(folder / name), image[..., ::-1])
    return {
        'unseen.jpg': f'The first {OBJECTS} test images of each unseen category: ground truth, and keypoints found by '
        'name (hollow where unsure)',
        'answers.jpg': 'CapeLLM: questions about the first visible keypoints, and the answers, x and y as fractions of '
        'the crop; on the right, the heatmap of the pointer',
        'score_maps.jpg': 'Score maps of the text-query head: the similarity of the image to each name',
    }


def answer_row(
    models: Dict[str, TextPoseInferencer], path: str, image: np.ndarray, truth: np.ndarray, name: str, options: dict
) -> np.ndarray:
    """The question about one keypoint, ground truth, the answer of each CapeLLM model, and the pointer's heatmap."""
    panels = [panel('ground truth', image, SMALL, truth[None], None, [name])]
    question = ''
    for model, inferencer in models.items():
        if model == HEAD:
            continue
        found = ask(inferencer, path, **options)
        (question,), (answer,) = found['question'], found['answer']
        points, scores = np.array(found['keypoints']), np.array(found['keypoint_scores'])
        panels.append(panel(f'{model.split(", ")[1]}: {answer}', image, SMALL, points, scores, [name]))
    (heatmap,) = next(iter(models[POINTER](path, return_vis=True, draw_score_maps=True, **options)))['visualization']
    height = round(image.shape[0] * heatmap.shape[1] / image.shape[1])  # without the title above
    panels.append(panel('pointer: heatmap', heatmap[-height:], SMALL, truth[None] * np.nan, None, [name]))
    row = np.hstack(panels)
    return np.vstack([*(title(line, row.shape[1], 44) for line in wrap(question, LONGEST)), row])


def ask(inferencer: TextPoseInferencer, path: str, **options: Any) -> dict:
    """The only instance found in an image."""
    return next(iter(inferencer(path, **options)))['predictions'][0][0]


def panel(
    caption: str,
    image: np.ndarray,
    size: Tuple[int, int],
    keypoints: np.ndarray,
    scores: Optional[np.ndarray],
    names: Sequence[str],
    links: Sequence[Sequence[int]] = (),
) -> np.ndarray:
    """The whole image, enlarged, with keypoints."""
    whole = (0, 0, image.shape[1], image.shape[0])
    return keypoint_panel(caption, image, whole, size, keypoints, scores, names, links, True)
