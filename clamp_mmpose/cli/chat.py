"""Ask a vision-language model about images: CONFIG CHECKPOINT --image photo.jpg 'What is the person doing?'

Without a question, each line of the input is one, and all of them are one conversation; Ctrl+D ends it. The 3D poses of
a ChatPose's answers go to files: as JSON, .npz, an OBJ mesh and an image from four sides.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Sequence, Tuple, Union

from .command import add_cfg_options, build_parser, device, one_line, positive_int, price, run_command

if TYPE_CHECKING:
    from PIL.Image import Image

    from clamp_mmpose.apis import ImageChat, PoseChat, PoseReply

CHECKPOINTS = ('.pth', '.pt', '.safetensors')
POSES = 'poses'
BODY_HELP = (
    'what is posed and drawn: a skeleton (default), the body of anny (pip install "clamp_mmpose[body]"), or the one of '
    'a file of SMPL, SMPL-H or SMPL-X'
)


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__.splitlines()[0], 'chat')
    parser.add_argument(
        'config',
        help='config file or name of a VisionLanguageModel or a ChatPose; or a folder with a model of transformers, '
        'such as one that tools/export.py wrote, or its name on the hub, without CHECKPOINT',
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
    poses = parser.add_argument_group('poses of a ChatPose')
    poses.add_argument(
        '--out',
        metavar='FOLDER',
        help=f'for pose_1.json, .npz, .obj and .jpg, and so on; no file is replaced; default: {POSES}',
    )
    poses.add_argument('--body', metavar='skeleton|anny|FILE', help=BODY_HELP)
    poses.add_argument('--pose', action='store_true', help='an answer that would end without a pose gets one')
    add_cfg_options(parser, 'model.init_cfg.checkpoint=FOLDER')
    # a question may come behind the options, where Python before 3.13 finds no optional argument
    parser.parse_args = parser.parse_intermixed_args
    return parser


def run(args: argparse.Namespace) -> int:
    from mmengine.logging import MMLogger

    from clamp_mmpose.apis.chat import read_images
    from clamp_mmpose.datasets.files.images import silence_opencv

    silence_opencv()
    MMLogger.get_current_instance().setLevel('WARNING')  # only answers on standard output
    checkpoint, question = args.checkpoint, args.question
    if question is None and checkpoint is not None and not is_checkpoint(checkpoint):
        checkpoint, question = None, checkpoint
    images = read_images(args.image)  # before the model is loaded
    chat = load(args, checkpoint)
    if question is None:
        return talk(chat, images, args)
    answer(chat, images, question, [], args)
    return 0


def load(args: argparse.Namespace, checkpoint: Optional[str]) -> 'Union[ImageChat, PoseChat]':
    from clamp_mmpose.apis import ImageChat, PoseChat
    from clamp_mmpose.apis.chat import read_chat_config
    from clamp_mmpose.apis.trained_model import is_chat_pose

    config = read_chat_config(args.config, args.cfg_options)
    if not is_chat_pose(config):
        given = [name for name in ('out', 'body', 'pose') if getattr(args, name)]
        if given:
            raise ValueError(
                f'{args.config} has no ChatPose, so that its answers have no poses: leave out --{given[0]}.'
            )
        return ImageChat(config, checkpoint, args.device)
    if args.out is not None and Path(args.out).exists() and not Path(args.out).is_dir():
        raise ValueError(f'--out {args.out} is not a folder: give the name of one.')
    return PoseChat(config, checkpoint, args.device, args.body or 'skeleton')


def answer(
    chat: 'Union[ImageChat, PoseChat]',
    images: 'List[Image]',
    question: str,
    history: List[Tuple[str, str]],
    args: argparse.Namespace,
) -> str:
    """Print the answer to a question, and write its poses."""
    settings: Any = dict(force_pose=True) if args.pose else {}
    reply = chat(images, question, history, args.max_new_tokens, args.temperature, **settings)
    text = reply if isinstance(reply, str) else reply.text
    print(text, flush=True)
    if not isinstance(reply, str):
        write_poses(reply, Path(args.out or POSES))
    return text


def write_poses(reply: 'PoseReply', folder: Path) -> None:
    """Write the poses beside those that are there, and say where and what else a user should know."""
    for note in reply.notes:
        print(f'note: {note}', file=sys.stderr)
    files = reply.save(folder) if reply.poses else []
    for first in (file for file in files if file.suffix == files[0].suffix):
        endings = [file.suffix for file in files if file.stem == first.stem]
        print(f'Wrote {first.with_suffix("")}{", ".join(endings)}', file=sys.stderr)


def is_checkpoint(text: str) -> bool:
    """Whether the only argument behind the config is a checkpoint, not a question."""
    return text.endswith(CHECKPOINTS) or os.path.isfile(text)


def talk(chat: 'Union[ImageChat, PoseChat]', images: 'List[Image]', args: argparse.Namespace) -> int:
    """Answer line after line; a question that fails is reported, and the conversation goes on."""
    history: List[Tuple[str, str]] = []
    failures = 0
    for question in questions():
        try:
            history.append((question, answer(chat, images, question, history, args)))
        except ValueError as error:
            print(f'error: {one_line(error)}', file=sys.stderr)
            failures += 1
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
