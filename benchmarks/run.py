"""Measure speed: 'inference | training | head | texts | data CONFIG', 'heatmap', 'cape-...', 'llm-...', 'pose-...',
'body-...', 'chat-labels'.

docs/benchmarks.md has results.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import List, Optional, Sequence

import torch
from torch.utils.benchmark import Measurement

from benchmarks import (
    body_fitting,
    body_skinning,
    cape_llm,
    heatmaps,
    instructions,
    models,
    pose_answers,
    pose_errors,
    texts,
)
from clamp_mmpose.cli.command import add_debug, build_parser, positive_float, positive_int, run_command
from clamp_mmpose.utils.files import atomic_write, check_writable, to_json, without_nan

FEWEST_RUNS = 20  # with fewer runs the medians are noise
FEWEST_LONG_RUNS = 3  # of CapeLLM, whose runs take up to a minute each


def inference(args: argparse.Namespace) -> dict:
    """Images to heatmaps."""
    configs = _configs(args)
    timings = models.inference(configs, args.batch_size, args.device, args.pairs, args.amp)
    return _report(args, configs, timings)


def training(args: argparse.Namespace) -> dict:
    """A training step, and peak memory."""
    configs = _configs(args)
    timings = models.training(configs, args.batch_size, args.device, args.pairs, args.amp)
    result = _report(args, configs, timings)
    result['peak_memory_mib'] = {
        config: models.peak_memory(config, args.batch_size, args.device, args.amp) for config in configs
    }
    for config, mib in result['peak_memory_mib'].items():
        print(f'{mib:10.0f} MiB at the peak  {config}')
    return result


def head(args: argparse.Namespace) -> dict:
    """Features to keypoints or heatmaps."""
    configs = _configs(args)
    return _report(args, configs, texts.heads(configs, args.batch_size, args.device, args.pairs))


def text(args: argparse.Namespace) -> dict:
    """A TextQueryHead with its texts, against given embeddings."""
    timings = texts.texts(args.config, args.batch_size, args.device, args.pairs)
    result = texts.text_summary(args.config, args.batch_size, timings)
    print(f'batch {args.batch_size}, {args.device}, {args.pairs} runs each, in turns, {timings.encoded} texts encoded')
    for kind, against in (('training', 'the same with given embeddings'), ('prediction', 'the forward pass')):
        row = result[kind]
        print(
            f'{kind:<10} {row["median_ms"]:10.2f} ms, {against} {row["against_median_ms"]:10.2f} ms, '
            f'ratio {row["ratio"]:.3f}'
        )
    return result


def data(args: argparse.Namespace) -> dict:
    """Samples per second of the training pipeline in one loader worker."""
    result = dict(config=args.config, **models.data(args.config, args.seconds))
    print(f'{args.config}: {result["samples_per_second"]:.1f} samples per second and worker')
    return result


def heatmap(args: argparse.Namespace) -> dict:
    """Focus heatmaps, against drawing part by part."""
    result = heatmaps.heatmap_summary(heatmaps.heatmap(args.pairs))
    print(f'one person, {args.pairs} runs each, in turns; plain: part by part, all pixels')
    for name, size in (('image', '1280 x 720'), ('crop', '256 x 256 crop')):
        ours, plain, ratio = (result[f'{name}_{key}'] for key in ('ms', 'plain_ms', 'ratio'))
        print(f'{size:<15} {ours:8.2f} ms, plain {plain:8.2f} ms, {ratio:.0f} times')
    print(f'256 x 256 crop, plain in the whole image: {result["crop_of_image_ratio"]:.0f} times')
    return result


def cape_asking(args: argparse.Namespace) -> dict:
    """CapeLLM's head, all keypoints of an image, against the published way."""
    result = cape_llm.asking_summary(cape_llm.asking(args.keypoints, args.pairs))
    print(
        f'{args.keypoints} keypoints of an image, {args.pairs} runs each, in turns: {result["median_ms"]:.0f} ms, '
        f'as published {result["published_ms"]:.0f} ms, {result["ratio"]:.2f} times'
    )
    return result


