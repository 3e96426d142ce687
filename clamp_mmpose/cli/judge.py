"""Judge models' answers to questions about images, in the steps questions, answers, score (LLaVA-Pose)."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from .asking import add_asking, run_asking
from .command import add_cfg_options, add_debug, build_parser, positive_int, run_command

if TYPE_CHECKING:
    from mmengine.config import Config

    from clamp_mmpose.llm.judge.comparison import Comparison
    from clamp_mmpose.llm.judge.question import Question

STEPS = dict(
    questions='write questions about images, each with a text-only answer as reference',
    answers='let models answer the questions',
    score='let a judge rate the answers, and write tables, reasons and a page',
)


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'judge')
    steps = parser.add_subparsers(dest='step', required=True, metavar='STEP')
    for name, text in STEPS.items():
        step = steps.add_parser(name, help=text, description=f'{text[0].upper()}{text[1:]}.')
        step.add_argument('config', help='such as configs/texts/coco/judge_gpt-4o.py')
        step.add_argument('--out-dir', metavar='DIR', help='default: work_dirs/judge/CONFIG NAME')
        add_cfg_options(step, "num_images=100 judge.model='gpt-4.1'")
        add_asking(step, limited='images' if name == 'questions' else 'questions')
        add_debug(step)
        if name != 'questions':
            step.add_argument('--questions', metavar='FILE', help='default: questions.jsonl in the output folder')
    answers, score = steps.choices['answers'], steps.choices['score']
    answers.add_argument('--models', nargs='+', metavar='NAME', help="default: all of the config's answers")
    score.add_argument(
        '--answers',
        nargs='+',
        default=[],
        metavar='NAME=FILE',
        help='further answers, JSON lines with question_id and text, as LLaVA writes them',
    )
    score.add_argument('--against', metavar='NAME', help='compare all with this model only; default: all pairs')
    score.add_argument('--no-reference', action='store_true', help='leave out the text-only answers')
    score.add_argument(
        '--published',
        action='store_true',
        help="LLaVA's messages and arithmetic: one order, replies that cannot be read count as -1",
    )
    score.add_argument(
        '--resamples', type=positive_int, default=1000, metavar='N', help='of the bootstrap (default: %(default)s)'
    )
    return parser


def run(args: argparse.Namespace) -> int:
    from clamp_mmpose.apis.model_zoo import read_config

    config = read_config(args.config, args.cfg_options)
    out = Path(args.out_dir or Path('work_dirs', 'judge', Path(args.config).stem))
    if args.step == 'questions':
        return make_questions(args, config, out)
    from clamp_mmpose.llm.judge.question import read_questions

    questions = read_questions(args.questions or out / 'questions.jsonl')
    return (make_answers if args.step == 'answers' else score)(args, config, out, questions)


def make_questions(args: argparse.Namespace, config: 'Config', out: Path) -> int:
    from clamp_mmpose.datasets.instructions.read_facts import read_facts
    from clamp_mmpose.llm.build import build_language_model
    from clamp_mmpose.llm.judge.make_questions import QuestionMaker, draw_images
    from clamp_mmpose.llm.judge.question import write_questions
    from clamp_mmpose.llm.tasks.build import build_task

    llm = build_language_model(setting(config, 'llm'))
    tasks = {name: build_task(name, **options) for name, options in setting(config, 'tasks').items()}
    images = read_facts(**setting(config, 'facts')).images
    seed = config.get('seed', 0)
    drawn = draw_images(images, tasks, setting(config, 'num_images'), seed)[: args.limit]
    maker = QuestionMaker(drawn, tasks, seed)
    asked = run_asking(args, maker.requests, llm, out / 'questions.journal.jsonl', maker.parse)
    if asked is None:
        return 0
    made = [asked.values[request.id] for request in maker.requests if request.id in asked.values]
    if not made:
        raise ValueError('no question could be made: the reasons are above.')
    write_questions(out / 'questions.jsonl', made)
    print(f'{len(made):,} questions about {len(drawn):,} images are in {out / "questions.jsonl"}.')
    return report_failures(asked.failed)


def make_answers(args: argparse.Namespace, config: 'Config', out: Path, questions: 'List[Question]') -> int:
    made = {name: value for name, value in setting(config, 'answers').items() if not isinstance(value, str)}
    unknown = [name for name in args.models or () if name not in made]
    if unknown:
        raise ValueError(f'--models {unknown[0]}, expected models of the config: {", ".join(made) or "it has none"}.')
    folder = image_folder(config)
    failures = 0
    for name in args.models or made:
        fields = dict(made[name])
        if fields.get('type') == 'chat':
            fields.pop('type')
            answer_here(args, fields, name, out, questions, folder)
        else:
            failures += answer_served(args, fields, name, out, questions, folder)
    return failures


def answer_served(
    args: argparse.Namespace, fields: Dict[str, Any], name: str, out: Path, questions: 'List[Question]', folder: Path
) -> int:
    """Ask a served model."""
    from clamp_mmpose.llm.build import build_language_model
    from clamp_mmpose.llm.judge.answers import write_answers
    from clamp_mmpose.llm.judge.image_request import image_request

    requests = [image_request(question, folder) for question in questions[: args.limit]]
    journal = out / 'answers' / f'{name}.journal.jsonl'
    asked = run_asking(args, requests, build_language_model(fields), journal, lambda _, text: text.strip())
    if asked is None:
        return 0
    answers = {question.id: asked.values[question.id] for question in questions if question.id in asked.values}
    write_answers(answers_file(out, name), answers, name)
    print(f'{len(answers):,} answers of {name} are in {answers_file(out, name)}.')
    return report_failures(asked.failed)


def answer_here(
    args: argparse.Namespace, fields: Dict[str, Any], name: str, out: Path, questions: 'List[Question]', folder: Path
) -> None:
    """Let a model of this package answer; each answer is on the disk before the next."""
    from tqdm import tqdm

    from clamp_mmpose.llm.judge.answers import read_answers, write_answers

    file = answers_file(out, name)
    answers = read_answers(file, questions) if file.exists() else {}
    missing = [question for question in questions[: args.limit] if question.id not in answers]
    if args.dry_run or not missing:
        print(f'{name}: {len(answers):,} of {len(questions):,} answers are in {file}; remove it to ask again.')
        return
    from clamp_mmpose.apis.chat import ImageChat

    chat = ImageChat(**fields)
    for question in tqdm(missing, desc=name, disable=None):
        answers[question.id] = chat(str(Path(folder, question.image)), question.text)
        write_answers(file, answers, name)
    print(f'{len(answers):,} answers of {name} are in {file}.')


def score(args: argparse.Namespace, config: 'Config', out: Path, questions: 'List[Question]') -> int:
    from clamp_mmpose.llm.build import build_language_model
    from clamp_mmpose.llm.judge.page import write_page
    from clamp_mmpose.llm.judge.pairing import comparisons_of, pairs_of, requests_of, showings
    from clamp_mmpose.llm.judge.published import parse_score
    from clamp_mmpose.llm.judge.published_report import published_results
    from clamp_mmpose.llm.judge.rating import parse_ratings
    from clamp_mmpose.llm.judge.report import results_of

    answers = read_all_answers(args, config, out, questions)
    judged = questions[: args.limit]
    shown, left_out = showings(judged, answers, pairs_of(list(answers), args.against))
    requests = requests_of(shown, answers, args.published)
    read = parse_score if args.published else parse_ratings
    journal = out / ('published.journal.jsonl' if args.published else 'ratings.journal.jsonl')
    judge = build_language_model(setting(config, 'judge'))
    asked = run_asking(args, requests, judge, journal, lambda _, text: read(text))
    if asked is None:
        return 0
    if not asked.values:
        raise ValueError(f'nothing was rated: {next(iter({**left_out, **asked.failed}.values()), "no questions")}.')
    if args.published:
        report_failures({**left_out, **asked.failed})
        write_published(out, published_results(shown, asked.values))
    else:
        comparisons, failed = comparisons_of(shown, asked.values, asked.failed)
        left_out.update(failed)
        results = results_of(comparisons, left_out, config.get('seed', 0), args.resamples)
        write_page(out / 'page.html', judged, answers, comparisons, image_folder(config))
        write_results(out, results, comparisons)
    return 1 if asked.stopped else 0


def write_results(out: Path, results: Dict[str, Any], comparisons: 'List[Comparison]') -> None:
    """Table, figures and reasons."""
    from clamp_mmpose.llm.judge.json_lines import write_lines
    from clamp_mmpose.llm.judge.report import markdown, review_lines
    from clamp_mmpose.utils.files import atomic_write, to_json

    table = markdown(results)
    atomic_write(out / 'results.json', to_json(results, 'results', indent=1).encode())
    atomic_write(out / 'results.md', f'{table}\n'.encode())
    write_lines(out / 'reviews.jsonl', review_lines(comparisons))
    print(f'{table}\n\nWrote results.md, results.json, reviews.jsonl and page.html in {out}.')


def write_published(out: Path, results: Dict[str, Any]) -> None:
    """LLaVA's summaries, and rows as in Table 3."""
    from clamp_mmpose.llm.judge.published_report import published_text
    from clamp_mmpose.utils.files import atomic_write, to_json, without_nan

    text = published_text(results)
    atomic_write(out / 'published.json', to_json(without_nan(results), 'results', indent=1).encode())
    atomic_write(out / 'published.md', f'{text}\n'.encode())
    print(f'{text}\n\nWrote published.md and published.json in {out}.')


