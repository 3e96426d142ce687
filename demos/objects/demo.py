"""Draw toy objects, train five models on nine categories, and ask them for the keypoints of three unseen ones."""

import shutil
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from mmengine.config import Config

from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.utils.files import atomic_write, to_json, without_nan
from demos.common import training
from demos.common.command import Say, quiet, run_command
from demos.common.report import write_report
from demos.objects.images import draw_images
from demos.objects.report import Model, report_lines
from demos.objects.tokenizer import write_tokenizer
from demos.objects.trials import NAMED, SEEN, SHUFFLED, box_centers, shuffle_names, test
from demos.objects.world.dataset import write_toy_objects

CONFIGS = {
    'text-query head': 'configs/text_query/toy/tq_rn-tiny_toy-objects.py',
    'CapeLLM, text': 'configs/cape_llm/toy/cape_rn-tiny_toy-objects_text.py',
    'CapeLLM, token': 'configs/cape_llm/toy/cape_rn-tiny_toy-objects_token.py',
    'CapeLLM, bins': 'configs/cape_llm/toy/cape_rn-tiny_toy-objects_bins.py',
    'CapeLLM, pointer': 'configs/cape_llm/toy/cape_rn-tiny_toy-objects_pointer.py',
}
IMAGES = (300, 40, 60)  # of each category: train, val, test
TEST, TRAIN = (f'annotations/mp100_split1_{part}.json' for part in ('test', 'train'))


def run_cape_demo(
    out_dir: Path,
    say: Say,
    images: Tuple[int, int, int] = IMAGES,
    epochs: Optional[int] = None,
    configs: Mapping[str, str] = CONFIGS,
) -> Path:
    """The demo, with these numbers of images per category and split; ``epochs`` replaces those of the configs.

    ``configs`` are those of :data:`CONFIGS`, or some of them with the text-query head and the pointer.
    """
    for name in ('models', 'images'):
        shutil.rmtree(out_dir / name, ignore_errors=True)
    data, steps = out_dir / 'data', len(configs) + 2
    say(f'[1/{steps}] drawing toy objects into {data}')
    write_toy_objects(data, images)
    write_toy_objects(out_dir / 'new_data', (images[2], 1, 1), seed=1)  # the nine categories in new images
    shuffle_names(data / 'texts', out_dir / 'shuffled_texts')
    write_tokenizer(data / 'tokenizer', data / 'texts')

    centers = {way: box_centers(ann_file) for way, (ann_file, _) in ways(out_dir).items()}
    say(f'      center of the box: PCK@0.2 {centers[NAMED].scores["PCK@0.2"]:.3f}')
    models = {}
    for step, (name, config) in enumerate(configs.items(), 2):
        cfg = toy_config(config, out_dir / 'models' / Path(config).stem, data, epochs)
        say(f'[{step}/{steps}] training {name}, {cfg.train_cfg.max_epochs} epoch(s); log in {cfg.work_dir}')
        models[name] = train_and_ask(config, cfg, out_dir, say)
        scores = (f'{way} {trial.scores["PCK@0.2"]:.3f}' for way, trial in models[name].trials.items())
        say('      PCK@0.2 ' + ', '.join(scores))

    say(f'[{steps}/{steps}] drawing the images of the report')
    with quiet():
        shown = draw_images(out_dir / 'images', {name: model.cfg for name, model in models.items()}, data / TEST)
    metrics = {name: model.metrics() for name, model in models.items()}
    metrics['center of the box'] = {way: trial._asdict() for way, trial in centers.items()}
    atomic_write(out_dir / 'metrics.json', to_json(without_nan(metrics), 'metrics', '  ').encode())
    return write_report(out_dir, report_lines(models, centers), shown)


def toy_config(config: str, work_dir: Path, data: Path, epochs: Optional[int]) -> Config:
    """The config of a model, with the drawn texts and the tokenizer in ``data``."""
    cfg = training.demo_config(config, work_dir, data, epochs)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        training.innermost(loader.dataset).texts = str(data / 'texts')
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None  # tested once, at the end
    if 'language_model' in cfg.model.head:
        cfg.model.head.language_model.tokenizer = str(data / 'tokenizer')
    return cfg


def train_and_ask(config: str, cfg: Config, out_dir: Path, say: Say) -> Model:
    """Train a model, then ask it in each way."""
    with quiet():
        runner = build_runner(cfg)
        parameters = sum(parameter.numel() for parameter in runner.model.parameters())
        seconds = training.timed_training(runner, say, 'loss')
    trials = {way: test(cfg, ann_file, texts, way) for way, (ann_file, texts) in ways(out_dir).items()}
    return Model(config, cfg, parameters, runner.iter, seconds, trials)


def ways(out_dir: Path) -> Dict[str, Tuple[Path, Path]]:
    """The annotations and the texts of each way of asking."""
    unseen, texts = out_dir / 'data' / TEST, out_dir / 'data' / 'texts'
    return {
        NAMED: (unseen, texts),
        SHUFFLED: (unseen, out_dir / 'shuffled_texts'),
        SEEN: (out_dir / 'new_data' / TRAIN, texts),
    }


if __name__ == '__main__':
    run_command(run_cape_demo, __doc__, 'work_dirs/demo_cape')
