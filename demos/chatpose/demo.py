"""Train a tiny ChatPose on drawn people: 3D poses from images, from descriptions, and from what somebody does."""

import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from mmengine.config import Config
from torch import Tensor

from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.datasets.instructions.records import read_records
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.evaluation.bootstrap import interval, paired_interval
from clamp_mmpose.utils.files import atomic_write, to_json
from demos.chatpose.evaluation import Asked, answer, errors, mean_pose, read_asked
from demos.chatpose.images import draw_poses
from demos.chatpose.retrieval import score_retrieval
from demos.chatpose.world.dataset import write_pose_world
from demos.common.command import Say, quiet, run_command
from demos.common.report import table, write_report
from demos.common.training import timed_training
from demos.texts.base_model import write_base_model

CONFIG = 'configs/chatpose/toy/chatpose-tiny_toy-poses.py'
# the ablation of the supplement's Table 6: shares of text to pose, questions, image to pose; epochs of the same number
# of samples of the kind that is left
MIXTURES: Dict[str, Tuple[int, int, int]] = {
    'all': (1, 1, 2),
    'without texts': (0, 1, 2),
    'without images': (1, 1, 0),
}
KINDS = {'image': 'an image', 'text': 'a description', 'indirect': 'an activity'}
IMAGES = (4000, 400)  # train, test
SIZE = 64  # pixels
PRETRAINING = 6  # epochs of the image tower


def run_chatpose_demo(
    out_dir: Path,
    say: Say,
    images: Tuple[int, int] = IMAGES,
    epochs: Optional[int] = None,
    epoch_size: Optional[int] = None,
    pretraining: int = PRETRAINING,
) -> Path:
    """The demo, with these numbers of train and test images; ``epochs`` and ``epoch_size`` replace the config's."""
    for name in ('base', 'runs', 'retrieval', 'images'):
        shutil.rmtree(out_dir / name, ignore_errors=True)
    data = out_dir / 'data'
    say(f'[1/6] drawing people in known poses into {data}')
    write_pose_world(data, images, SIZE)
    say('[2/6] pretraining the image tower to find joints')
    error = write_base_model(out_dir / 'base', data, all_turns(data), SIZE, pretraining)
    asked = {kind: read_asked(data / f'val/{kind}.jsonl') for kind in KINDS}
    average = mean_pose(read_asked(data / 'train/image.jsonl').poses)
    found: Dict[str, Dict[str, Any]] = {}
    seconds = {}
    for step, (name, weights) in enumerate(MIXTURES.items(), 3):
        cfg = toy_config(out_dir, name, weights, epochs, epoch_size)
        say(f'[{step}/6] training {name}, {cfg.train_cfg.max_epochs} epochs; log in {cfg.work_dir}')
        with quiet():
            runner = build_runner(cfg)
            seconds[name] = timed_training(runner, say, 'loss_pose')
            found[name] = answer_all(runner.model, asked, data, average)
        shown = ', '.join(f'{kind} {found[name][kind]["errors"].mean():.0f} mm' for kind in KINDS)
        say(f'      PA-MPJPE: {shown}')
    say('[6/6] retrieval, images and report')
    means = {kind: errors(average.expand(len(one.poses), -1, -1, -1), one.poses) for kind, one in asked.items()}
    with quiet():
        retrieved = score_retrieval(out_dir, asked['text'].records, found['all']['text']['poses'], epochs)
    views = draw_poses(
        out_dir / 'images', data / 'images', asked, {kind: found['all'][kind]['poses'] for kind in KINDS}
    )
    write_metrics(out_dir, found, means, retrieved, seconds)
    return write_report(out_dir, report_lines(found, means, retrieved, seconds, error, images), views)


def all_turns(data: Path) -> List[str]:
    """Questions and answers of all training records."""
    records = [
        record for kind in ('image', 'text', 'vqa') for record in read_records(str(data / f'train/{kind}.jsonl'))
    ]
    return [turn['value'] for record in records for turn in record['conversations']]


def toy_config(
    out_dir: Path, name: str, weights: Tuple[int, int, int], epochs: Optional[int], epoch_size: Optional[int]
) -> Config:
    """The toy config for one mixture, to tune the base model of this folder in one process.

    A mixture without one kind has as many samples of the others as the whole one.
    """
    cfg = Config.fromfile(str(configs_root() / CONFIG))
    base, work_dir = str(out_dir / 'base'), out_dir / 'runs' / name.replace(' ', '_')
    sampler = cfg.train_dataloader.sampler
    whole = epoch_size or sampler.epoch_size
    sampler.update(weights=list(weights), epoch_size=whole * sum(weights) // sum(MIXTURES['all']))
    cfg.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'experiment_name': f'demo_{work_dir.name}_{id(cfg)}',  # MMEngine keeps one logger for each name
            'launcher': 'none',
            'model.model': base,
            'model.init_cfg.checkpoint': base,
        }
    )
    for dataset in cfg.train_dataloader.dataset.datasets:
        dataset.data_root = str(out_dir / 'data')
        dataset.pipeline[0].processor = base
    if epochs is not None:
        cfg.train_cfg.max_epochs = cfg.param_scheduler[-1].end = epochs
    return cfg


