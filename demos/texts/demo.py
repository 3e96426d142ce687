"""Write texts about drawn people with and without keypoints, tune a tiny LLaVA on each, and ask both about poses."""

import shutil
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
from mmengine.config import Config
from PIL import Image

from clamp_mmpose.apis.model_zoo import configs_root
from clamp_mmpose.cli.make_texts import main as make_texts
from clamp_mmpose.cli.text_quality import main as text_quality
from clamp_mmpose.datasets.instructions.records import read_records
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.evaluation.bootstrap import Interval, interval
from clamp_mmpose.utils.files import atomic_write, read_json, to_json
from demos.common.command import Say, quiet, run_command
from demos.common.report import table, write_report
from demos.common.training import timed_training
from demos.texts.base_model import write_base_model
from demos.texts.images import draw_answers
from demos.texts.questions import PoseQuestion, Score, ask_about, of_other_images, score
from demos.texts.world.dataset import write_posing_people

TEXTS = 'configs/texts/toy/people_template.py'
CONFIGS = {
    'with keypoints': ('keypoints', 'configs/llava_pose/toy/llava-tiny_toy-people.py'),
    'captions only': ('captions', 'configs/llava_pose/toy/llava-tiny_toy-people_captions.py'),
}
TASKS = 'conversation', 'detail', 'reasoning'
IMAGES = (1800, 200)  # train, test
SIZE = 64  # pixels
PRETRAINING = 7  # epochs of the image tower
LONGEST_ANSWER = 40  # tokens


def run_texts_demo(
    out_dir: Path,
    say: Say,
    images: Tuple[int, int] = IMAGES,
    epochs: Optional[int] = None,
    pretraining: int = PRETRAINING,
) -> Path:
    """The demo, with these numbers of train and test images and epochs; ``epochs`` replaces the configs'."""
    for name in ('texts', 'quality', 'base', 'runs', 'images'):
        shutil.rmtree(out_dir / name, ignore_errors=True)
    data = out_dir / 'data'
    say(f'[1/6] drawing people into {data}')
    write_posing_people(data, images, SIZE)
    say('[2/6] writing texts by rules, with and without keypoints')
    with quiet():
        write_texts(out_dir)
        measured = measure_texts(out_dir)
    say('[3/6] pretraining the image tower, which knows nothing of people yet')
    error = write_base_model(out_dir / 'base', data, all_turns(out_dir), SIZE, pretraining)
    truth = read_json(data / 'annotations/truth.json', 'truth', 'draw the images first')
    questions = ask_about(str(data), truth, images[1])
    scores, seconds = {}, {}
    for step, (name, (_, config)) in enumerate(CONFIGS.items(), 4):
        cfg = toy_config(config, out_dir, epochs)
        say(f'[{step}/6] tuning on texts {name}, {cfg.train_cfg.max_epochs} epochs; log in {cfg.work_dir}')
        with quiet():
            runner = build_runner(cfg)
            seconds[name] = timed_training(runner, say, 'loss_text')
            answer(runner.model, data / 'images', questions, name)
        scores[name] = score(questions, [question.answers[name] for question in questions])
        say(f'      {100 * scores[name].right:.0f} % of the answers about poses are right')
    first = next(iter(CONFIGS))
    exchanged = of_other_images(questions, [question.answers[first] for question in questions])
    scores['with keypoints, asked about another image'] = score(questions, exchanged)
    say('[6/6] writing the report')
    shown = draw_answers(out_dir / 'images', data / 'images', questions)
    results = {name: dict(right=one.right, wrong=one.wrong, unanswered=one.unanswered) for name, one in scores.items()}
    atomic_write(out_dir / 'metrics.json', to_json(dict(answers=results, seconds=seconds), 'metrics', 2).encode())
    return write_report(out_dir, report_lines(scores, seconds, measured, error, len(questions), images), shown)


def write_texts(out_dir: Path) -> None:
    """Run ``tools/make_texts.py``: three types of instruction data, each with and without keypoints; descriptions.

    Raises:
        RuntimeError: it failed; its own message is on standard error.
    """
    data = out_dir / 'data'
    for kind, with_keypoints in (('keypoints', True), ('captions', False)):
        for task, name in (*((task, f'{task}.jsonl') for task in TASKS), ('descriptions', 'descriptions.json')):
            out = out_dir / ('descriptions' if task == 'descriptions' else 'texts') / kind / name
            options = [
                f'facts.dataset.data_root={data}/',
                f'facts.captions={data}/annotations/captions.json',
                f'llm.with_keypoints={with_keypoints}',
            ]
            made = make_texts([task, str(configs_root() / TEXTS), '--out', str(out), '--cfg-options', *options])
            if made != 0:
                raise RuntimeError(f'no {task} could be written, see the message above.')


