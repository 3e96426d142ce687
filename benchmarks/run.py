"""Measure speed: ``inference | training | head | texts | data CONFIG`` or ``heatmap``; results: docs/benchmarks.md."""

import argparse
import json
from pathlib import Path
from typing import Optional

import torch

from . import heatmaps as benchmark_heatmap
from . import models as benchmark
from . import texts as benchmark_texts


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest='kind', required=True)
    for kind, help_text in (('inference', 'images to heatmaps'), ('training', 'a training step, and peak memory')):
        command = kinds.add_parser(kind, help=help_text)
        command.add_argument('config')
        command.add_argument('--against', metavar='CONFIG', help='a second model, run in turn with the first')
        command.add_argument('--batch-size', type=int, default=1 if kind == 'inference' else 16)
        command.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
        command.add_argument('--amp', action='store_true', help='bfloat16 autocast')
        command.add_argument('--pairs', type=int, default=30 if kind == 'inference' else 20, help='runs of each')
        command.add_argument('--threads', type=int, help='CPU threads')
        command.add_argument('--json', metavar='FILE')
    for kind, help_text in (
        ('head', 'features to keypoints or heatmaps'),
        ('texts', 'a TextQueryHead with its texts, against embeddings that are simply there'),
    ):
        command = kinds.add_parser(kind, help=help_text)
        command.add_argument('config')
        if kind == 'head':
            command.add_argument('--against', metavar='CONFIG', help='a second head, run in turn with the first')
        command.add_argument('--batch-size', type=int, default=8)
        command.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
        command.add_argument('--pairs', type=int, default=30, help='runs of each')
        command.add_argument('--threads', type=int, help='CPU threads')
        command.add_argument('--json', metavar='FILE')
    command = kinds.add_parser('data', help='samples per second of the training pipeline, for each loader worker')
    command.add_argument('config')
    command.add_argument('--json', metavar='FILE')
    command = kinds.add_parser('heatmap', help='focus heatmaps, against one part after the other')
    command.add_argument('--pairs', type=int, default=30, help='runs of each')
    command.add_argument('--json', metavar='FILE')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.kind == 'data':
        result = dict(config=args.config, **benchmark.data(args.config))
        print(f'{args.config}: {result["samples_per_second"]:.1f} samples per second and worker')
    else:
        if args.pairs < 20:
            raise SystemExit(f'--pairs {args.pairs}: at least 20, or the medians are noise.')
        if args.kind == 'heatmap':
            report_heatmap(args)
            return
        if args.threads:
            torch.set_num_threads(args.threads)
        if args.kind == 'texts':
            report_texts(args)
            return
        configs = [args.config, *filter(None, [args.against])]
        if args.kind == 'head':
            timings = benchmark_texts.heads(configs, args.batch_size, args.device, args.pairs)
        else:
            measure = benchmark.inference if args.kind == 'inference' else benchmark.training
            timings = measure(configs, args.batch_size, args.device, args.pairs, args.amp)
        result = dict(benchmark.summary(configs, args.batch_size, timings), device=args.device)
        print(f'{args.kind}, batch {args.batch_size}, {args.device}, {args.pairs} runs each, in turn')
        for config, timing in zip(configs, timings):
            low, high = timing.quartiles
            print(f'{timing.median:10.2f} ms  (quartiles {low:.2f} ... {high:.2f})  {config}')
        if args.against:
            print(f'ratio {result["ratio"]:.3f}')
        if args.kind == 'training':
            result['peak_memory_mib'] = {
                config: benchmark.peak_memory(config, args.batch_size, args.device, args.amp) for config in configs
            }
            for config, mib in result['peak_memory_mib'].items():
                print(f'{mib:10.0f} MiB at the peak  {config}')
    write(args.json, result)


def report_heatmap(args: argparse.Namespace) -> None:
    result = benchmark_heatmap.heatmap_summary(benchmark_heatmap.heatmap(args.pairs))
    print(f'one person, {args.pairs} runs each, in turn; plain: one part after the other, all pixels')
    print(
        f'1280 x 720       {result["picture_ms"]:8.2f} ms, plain {result["picture_plain_ms"]:8.2f} ms, '
        f'{result["picture_ratio"]:.0f} times'
    )
    print(
        f'256 x 256 crop   {result["crop_ms"]:8.2f} ms, plain {result["crop_plain_ms"]:8.2f} ms, '
        f'{result["crop_ratio"]:.0f} times; plain in the whole picture, {result["crop_of_picture_ratio"]:.0f} times'
    )
    write(args.json, result)


def report_texts(args: argparse.Namespace) -> None:
    timings = benchmark_texts.texts(args.config, args.batch_size, args.device, args.pairs)
    result = benchmark_texts.text_summary(args.config, args.batch_size, timings)
    print(
        f'batch {args.batch_size}, {args.device}, {args.pairs} runs each, in turn; {timings.encoded} texts encoded '
        'meanwhile'
    )
    for kind, against in (('training', 'the same with given embeddings'), ('prediction', 'the bare forward')):
        row = result[kind]
        print(
            f'{kind:<10} {row["median_ms"]:10.2f} ms, {against} {row["against_median_ms"]:10.2f} ms, '
            f'ratio {row["ratio"]:.3f}'
        )
    write(args.json, result)


def write(path: Optional[str], result: dict) -> None:
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(result, indent=2))


if __name__ == '__main__':
    main()
