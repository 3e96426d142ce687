"""Convert what others published: 'clamp SRC --model-config FILE --out DIR', 'capellm SRC ...', 'chatpose SRC ...', or a
body model, 'body SRC OUT.npz'."""

import argparse
from typing import Optional, Sequence

from .command import add_debug, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'convert')
    methods = parser.add_subparsers(dest='method', required=True)
    clamp = methods.add_parser('clamp', help='a released CLAMP checkpoint (MMPose 0.x key names)')
    clamp.add_argument('source', help='the released checkpoint')
    clamp.add_argument(
        '--model-config', required=True, metavar='FILE', help="the authors' config (.py), or its model dict in JSON"
    )
    clamp.add_argument('--out', required=True, metavar='DIR', help='output folder for config.py and checkpoint.pth')
    add_debug(clamp)
    capellm = methods.add_parser('capellm', help='a CapeLLM checkpoint of the published code (names of peft)')
    capellm.add_argument('source', help='the state dict, .safetensors or .pth')
    capellm.add_argument(
        '--model-config', required=True, metavar='FILE', help='config.json of its language model, in JSON'
    )
    capellm.add_argument('--tokenizer', required=True, metavar='DIR', help='folder with the tokenizer')
    capellm.add_argument(
        '--out', required=True, metavar='DIR', help='output folder for language_model/, config.py and checkpoint.pth'
    )
    add_debug(capellm)
    chatpose = methods.add_parser('chatpose', help="ChatPose, merged by the authors' code")
    chatpose.add_argument('source', help='folder with its shards, or a file with all weights')
    chatpose.add_argument('--model-config', metavar='FILE', help='its config.json; default: that of the source')
    chatpose.add_argument('--tokenizer', metavar='DIR', help='folder with tokenizer.model; default: the source')
    chatpose.add_argument(
        '--out', required=True, metavar='DIR', help='output folder, which needs no checkpoint beside it'
    )
    add_debug(chatpose)
    body = methods.add_parser('body', help='SMPL, SMPL-H or SMPL-X, without chumpy and without running code in it')
    body.add_argument('source', help="the user's file, .pkl or .npz")
    body.add_argument('out', metavar='OUT.npz', help='output file')
    add_debug(body)
    return parser


def run(args: argparse.Namespace) -> None:
    if args.method == 'capellm':
        convert_capellm(args)
    elif args.method == 'chatpose':
        convert_chatpose(args)
    elif args.method == 'body':
        convert_body(args)
    else:
        convert_clamp(args)


def convert_capellm(args: argparse.Namespace) -> None:
    from clamp_mmpose.checkpoints.convert_capellm import convert_capellm

    report = convert_capellm(args.source, args.model_config, args.tokenizer, args.out)
    print(f'LoRA merged into {report.merged} layers.')
    print(f'{len(report.unused)} weights not used' + (': ' + ', '.join(report.unused) if report.unused else '.'))
    print(f'Wrote {report.language_model}, {report.config} and {report.checkpoint}.')


def convert_chatpose(args: argparse.Namespace) -> None:
    from clamp_mmpose.checkpoints.convert_chatpose import convert_chatpose

    report = convert_chatpose(args.source, args.out, args.model_config, args.tokenizer)
    print(f'{len(report.unused)} weights not used' + (': ' + ', '.join(report.unused) if report.unused else '.'))
    print(f'Wrote {report.folder} with {report.config.name}.')


def convert_body(args: argparse.Namespace) -> None:
    from clamp_mmpose.body.smpl_files import read_body_file, write_body_file

    body = read_body_file(args.source)
    write_body_file(body, args.out)
    print(
        f'{body.kind}: {len(body.parents)} joints, {len(body.template)} vertices, {body.shapes.shape[2]} betas.\n'
        f'Wrote {args.out}.'
    )


def convert_clamp(args: argparse.Namespace) -> None:
    from clamp_mmpose.checkpoints.convert_clamp import convert_clamp

    report = convert_clamp(args.source, args.model_config, args.out)
    print(f'{report.matched} weights converted.')
    for title, names in (
        ('not used by the published model', report.unused),
        ('not in the checkpoint, only needed for training', report.unmatched),
    ):
        print(f'{len(names)} {title}' + (': ' + ', '.join(names) if names else '.'))
    print(f'Wrote {report.config} and {report.checkpoint}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
