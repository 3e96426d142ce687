"""Find keypoints in images or videos: CONFIG CHECKPOINT IMAGE_FOLDER_OR_VIDEO... --keypoints 'left ear, nose'.

``--keypoints`` and ``--category`` are for heads that read text (TextQueryHead, CapeLLMHead); omit them for others.

Writes ``predictions/NAME.json`` and ``visualizations/NAME`` for each image, and with ``--format`` one file for all of
them, such as ``predictions.dlc.csv``. An image that fails is reported, the others continue, and the exit code is then
1. Of a video: ``tracks.csv`` and ``NAME_labeled.mp4``, see :mod:`clamp_mmpose.cli.predict_video`.
"""

import argparse
import functools
import os
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from .command import (
    add_cfg_options,
    build_parser,
    device,
    finite_float,
    one_line,
    positive_int,
    run_command,
    warn_of_unused_gpu,
)
from .predict_video import add_video_options, check_no_video_options, run_videos
from .predicting_model import load_inferencer

WRITTEN = ('predictions', 'visualizations')
FORMATS = ('coco', 'dlc-csv', 'dlc-h5', 'slp', 'nwb', 'yolo', 'label-studio')  # of apis/formats, imported later


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__.splitlines()[0], 'predict')
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument('checkpoint')
    parser.add_argument('inputs', nargs='+', metavar='IMAGE_FOLDER_OR_VIDEO')
    parser.add_argument('--out-dir', default='work_dirs/predict', help='default: %(default)s')
    parser.add_argument(
        '--format',
        action='append',
        choices=FORMATS,
        default=[],
        help='also write all predictions in this format (may be given several times)',
    )
    parser.add_argument(
        '--keypoints',
        help='keypoint names for a head that reads text (TextQueryHead, CapeLLMHead), separated by commas; a name may '
        'have a description without commas: "left ear: the tip of the left ear, nose"',
    )
    parser.add_argument(
        '--category',
        help='category of MP-100, such as horse_body: describes the names of --keypoints that have no description; '
        'without --keypoints, all of its keypoints are found',
    )
    parser.add_argument('--skeleton', default='', help='pairs of these keypoints to connect, counted from 0: "0-2,1-2"')
    parser.add_argument('--draw', choices=['keypoints', 'score_maps', 'nothing'], default='keypoints')
    parser.add_argument(
        '--bbox',
        metavar='X,Y,W,H',
        help='box of the only instance, in every image: left, top, WIDTH and HEIGHT in pixels (--bboxes takes corners)',
    )
    parser.add_argument(
        '--bboxes',
        metavar='FILE',
        help='JSON {image path: [[x1, y1, x2, y2], ...]}: left, top, RIGHT and BOTTOM in pixels (--bbox takes width '
        'and height); for images that are not in it the detector or the whole image is used',
    )
    parser.add_argument(
        '--batch-size',
        type=positive_int,
        default=8,
        help='images or frames per batch, at least 1 (default: %(default)s)',
    )
    parser.add_argument(
        '--kpt-thr',
        type=finite_float,
        default=0.3,
        help='minimum score to draw a keypoint; with --keypoints, to draw it filled; and to label it in '
        '--format yolo (default: %(default)s)',
    )
    parser.add_argument(
        '--det-model',
        help="detector of mmdet, 'whole_image', or 'two_pass': the only animal is looked for in the whole image, then "
        "again in the box of its keypoints; for models trained so (find_instances = 'two_pass' in the config, which "
        'makes it the default)',
    )
    parser.add_argument('--det-weights')
    parser.add_argument('--det-cat-ids', type=int, nargs='+')
    parser.add_argument('--device', type=device)
    add_video_options(parser)
    add_cfg_options(parser, 'model.head.language_model.init_cfg.checkpoint=FOLDER')
    return parser


def collect(inputs: Sequence[str], out_dir: str) -> Dict[str, Path]:
    """The path of each image below ``--out-dir``.

    Folders are searched recursively and keep their structure; results of an earlier run in them are not taken for
    images.
    """
    from clamp_mmpose.datasets.files.images import image_files

    written = [os.path.realpath(Path(out_dir, name)) for name in WRITTEN]
    images = {}
    for item in map(Path, inputs):
        if not item.is_dir():
            images[str(item)] = Path(item.name)
            continue
        skipped = [folder for folder in written if not _is_below(item, folder)]
        found = [
            path for path in image_files(item, '**/*') if not any(_is_below(path.parent, folder) for folder in skipped)
        ]
        if not found:
            raise ValueError(f'{item} holds no images.')
        images.update({str(path): path.relative_to(item) for path in found})
    # the same file may be given by two paths
    files = {os.path.abspath(path): path for path in reversed(images)}
    return {path: name for path, name in images.items() if files[os.path.abspath(path)] == path}


@functools.lru_cache(maxsize=1000)
def _is_below(path: Path, folder: str) -> bool:
    place = os.path.realpath(path)
    return place == folder or place.startswith(folder + os.sep)


def find_boxes(file: str, paths: Sequence[str]) -> Dict[str, Any]:
    """Boxes by image path; paths in the file may be written differently (relative, absolute)."""
    from clamp_mmpose.utils.files import read_json

    given = read_json(file, 'boxes', 'give the file that --bboxes names', object_pairs_hook=_Pairs, finite=False)
    if not isinstance(given, _Pairs):
        raise ValueError(
            f'{file} must be one JSON object {{image path: [[x1, y1, x2, y2], ...]}}, not {_kind(given)}; a list of '
            'results by image_id, as in COCO, has no paths and boxes x, y, w, h: convert it.'
        )
    # a link and its target may both be inputs
    by_location = {os.path.realpath(path): path for path in paths}
    by_location.update({os.path.abspath(path): path for path in paths})
    found = [_named(path, by_location) for path, _ in given]
    unknown = [path for (path, _), location in zip(given, found) if location is None]
    if unknown:
        raise ValueError(
            f'{file} has boxes for {len(unknown)} images that are not among the inputs, such as '
            f'{unknown[0]}; expected paths such as {paths[0]}, relative to {Path.cwd()}.'
        )
    boxes: Dict[str, Any] = {}
    for (_, value), location in zip(given, filter(None, found)):
        if location in boxes:
            raise ValueError(f'{file} names {location} twice: give all boxes of an image in one list.')
        boxes[location] = dict(value) if isinstance(value, _Pairs) else value
    return boxes