def cape_memory(args: argparse.Namespace) -> dict:
    """Peak memory of CapeLLM's head, 68 keypoints of an image, by chunk."""
    result = cape_llm.asking_memory(args.chunks)
    for chunk, mib in result.items():
        print(f'{mib:10.0f} MiB at the peak, beyond the model, with chunk={chunk}')
    return dict(peak_memory_mib=result)


def cape_training(args: argparse.Namespace) -> dict:
    """A training step of CapeLLM: isolated rounds, chained rounds, one round, and the head's own code."""
    result = cape_llm.training_summary(cape_llm.training(args.pairs))
    print(f'training step on one image, {args.pairs} runs each, in turns')
    for name in ('isolated', 'chained', 'single', 'head_alone'):
        print(f'{result[f"{name}_ms"]:10.2f} ms  {name}')
    print(
        f'8 isolated rounds take {result["isolated_ratio"]:.3f} times as long as 8 chained ones, and train '
        f'{result["keypoints_ratio"]:.2f} times as many keypoints per second as 1 round; the head without the models '
        f'takes {100 * result["head_share"]:.2f} %'
    )
    return result


def prompts(args: argparse.Namespace) -> dict:
    """Requests about images, from COCO's annotations."""
    from benchmarks import llm_prompts  # needs openai, as the next ones do

    result = llm_prompts.llm_prompts(args.images)
    print(f'{result["images"]:,} images: {result["reading_s"]:.2f} s to read the annotations')
    for name in llm_prompts.TASKS:
        print(f'{result[f"{name}_s"]:10.2f} s  requests of {name}')
    return result


def chat_labels(args: argparse.Namespace) -> dict:
    """Records of instruction data to tokens and labels."""
    result = instructions.chat_labels(args.records)
    print(
        f'{result["seconds"]:.1f} s for {args.records:,} records of {result["tokens"]:.0f} tokens on average, '
        f'{result["learned"]:.0f} of them learned'
    )
    return result


def llm_journal(args: argparse.Namespace) -> dict:
    """Resuming a long journal of answers."""
    from benchmarks import llm_asking

    result = llm_asking.journal(args.lines)
    print(f'{result["lines"]:,} lines, {result["file_mib"]:.0f} MiB')
    for name, what in (('opened', 'to open'), ('resumed', 'to open, and to find all answers')):
        seconds, cpu, mib = (result[f'{name}_{unit}'] for unit in ('s', 'cpu_s', 'mib'))
        print(f'{seconds:10.2f} s, {cpu:.2f} s of CPU, {mib:.0f} MiB beyond the start  {what}')
    return result


def llm_rate(args: argparse.Namespace) -> dict:
    """Requests per second to a language model."""
    from benchmarks import llm_asking

    result = llm_asking.rate(args.requests, args.delay_ms / 1000)
    print(
        f'{args.requests} requests, 16 at a time, answered after {args.delay_ms:g} ms: '
        f'ideal {result["ideal_per_s"]:.0f} per s'
    )
    for name, what in (('', 'ours'), ('bare_', 'the package openai alone')):
        print(f'{result[f"{name}per_s"]:10.0f} per s, {result[f"{name}cpu_ms"]:.2f} ms of CPU each  {what}')
    print(f'{100 * result["of_ideal"]:.0f} % of the ideal rate, {100 * result["of_bare"]:.0f} % of the package alone')
    return result


def fitting(args: argparse.Namespace) -> dict:
    """Bodies fitted to people's 2D keypoints."""
    result = body_fitting.body_fitting(args.people, args.body)
    print(
        f'{args.people} people of 17 keypoints, {result["keypoints"]} of them points of the body {args.body}, '
        f'{torch.get_num_threads()} threads: {result["seconds"]:.1f} s, {result["error_px"]:.2f} px, PA-MPJPE '
        f'{result["pa_mpjpe_mm"]:.1f} mm; the mean pose has {result["mean_pose_pa_mpjpe_mm"]:.1f} mm'
    )
    return result


