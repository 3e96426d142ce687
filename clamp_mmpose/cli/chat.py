"""Ask a vision-language model about images: CONFIG CHECKPOINT --image photo.jpg 'What is the person doing?'

Without a question, each line of the input is one, and all of them are one conversation; Ctrl+D ends it.
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Iterator, List, Optional, Sequence, Tuple

from .command import add_cfg_options, build_parser, device, one_line, positive_int, price, run_command

if TYPE_CHECKING:
    from PIL.Image import Image

    from clamp_mmpose.apis import ImageChat

CHECKPOINTS = ('.pth', '.pt', '.safetensors')


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__.splitlines()[0])
    parser.add_argument(
        'config',
        help='config file or name of a VisionLanguageModel; or a folder with a model of transformers, such as one that '
        'tools/export.py wrote, or its name on the hub, without CHECKPOINT',
    )
    parser.add_argument('checkpoint', nargs='?', help='of the tuned model; without it, the pretrained weights answer')
    parser.add_argument('question', nargs='?', help='without it, questions are read line by line')
    parser.add_argument('--image', metavar='FILE', action='append', default=[], help='may be repeated, or left out')
    parser.add_argument('--max-new-tokens', type=positive_int, help="tokens of an answer; default: the config's")
    parser.add_argument(
        '--temperature',
        type=price,
        help="0: the likeliest token each time; above: tokens are drawn; default: the config's",
    )
    parser.add_argument('--device', type=device)
    add_cfg_options(parser, 'model.init_cfg.checkpoint=FOLDER')
    # a question may come behind the options, where Python before 3.13 finds no optional argument
    parser.parse_args = parser.parse_intermixed_args
    return parser


def run(args: argparse.Namespace) -> int:
    from mmengine.logging import MMLogger

    from clamp_mmpose.apis.chat import ImageChat, read_chat_config, read_images
    from clamp_mmpose.datasets.files.images import silence_opencv

    silence_opencv()
    MMLogger.get_current_instance().setLevel('WARNING')  # only answers on standard output
    checkpoint, question = args.checkpoint, args.question
    if question is None and checkpoint is not None and not is_checkpoint(checkpoint):
        checkpoint, question = None, checkpoint
    images = read_images(args.image)  # before the model is loaded
    chat = ImageChat(read_chat_config(args.config, args.cfg_options), checkpoint, args.device)
    if question is None:
        return talk(chat, images, args)
    print(chat(images, question, (), args.max_new_tokens, args.temperature))
    return 0


def is_checkpoint(text: str) -> bool:
    """Whether the only argument behind the config is a checkpoint, not a question."""
    return text.endswith(CHECKPOINTS) or os.path.isfile(text)


def talk(chat: 'ImageChat', images: 'List[Image]', args: argparse.Namespace) -> int:
    """Answer line after line; a question that fails is reported, and the conversation goes on."""
    history: List[Tuple[str, str]] = []
    failures = 0
    for question in questions():
        try:
            answer = chat(images, question, history, args.max_new_tokens, args.temperature)
        except ValueError as error:
            print(f'error: {one_line(error)}', file=sys.stderr)
            failures += 1
            continue
        history.append((question, answer))
        print(answer, flush=True)
    return 1 if failures else 0


def questions() -> Iterator[str]:
    prompt = '> ' if sys.stdin.isatty() else ''
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            return
        if line:
            yield line


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