class _Pairs(list):
    """The entries of a JSON object, also those of the same name."""


def _named(path: str, by_location: Dict[str, str]) -> Optional[str]:
    try:
        return by_location.get(os.path.abspath(path), by_location.get(os.path.realpath(path)))
    except ValueError:  # no path holds '\0', or half of a character pair
        return None


def _kind(value: object) -> str:
    return f'a list of {len(value)} entries' if isinstance(value, list) else repr(value)[:40]


def name_outputs(images: Dict[str, Path], out: Path) -> Dict[str, Tuple[Path, Path]]:
    """The JSON file and the drawn image of each image."""
    from clamp_mmpose.apis.outputs import check_not_input, output_names

    names = output_names(list(images), list(images.values()))
    targets = {
        path: (out / WRITTEN[0] / files.json, out / WRITTEN[1] / files.image) for path, files in zip(images, names)
    }
    renamed = [path for path in images if targets[path][0] != out / WRITTEN[0] / images[path].with_suffix('.json')]
    if renamed:
        print(
            f'{len(renamed)} images share their names with others; {renamed[0]}, for example, is written to '
            f'{targets[renamed[0]][0]}.',
            file=sys.stderr,
        )
    check_not_input([target for pair in targets.values() for target in pair], images)
    return targets


def run(args: argparse.Namespace) -> int:
    from rich.progress import track

    from clamp_mmpose.apis.boxes import parse_box
    from clamp_mmpose.apis.formats import check_target, prediction_file, write_predictions
    from clamp_mmpose.apis.formats.imported_names import as_imported
    from clamp_mmpose.apis.inputs import is_video
    from clamp_mmpose.datasets.files.images import silence_opencv

    if args.skeleton and not args.keypoints:
        raise ValueError('--skeleton needs --keypoints: give the names of the keypoints it connects.')
    if args.bbox and args.bboxes:
        raise ValueError('give --bbox or --bboxes, not both.')
    warn_of_unused_gpu(args.device)
    silence_opencv()  # one line for each bad image
    videos = [item for item in args.inputs if is_video(item)]
    if videos:
        return run_videos(args, videos)
    check_no_video_options(args)
    images = collect(args.inputs, args.out_dir)
    boxes = find_boxes(args.bboxes, list(images)) if args.bboxes else {}
    if args.bbox:
        boxes = {path: [parse_box(args.bbox)] for path in images}
    out = Path(args.out_dir)
    targets = name_outputs(images, out)
    out.mkdir(parents=True, exist_ok=True)  # before the model is loaded
    files = {format: prediction_file(out, 'predictions', format) for format in args.format}
    for format, file in files.items():
        check_target(format, file)
    inferencer = load_inferencer(args)

    failed = 0
    frames, skeleton = [], None
    paths = list(images)
    for start in track(range(0, len(paths), args.batch_size), description='Images'):
        batch = paths[start : start + args.batch_size]
        # the inferencer takes boxes for all images of a call or for none
        for group in ([path for path in batch if path in boxes], [path for path in batch if path not in boxes]):
            if not group:
                continue
            results = inferencer(
                group,
                batch_size=len(group),
                bboxes=[boxes[path] for path in group] if group[0] in boxes else None,
                on_error='skip',
                return_vis=args.draw != 'nothing',
                kpt_thr=args.kpt_thr,
                draw_score_maps=args.draw == 'score_maps',
            )
            errors = {}
            for result in results:
                errors.update(inferencer.failures)
                done = [path for path in group if path not in errors]
                errors.update(save([(path, *targets[path]) for path in done], result))
                frames += result.frames
                skeleton = result.skeleton if result.frames else skeleton
            errors.update(inferencer.failures)
            for path, error in errors.items():
                print(f'skipped {path}: {one_line(error)}', file=sys.stderr)
            failed += len(errors)
    if skeleton is not None:
        order = {path: i for i, path in enumerate(paths)}
        frames.sort(key=lambda frame: order[frame.source])  # groups have another order
        skeleton = as_imported(skeleton, inferencer.cfg)
        for format, file in files.items():
            write_predictions(frames, skeleton, format, file, args.kpt_thr)
            print(f'{format}: {file}')
    print(f'{len(paths) - failed} of {len(paths)} images done' + (f', {failed} failed' * bool(failed)) + f', in {out}.')
    return 1 if failed else 0


def save(targets: Sequence[Tuple[str, Path, Path]], result: dict) -> Dict[str, Exception]:
    """Write the JSON file and the drawn image of each image; returns the errors by path."""
    from clamp_mmpose.apis.outputs import write_image
    from clamp_mmpose.utils.files import atomic_write, to_json

    drawn = result['visualization'] or [None] * len(targets)
    errors: Dict[str, Exception] = {}
    for (path, json_file, image_file), instances, image in zip(targets, result['predictions'], drawn):
        try:
            atomic_write(json_file, to_json(instances, path, indent='  ').encode())
            if image is not None:
                write_image(image_file, image)
        except (OSError, ValueError) as error:
            errors[path] = error
    return errors


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