def answers_with_poses(args: argparse.Namespace) -> dict:
    """ChatPose's answers with poses, against the same answers without."""
    result = pose_answers.pose_answers(args.tokens, args.poses, args.pairs)
    print(f'{args.tokens} tokens about an image, {args.poses} poses, {args.pairs} runs each, in turns')
    print(f'{result["ms"]:10.2f} ms, without poses {result["plain_ms"]:.2f} ms, ratio {result["ratio"]:.3f}')
    return result


def errors_of_poses(args: argparse.Namespace) -> dict:
    """PA-MPJPE of many poses, against MMPose's."""
    result = pose_errors.pose_errors(args.poses)
    print(f'{args.poses:,} poses of 14 joints, the best of 3 runs in turns')
    for name in ('mpjpe', 'pa_mpjpe'):
        print(f'{result[f"{name}_s"]:10.2f} s, MMPose {result[f"mmpose_{name}_s"]:.2f} s  {name}')
    print(f'PA-MPJPE is {result["ratio"]:.1f} times as fast, and differs by {result["difference_mm"]:.1e} mm')
    return result


def skinning(args: argparse.Namespace) -> dict:
    """Posing bodies, against smplx and anny."""
    result = body_skinning.skinning_summary(body_skinning.skinning(args.batch_size, args.pairs))
    print(f'{args.batch_size} poses, {args.pairs} runs each, in turns')
    for name, what in (
        ('smpl', "ours, SMPL's size"),
        ('smplx', 'smplx'),
        ('anny', 'ours, anny'),
        ('anny_posing', 'anny, its shape given'),
        ('anny_whole', 'anny, which makes its shape each time'),
    ):
        print(f'{result[f"{name}_ms"]:10.2f} ms  {what}')
    print(f'ratio {result["smpl_ratio"]:.2f} of smplx, {result["anny_ratio"]:.2f} of anny with its shape given')
    return result


