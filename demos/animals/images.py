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
from clamp_mmpose.visualization import draw_similarity_matrices, draw_training_curves
from demos.common.panels import keypoint_panel
from demos.common.training import last_checkpoint

ROWS = 3  # animals in an image
PANEL = (960, 800)  # (w, h) in pixels
PADDING = 1.4  # of the box, in a panel
RULE = (
    'of the third of the test animals with the most labeled keypoints, the first, the middle and the last in the file, '
    'whatever the models find; rings are keypoints below the threshold of 0.3'
)
CAPTIONS = {
    'seen.jpg': f'Seen species: ground truth, baseline, CLAMP ({RULE})',
    'unseen.jpg': f'Unseen family: ground truth, baseline, CLAMP ({RULE})',
    'score_maps.jpg': "Where each prompt matches the image: CLAMP's score maps of 4 x 4 cells (as the paper's Fig. 4)",
    'similarity.png': 'Features at the keypoints against prompts, before and after training (as Fig. 3)',
    'curves.png': 'Training',
}


def draw_images(folder: Path, runs: Dict[str, 'DemoRun']) -> Dict[str, str]:  # noqa: F821
    """Draw the images of the report; file name -> caption."""
    folder.mkdir(parents=True, exist_ok=True)
    clamp = runs['CLAMP'].cfg
    data_root = Path(clamp.test_dataloader.dataset.data_root)
    inferencers = {
        name: TextPoseInferencer(run.cfg, str(last_checkpoint(run.cfg)), 'cpu') for name, run in runs.items()
    }
    for group in ('seen', 'unseen'):
        animals = choose_animals(data_root / 'annotations' / f'ap10k-test-split1-{group}.json')
        rows = [triptych(str(data_root / 'data' / name), animal, inferencers) for name, animal in animals]
        cv2.imwrite(str(folder / f'{group}.jpg'), np.vstack(rows)[..., ::-1])
    name, animal = animals[-1]
    options = dict(bboxes=[xyxy(animal)], return_vis=True, draw_score_maps=True)
    (maps,) = next(inferencers['CLAMP'](str(data_root / 'data' / name), **options))['visualization']
    cv2.imwrite(str(folder / 'score_maps.jpg'), maps[..., ::-1])
    trained = inferencers['CLAMP']
    similarity = {'before training': runs['CLAMP'].similarity_before}
    similarity['after training'] = mean_similarity(trained.model, clamp)
    draw_similarity_matrices(similarity, trained.keypoint_names, folder / 'similarity.png')
    logs = {name: run.scalars for name, run in runs.items()}
    draw_training_curves(logs, ('loss_kpt', 'coco/AP', 'PCK'), folder / 'curves.png')
    return CAPTIONS


def choose_animals(annotation_file: Path) -> List[Tuple[str, dict]]:
    """The animals of ``RULE``, each with the name of its image."""
    annotations = read_annotations(annotation_file, 'run the demo again')
    file_names = {image['id']: image['file_name'] for image in annotations['images']}
    clear = sorted(annotations['annotations'], key=lambda animal: -animal['num_keypoints'])
    clear = sorted(clear[: max(ROWS, len(clear) // 3)], key=lambda animal: animal['id'])
    return [(file_names[clear[i]['image_id']], clear[i]) for i in np.linspace(0, len(clear) - 1, ROWS).astype(int)]


def xyxy(animal: dict, padding: float = 1.0) -> List[float]:
    """The box (x1, y1, x2, y2) of a COCO annotation, scaled by ``padding`` about its center; image pixels."""
    x, y, w, h = animal['bbox']
    more = (padding - 1) / 2
    return [x - more * w, y - more * h, x + (1 + more) * w, y + (1 + more) * h]


def triptych(path: str, animal: dict, inferencers: Dict[str, TextPoseInferencer]) -> np.ndarray:
    """Ground truth and each model's keypoints with their names, side by side, RGB."""
    image = read_image(path)[..., ::-1]
    labeled = np.array(animal['keypoints'], float).reshape(-1, 3)
    found = {'ground truth': (np.where(labeled[:, 2:] > 0, labeled[:, :2], np.nan), None)}
    for name, inferencer in inferencers.items():
        result = next(inferencer(path, bboxes=[xyxy(animal)]))['predictions'][0][0]
        found[name] = np.array(result['keypoints']), np.array(result['keypoint_scores'])
    names, links = inferencer.keypoint_names, inferencer.model.dataset_meta['skeleton_links']
    box = xyxy(animal, PADDING)
    return np.hstack([keypoint_panel(name, image, box, PANEL, *one, names, links, True) for name, one in found.items()])


@torch.no_grad()
def mean_similarity(model: nn.Module, cfg: Config) -> np.ndarray:
    """Mean cosine ``[K, K]`` of features at the labeled keypoints with the prompts, over the test images (Fig. 3)."""
    init_default_scope('mmpose')
    *load, pack = cfg.test_dataloader.dataset.pipeline
    target = dict(type='GenerateTarget', encoder=cfg.codec)
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, test_mode=False, pipeline=[*load, target, pack]))
    was_training = model.training
    model.eval()
    total, count = 0.0, 0.0
    for start in range(0, len(dataset), 32):
        samples = [dataset[i] for i in range(start, min(start + 32, len(dataset)))]
        batch = model.data_preprocessor(pseudo_collate(samples))
        labels = [sample.gt_instance_labels for sample in batch['data_samples']]
        keypoints = torch.cat([label.keypoint_labels for label in labels])
        labeled = torch.cat([label.keypoint_weights for label in labels])[..., None] > 0
        feats = model.extract_feat(batch['inputs'])
        match = model.head.keypoint_prompt_similarity(feats, keypoints, cfg.codec.input_size)
        total = total + torch.where(labeled, match, torch.zeros_like(match)).sum(dim=0)
        count = count + labeled.sum(dim=0)
    model.train(was_training)
    return (total / count).cpu().numpy()
