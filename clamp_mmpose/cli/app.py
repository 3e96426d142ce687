"""Start a web page that finds keypoints by name, or answers questions about images: 'CONFIG CHECKPOINT'.

Open the address it prints. Needs Gradio (``pip install "clamp_mmpose[app]"``), but no network.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Optional, Sequence

from .chat import BODY_HELP
from .command import add_cfg_options, build_parser, device, positive_int, run_command

if TYPE_CHECKING:
    from gradio import Blocks
    from mmengine.config import Config


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__.splitlines()[0], 'app')
    parser.add_argument(
        'config',
        help='config file of a model whose head reads text (TextQueryHead, CapeLLMHead), of a VisionLanguageModel or '
        'of a ChatPose, or its name or alias; or the folder of an exported VisionLanguageModel',
    )
    parser.add_argument('checkpoint', nargs='?', help='may be left out for a VisionLanguageModel with its own weights')
    parser.add_argument('--host', default='127.0.0.1', help='default: %(default)s, only this machine')
    parser.add_argument('--port', type=positive_int, help='default: the first free port from 7860')
    parser.add_argument(
        '--allowed-host',
        metavar='NAME',
        action='append',
        default=[],
        help='name or address that browsers may use for this machine, beyond --host and localhost; may be repeated',
    )
    parser.add_argument('--texts', metavar='FOLDER', help='category texts to choose from; default: those of MP-100')
    parser.add_argument('--body', metavar='skeleton|anny|FILE', help=f'of a ChatPose: {BODY_HELP}')
    parser.add_argument('--device', type=device)
    add_cfg_options(parser, 'model.head.language_model.init_cfg.checkpoint=FOLDER')
    return parser


def run(args: argparse.Namespace) -> None:
    # the libraries read these on import
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    # uploads and results: closed to other users of the machine, and deleted with the page
    parent = os.environ.get('GRADIO_TEMP_DIR')
    if parent:
        os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='clamp_mmpose_', dir=parent) as folder:
        os.environ['GRADIO_TEMP_DIR'] = os.path.abspath(folder)
        try:
            _serve(args)
        finally:
            if parent:
                os.environ['GRADIO_TEMP_DIR'] = parent
            else:
                del os.environ['GRADIO_TEMP_DIR']


def _serve(args: argparse.Namespace) -> None:
    from clamp_mmpose.apis import ImageChat, PoseChat
    from clamp_mmpose.apis.chat import read_chat_config
    from clamp_mmpose.apis.trained_model import is_chat_pose, is_vision_language_model
    from clamp_mmpose.apis.web_app import build_chat, launch

    config = read_chat_config(args.config, args.cfg_options)
    if is_chat_pose(config):
        app = build_chat(PoseChat(config, args.checkpoint, args.device, args.body or 'skeleton'))
    elif args.body:
        raise ValueError(f'{args.config} has no ChatPose, so that its answers have no poses: leave out --body.')
    elif is_vision_language_model(config):
        app = build_chat(ImageChat(config, args.checkpoint, args.device))
    else:
        app = _keypoint_page(config, args)
    address = launch(app, args.host, args.port, args.allowed_host)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end as with Ctrl+C, so that the folder is deleted
    print(f'Open {address} in a browser; Ctrl+C ends it.', flush=True)
    app.block_thread()


def _keypoint_page(config: 'Config', args: argparse.Namespace) -> 'Blocks':
    from clamp_mmpose.apis import TextPoseInferencer
    from clamp_mmpose.apis.web_app import build_app
    from clamp_mmpose.language.category_texts import load_texts

    texts = load_texts(args.texts)
    inferencer = TextPoseInferencer(config, args.checkpoint, args.device)
    if not inferencer.reads_text:
        raise ValueError(
            f'{type(inferencer.model.head).__name__} finds its {len(inferencer.keypoint_names)} fixed keypoints; the '
            'web page needs a head that reads text, such as TextQueryHead or CapeLLMHead.'
        )
    return build_app(inferencer, texts)


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