def measure_texts(out_dir: Path) -> Dict[str, dict]:
    """Run ``tools/text_quality.py`` on the detailed descriptions; the metrics of each file."""
    files = [str(out_dir / 'texts' / kind / 'detail.jsonl') for kind, _ in CONFIGS.values()]
    data = out_dir / 'data'
    options = [f'facts.dataset.data_root={data}/', f'facts.captions={data}/annotations/captions.json']
    facts = ['--facts', str(configs_root() / TEXTS), '--cfg-options', *options]
    if text_quality([*files, '--out', str(out_dir / 'quality'), *facts]) != 0:
        raise RuntimeError('the texts could not be measured, see the message above.')
    return read_json(out_dir / 'quality/text_quality.json', 'quality', 'measure the texts first')


def all_turns(out_dir: Path) -> List[str]:
    """Questions and answers of all records."""
    files = [out_dir / 'texts' / kind / f'{task}.jsonl' for kind, _ in CONFIGS.values() for task in TASKS]
    records = [record for file in files for record in read_records(str(file))]
    return [turn['value'] for record in records for turn in record['conversations']]


def toy_config(config: str, out_dir: Path, epochs: Optional[int]) -> Config:
    """A config of this package, to tune the base model of this folder in one process."""
    cfg = Config.fromfile(str(configs_root() / config))
    base, work_dir = str(out_dir / 'base'), out_dir / 'runs' / Path(config).stem
    cfg.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'experiment_name': f'demo_{work_dir.name}_{id(cfg)}',  # MMEngine keeps one logger for each name
            'launcher': 'none',
            'model.model': base,
            'model.init_cfg.checkpoint': base,
            'train_dataloader.dataset.data_root': str(out_dir),
        }
    )
    cfg.train_dataloader.dataset.pipeline[0].processor = base
    if epochs is not None:
        cfg.train_cfg.max_epochs = cfg.param_scheduler[-1].end = epochs
    return cfg


def answer(model, images: Path, questions: List[PoseQuestion], name: str, batch: int = 64) -> None:
    """Ask a tuned model all questions."""
    model.eval()
    for start in range(0, len(questions), batch):
        asked = questions[start : start + batch]
        texts = model.generate(
            [[Image.open(images / question.image)] for question in asked],
            [[{'from': 'human', 'value': f'<image>\n{question.text}'}] for question in asked],
            LONGEST_ANSWER,
        )
        for question, text in zip(asked, texts):
            question.answers[name] = text


def report_lines(
    scores: Dict[str, Score],
    seconds: Dict[str, float],
    measured: Dict[str, dict],
    error: float,
    number: int,
    images: Tuple[int, int],
) -> List[str]:
    """The results as Markdown."""
    first, second = (scores[name] for name in CONFIGS)
    indices = np.arange(len(first.of_images))  # images are drawn, with all their questions
    gain = interval(indices, lambda drawn: first.share(drawn) - second.share(drawn))
    rows = []
    for name, one in scores.items():
        cells = [percent(interval(indices, one.share)), f'{100 * one.wrong:.0f} %', f'{100 * one.unanswered:.0f} %']
        rows.append([name, *cells, f'{seconds[name]:.0f} s' if name in seconds else ''])
    return [
        '# A tiny LLaVA tuned on texts from keypoints',
        '',
        f'{images[0]:,} drawn people in random poses; captions name clothes and activity, which tell nothing of the '
        'pose. A writer by rules, no language model, wrote conversations, detailed descriptions and reasoning about '
        f'them. {number:,} questions about the limbs in {images[1]:,} other images were judged by rules, against where '
        'the joints were drawn.',
        *table(['texts', 'right', 'wrong', 'no answer about the pose', 'tuning'], rows),
        'In brackets: the 95 % interval over the test images; one seed. The last row gives each answer to the same '
        'question about another image: what is right without looking.',
        '',
        f'- With keypoints minus captions only: {percent(gain)} points, '
        f'{"outside" if gain.low > 0 or gain.high < 0 else "inside"} the interval.',
        f'- Both tune the same model. Its image tower was pretrained to find the joints of the training images '
        f'(mean error {error:.1f} of {SIZE} pixels), as a tower that knows people; its language model is random.',
        f'- Quality of the texts: `quality/text_quality.md`; against the keypoints: {consistency(measured)}.',
    ]


def percent(value: Interval) -> str:
    """'81 % [78, 84]'."""
    return f'{100 * value.value:.0f} % [{100 * value.low:.0f}, {100 * value.high:.0f}]'


def consistency(measured: Dict[str, dict]) -> str:
    """Of the detailed descriptions: the share of their statements about limbs that the keypoints support."""
    found = []
    for name, file in measured['files'].items():
        measures = file['measures']
        share = measures.get('consistency')
        supported = f', {share["value"]:.0f} % supported' if share else ''
        found.append(f'{name} {measures["statements"]["value"]:.1f} statements about limbs in each text{supported}')
    return '; '.join(found)


if __name__ == '__main__':
    run_command(run_texts_demo, __doc__, 'work_dirs/demo_texts')