def read_all_answers(
    args: argparse.Namespace, config: 'Config', out: Path, questions: 'List[Question]'
) -> Dict[str, Dict[str, str]]:
    """By model: the reference, those of the config, those of the command line."""
    from clamp_mmpose.llm.judge.answers import read_answers
    from clamp_mmpose.llm.judge.pairing import REFERENCE

    files = {
        name: Path(value) if isinstance(value, str) else answers_file(out, name)
        for name, value in config.get('answers', {}).items()
    }
    for given in args.answers:
        name, equals, file = given.partition('=')
        if not (name and equals and file):
            raise ValueError(f'--answers {given}, expected NAME=FILE.')
        files[name] = Path(file)
    if REFERENCE in files:
        raise ValueError(f'the name {REFERENCE!r} is that of the text-only answers: give these answers another name.')
    answers = {name: read_answers(file, questions) for name, file in files.items()}
    references = {question.id: question.reference for question in questions if question.reference is not None}
    if references and not args.no_reference:
        answers = {REFERENCE: references, **answers}
    return answers


def answers_file(out: Path, name: str) -> Path:
    return out / 'answers' / f'{name}.jsonl'


def image_folder(config: 'Config') -> Path:
    """Of the images of the config's data set."""
    dataset = config.get('facts', {}).get('dataset', {})
    return Path(dataset.get('data_root') or '', dataset.get('data_prefix', {}).get('img', ''))


def setting(config: 'Config', name: str) -> Any:
    if name not in config:
        raise ValueError(f'the config has no {name}: add it, as in configs/texts/coco/judge_gpt-4o.py.')
    value = config[name]
    return value.to_dict() if hasattr(value, 'to_dict') else value


def report_failures(failed: Dict[str, str]) -> int:
    """Print the first reasons; the exit code."""
    for name, reason in list(failed.items())[:5]:
        print(f'{name}: {reason}', file=sys.stderr)
    return 1 if failed else 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
