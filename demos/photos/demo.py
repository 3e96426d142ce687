"""Train CLAMP on 80 photographs of a fly, with a pretrained tower and sentence encoder, and draw what it finds."""

import shutil
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import cv2
import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.photo_baselines import Baselines
from benchmarks.photo_runs import Runs
from benchmarks.photo_trials import THRESHOLDS, Trial, data_folder, run_trial, trial_config
from clamp_mmpose.datasets.files.images import read_image
from clamp_mmpose.datasets.mp100.annotations import read_instances
from clamp_mmpose.language.category_texts import load_texts
from clamp_mmpose.utils.files import read_json
from demos.common.command import Say, quiet, run_command
from demos.common.panels import keypoint_panel
from demos.common.report import table, write_report

CATEGORY = 'fly'  # its license, Apache-2.0, lets anyone show the images
ITERS = 300
SHOWN = 3  # images
PANEL = (420, 420)  # (w, h) in pixels


class SayIterations(Hook):
    """A line after every some batches: the loss of the heatmaps and the time left."""

    def __init__(self, say: Say, every: int = 50):
        self.say, self.every = say, every

    def before_train(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        done = runner.iter + 1
        if done % self.every == 0 or done == runner.max_iters:
            taken = time.perf_counter() - self.start
            left = taken / done * (runner.max_iters - done)
            loss = runner.message_hub.get_scalar('train/loss_kpt').mean(20)
            self.say(
                f'      batch {done}/{runner.max_iters}, loss_kpt {loss:.5f}, {taken:.0f} s, about {left:.0f} s left'
            )


def run_photos_demo(
    out_dir: Path, say: Say, iters: int = ITERS, category: str = CATEGORY, size: Optional[int] = None
) -> Path:
    """The demo, with this number of batches; ``size`` replaces the config's width and height of the input."""
    data = data_folder()
    shutil.rmtree(out_dir, ignore_errors=True)
    trial = Trial('clamp', 0, category)
    cfg = trial_config(trial, out_dir / 'run', iters, size, keep=True)
    say(f'[1/2] training CLAMP on the photographs of {data}, category {category}; log in {cfg.work_dir}')
    with quiet():
        result = run_trial(cfg, trial, out_dir / 'result.json', [SayIterations(say)])
    runs, baselines = Runs({0: result['instances']}), Baselines(data)
    rows = [
        [name, *('{:.3f} [{:.3f}, {:.3f}]'.format(*each.pck(i, category)) for i in range(len(THRESHOLDS)))]
        for name, each in (
            ('CLAMP', runs),
            ('mean pose', baselines.mean_pose()),
            ('box center', baselines.box_center()),
        )
    ]
    say(f'      PCK@0.1 {runs.pck(1).value:.3f} on {len(result["instances"])} other images; mean pose: {rows[1][2]}')
    say('[2/2] drawing')
    predictions = read_json(out_dir / 'run/val.predictions.json', 'predictions', 'train first', expected=dict)
    shown = draw(out_dir / 'images', data, category, predictions)
    lines = [
        f'# CLAMP on photographs: {category}',
        '',
        f'{iters} batches of {result["batch_size"]} images in {result["seconds"]:.0f} s, seed 0, tested on '
        f'{len(result["instances"])} other images. In brackets: the 95 % interval over them.',
        *table(['PCK at', *(f'{threshold:g} of the box' for threshold in THRESHOLDS)], rows),
        f'- Config `{out_dir / "run"}`, weights `{out_dir / "run" / f"iter_{iters}.pth"}`.',
    ]
    return write_report(out_dir, lines, shown)


def draw(folder: Path, data: Path, category: str, predictions: Dict[str, list]) -> Dict[str, str]:
    """Labels above predictions, of the first images; file name -> caption."""
    annotations = read_instances(data / 'annotations/val.json')
    (own,) = [text for text in load_texts(data / 'categories.json').values() if text.slug == category]
    instances = [one for one in annotations.instances if one.category_id == own.category_id][:SHOWN]
    columns: List[np.ndarray] = []
    for instance in instances:
        image = read_image(str(data / 'images' / annotations.images[instance.image_id]['file_name']))[..., ::-1]
        x, y, w, h = instance.bbox
        truth = np.where(instance.visible[:, None], instance.keypoints, np.nan)
        columns.append(
            np.vstack(
                [
                    keypoint_panel(
                        caption, image, (x, y, x + w, y + h), PANEL, points, None, own.names, own.skeleton, labels=False
                    )
                    for caption, points in (('label', truth), ('CLAMP', np.array(predictions[str(instance.id)])))
                ]
            )
        )
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / 'predictions.jpg'), np.hstack(columns)[..., ::-1])
    return {'predictions.jpg': f'{own.name}: labels above, predictions below'}


if __name__ == '__main__':
    run_command(run_photos_demo, str(__doc__), 'work_dirs/demo_photos')