KINDS = dict(inference=inference, training=training, head=head, texts=text, data=data, heatmap=heatmap)
CAPE_KINDS = {'cape-asking': cape_asking, 'cape-memory': cape_memory, 'cape-training': cape_training}
LLM_KINDS = {'llm-prompts': prompts, 'llm-journal': llm_journal, 'llm-rate': llm_rate}


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__)
    kinds = parser.add_subparsers(dest='kind', required=True)
    for kind, measure in KINDS.items():
        command = kinds.add_parser(kind, help=measure.__doc__)
        command.set_defaults(measure=measure)
        add_debug(command)
        command.add_argument('--json', metavar='FILE', help='also write the results to this file')
        if kind != 'heatmap':
            command.add_argument('config')
        if kind == 'data':
            command.add_argument('--seconds', type=positive_float, default=10.0)
            continue
        command.add_argument('--pairs', type=_runs, default=20 if kind == 'training' else 30, help='runs of each')
        if kind == 'heatmap':
            continue
        command.add_argument('--batch-size', type=positive_int, default=dict(inference=1, training=16).get(kind, 8))
        command.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
        command.add_argument('--threads', type=positive_int, help='CPU threads')
        if kind != 'texts':
            command.add_argument('--against', metavar='CONFIG', help='a second model, run in turns with the first')
        if kind in ('inference', 'training'):
            command.add_argument('--amp', action='store_true', help='bfloat16 autocast')
    for kind, measure in LLM_KINDS.items():
        command = kinds.add_parser(kind, help=measure.__doc__)
        command.set_defaults(measure=measure)
        add_debug(command)
        command.add_argument('--json', metavar='FILE', help='also write the results to this file')
        if kind == 'llm-prompts':
            command.add_argument('--images', type=positive_int, default=10_000)
        elif kind == 'llm-journal':
            command.add_argument('--lines', type=positive_int, default=200_000)
        else:
            command.add_argument('--requests', type=positive_int, default=3000)
            command.add_argument('--delay-ms', type=positive_float, default=20.0)
    for kind, measure in CAPE_KINDS.items():
        command = kinds.add_parser(kind, help=measure.__doc__)
        command.set_defaults(measure=measure)
        add_debug(command)
        command.add_argument('--json', metavar='FILE', help='also write the results to this file')
        if kind == 'cape-memory':
            command.add_argument('--chunks', type=positive_int, nargs='+', default=[8, 32, 128])
            continue
        command.add_argument('--pairs', type=partial(_runs, fewest=FEWEST_LONG_RUNS), default=5, help='runs of each')
        command.add_argument('--threads', type=positive_int, default=1, help='CPU threads')
        if kind == 'cape-asking':
            command.add_argument('--keypoints', type=int, choices=sorted(cape_llm.CATEGORIES), default=17)
    command = kinds.add_parser('body-skinning', help=skinning.__doc__)
    command.set_defaults(measure=skinning)
    add_debug(command)
    command.add_argument('--json', metavar='FILE', help='also write the results to this file')
    command.add_argument('--pairs', type=_runs, default=30, help='runs of each')
    command.add_argument('--batch-size', type=positive_int, default=64)
    command.add_argument('--threads', type=positive_int, help='CPU threads')
    command = kinds.add_parser('pose-answers', help=answers_with_poses.__doc__)
    command.set_defaults(measure=answers_with_poses)
    add_debug(command)
    command.add_argument('--json', metavar='FILE', help='also write the results to this file')
    command.add_argument('--tokens', type=positive_int, default=32, help='of an answer')
    command.add_argument('--poses', type=positive_int, default=2)
    command.add_argument('--pairs', type=partial(_runs, fewest=FEWEST_LONG_RUNS), default=20, help='runs of each')
    command.add_argument('--threads', type=positive_int, default=1, help='CPU threads')
    command = kinds.add_parser('pose-errors', help=errors_of_poses.__doc__)
    command.set_defaults(measure=errors_of_poses)
    add_debug(command)
    command.add_argument('--json', metavar='FILE', help='also write the results to this file')
    command.add_argument('--poses', type=positive_int, default=100_000)
    command = kinds.add_parser('body-fitting', help=fitting.__doc__)
    command.set_defaults(measure=fitting)
    add_debug(command)
    command.add_argument('--json', metavar='FILE', help='also write the results to this file')
    command.add_argument('--people', type=positive_int, default=64)
    command.add_argument('--body', default='skeleton', help='as for tools/fit_body.py (default: %(default)s)')
    command.add_argument('--threads', type=positive_int, help='CPU threads')
    command = kinds.add_parser('chat-labels', help=chat_labels.__doc__)
    command.set_defaults(measure=chat_labels)
    add_debug(command)
    command.add_argument('--json', metavar='FILE', help='also write the results to this file')
    command.add_argument('--records', type=positive_int, default=10_000)
    return parser


def _runs(text: str, fewest: int = FEWEST_RUNS) -> int:
    number = int(text)
    if number < fewest:
        raise argparse.ArgumentTypeError(f'{number} is too small, the medians would be noise; give at least {fewest}')
    return number


def run(args: argparse.Namespace) -> None:
    if getattr(args, 'threads', None):
        torch.set_num_threads(args.threads)
    if args.json:
        check_writable(args.json)
    result = args.measure(args)
    if args.json:
        atomic_write(Path(args.json), to_json(without_nan(result), 'results', 2).encode())


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)


def _configs(args: argparse.Namespace) -> List[str]:
    return [args.config, *filter(None, [args.against])]


def _report(args: argparse.Namespace, configs: Sequence[str], timings: Sequence[Measurement]) -> dict:
    result = dict(models.summary(configs, args.batch_size, timings), device=args.device)
    print(f'{args.kind}, batch {args.batch_size}, {args.device}, {args.pairs} runs each, in turns')
    for prefix, config in zip(('', 'against_'), configs):
        low, high = result[f'{prefix}quartiles_ms']
        print(f'{result[f"{prefix}median_ms"]:10.2f} ms  (quartiles {low:.2f} ... {high:.2f})  {config}')
    if args.against:
        print(f'ratio {result["ratio"]:.3f}')
    return result


if __name__ == '__main__':
    raise SystemExit(main())