def answer_all(model: Any, asked: Dict[str, Asked], data: Path, average: Tensor) -> Dict[str, dict]:
    """Answers of a model to all test questions; ``errors`` ``[N]`` are PA-MPJPE in millimeters."""
    found = {}
    for kind, one in asked.items():
        found[kind] = answer(model, one, data / 'images', average, model.test_cfg['max_new_tokens'])
        found[kind]['errors'] = errors(found[kind]['poses'], one.poses)
    return found


def write_metrics(
    out_dir: Path,
    found: Dict[str, Dict[str, Any]],
    means: Dict[str, np.ndarray],
    retrieved: Dict[str, Dict[str, float]],
    seconds: Dict[str, float],
) -> None:
    """Write ``metrics.json``: PA-MPJPE in millimeters, answers without a pose, R@k in percent, seconds."""
    errors_of = {
        name: {kind: dict(pa_mpjpe=float(one['errors'].mean()), without=one['without']) for kind, one in kinds.items()}
        for name, kinds in found.items()
    }
    values = {kind: float(one.mean()) for kind, one in means.items()}
    content = dict(models=errors_of, mean_pose=values, retrieval=retrieved, seconds=seconds)
    atomic_write(out_dir / 'metrics.json', to_json(content, 'metrics', 2).encode())


def report_lines(
    found: Dict[str, Dict[str, Any]],
    means: Dict[str, np.ndarray],
    retrieved: Dict[str, Dict[str, float]],
    seconds: Dict[str, float],
    error: float,
    images: Tuple[int, int],
) -> List[str]:
    """The results as Markdown."""
    rows = [
        [name, *(millimeters(kinds[kind]['errors']) for kind in KINDS), f'{seconds[name]:.0f} s']
        for name, kinds in found.items()
    ]
    rows.append(['mean pose', *(millimeters(means[kind]) for kind in KINDS), ''])
    gains = [
        f'- From {label}: {gain_text(means[kind], found["all"][kind]["errors"])}; '
        f'{found["all"][kind]["without"]} of {len(means[kind]):,} answers have no pose.'
        for kind, label in KINDS.items()
    ]
    columns = sorted(
        {key for scores in retrieved.values() for key in scores}, key=lambda key: (key[:3], int(key.split('_R')[1]))
    )
    searched = [[name, *(f'{scores[key]:.0f} %' for key in columns)] for name, scores in retrieved.items()]
    return [
        '# A tiny ChatPose on drawn people',
        '',
        f'{images[0]:,} training and {images[1]:,} test images of drawn people, whose 3D poses are known. PA-MPJPE in '
        'millimeters of the 24 joints of a skeleton with made-up bones: not comparable with published numbers.',
        *table(['trained on', *KINDS.values(), 'training'], rows),
        'In brackets: the 95 % interval over the test people; one seed. An answer without a pose counts as the mean '
        'pose of the training images.',
        '',
        *gains,
        f'- The image tower was pretrained to find the joints in the training images (mean error {error:.1f} of {SIZE} '
        'pixels); the language model, its projector and the pose head start at random.',
        '- Descriptions are sentences by rules about the 3D joints. Training names the activities in other sentences '
        'than the test, which asks as the benchmark of the supplement does.',
        '',
        f'Retrieval among the {images[1]:,} test people, by a small model trained on the same descriptions; poses were '
        'generated from them by the model trained on all.',
        *table(['poses', *(key.replace('_', ' ') for key in columns)], searched),
    ]


def millimeters(values: np.ndarray) -> str:
    """'81 [78, 84]'."""
    found = interval(values)
    return f'{found.value:.0f} [{found.low:.0f}, {found.high:.0f}]'


def gain_text(mean: np.ndarray, own: np.ndarray) -> str:
    """How much smaller the errors are than those of the mean pose."""
    gain = paired_interval(mean, own)
    outside = 'outside' if gain.low > 0 or gain.high < 0 else 'inside'
    share = 100 * own.mean() / mean.mean()
    return (
        f'{share:.0f} % of the error of the mean pose, {gain.value:.0f} mm less [{gain.low:.0f}, {gain.high:.0f}], '
        f'{outside} the interval'
    )


if __name__ == '__main__':
    run_command(run_chatpose_demo, __doc__, 'work_dirs/demo_chatpose')
