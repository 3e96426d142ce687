"""Push a trained model to the Hugging Face Hub as a folder with a model card, or pull one; pulling runs no code."""

import argparse
import tempfile
from typing import Optional, Sequence

from .command import add_cfg_options, add_debug, build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__, 'hub')
    actions = parser.add_subparsers(dest='action', required=True, metavar='push|pull')
    push = actions.add_parser('push', help='upload a model, or only write its folder')
    push.add_argument('config', help='config file, or the name or alias of a model')
    push.add_argument('checkpoint')
    push.add_argument('name', metavar='OWNER/NAME')
    push.add_argument('--out', metavar='FOLDER', help='write the folder here and do not upload it')
    push.add_argument('--license', help='of the weights, such as cc-by-4.0, for the model card')
    push.add_argument('--private', action='store_true', help='make a new repository private')
    add_cfg_options(push, 'model.test_cfg.flip_test=False')
    add_debug(push)
    pull = actions.add_parser('pull', help='download a model')
    pull.add_argument('name', metavar='OWNER/NAME', help='on the hub, or a folder that was copied')
    pull.add_argument('--out', required=True, metavar='FOLDER', help='where to write the model')
    add_debug(pull)
    return parser


def run(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis.hub import pull_model, push_model, write_model_folder

    if args.action == 'pull':
        files = pull_model(args.name, args.out)
        print(f'Wrote {files.folder}. Next:\n  clamp-mmpose predict {files.config} {files.weights} IMAGE_OR_VIDEO')
        return
    if '/' not in args.name.strip('/'):
        raise ValueError(f'{args.name!r} is no name on the hub: give OWNER/NAME.')
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or temporary
        write_model_folder(args.config, args.checkpoint, folder, args.name, args.license, args.cfg_options)
        if args.out:
            print(f'Wrote {folder}, not uploaded. "hf upload {args.name} {folder}" does that.')
        else:
            print(f'Uploaded to {push_model(folder, args.name, args.private)}.')


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
