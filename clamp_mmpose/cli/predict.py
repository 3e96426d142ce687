"""Find keypoints in images: CONFIG CHECKPOINT IMAGE_OR_FOLDER... --keypoints 'left ear, nose'.

``--keypoints`` is for models with a TextQueryHead; omit it for other models.

Writes ``predictions/NAME.json`` and ``visualizations/NAME`` for each image. A bad image is reported and skipped; the
exit code is then 1.
"""

import argparse
import mimetypes
import sys
from pathlib import Path
from typing import Optional, Sequence

from .command import build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser(__doc__.splitlines()[0])
    parser.add_argument('config', help='config file, or the name or alias of a model')
    parser.add_argument('checkpoint')
    parser.add_argument('inputs', nargs='+', metavar='IMAGE_OR_FOLDER')
    parser.add_argument('--out-dir', default='work_dirs/predict', help='default: %(default)s')
    parser.add_argument('--keypoints', help='keypoint names for a TextQueryHead, separated by commas')
    parser.add_argument('--skeleton', default='', help='pairs of these keypoints to connect, counted from 0: "0-2,1-2"')
    parser.add_argument('--draw', choices=['keypoints', 'score_maps', 'nothing'], default='keypoints')
    parser.add_argument('--bbox', metavar='X,Y,W,H', help='box of the only instance, in pixels, for every image')
    parser.add_argument(
        '--bboxes',
        metavar='FILE',
        help='JSON {image path: [[x1, y1, x2, y2], ...]}; for other images the detector or the whole image is used',
    )
    parser.add_argument('--batch-size', type=int, default=8, help='images per batch')
    parser.add_argument(
        '--kpt-thr',
        type=float,
        default=0.3,
        help='minimum score to draw a keypoint; with --keypoints, to draw it filled (default: %(default)s)',
    )
    parser.add_argument('--det-model', help="detector of mmdet, or 'whole_image'")
    parser.add_argument('--det-weights')
    parser.add_argument('--det-cat-ids', type=int, nargs='+')
    parser.add_argument('--device')
    return parser


def collect(inputs: list) -> dict:
    """The path of each image below ``--out-dir``. Folders are searched recursively and keep their structure."""
    images = {}
    for item in map(Path, inputs):
        if item.is_dir():
            found = [
                path
                for path in sorted(item.rglob('*'))
                if (mimetypes.guess_type(path.name)[0] or '').startswith('image/')
            ]
            if not found:
                raise ValueError(f'{item} holds no images.')
            images.update({str(path): path.relative_to(item) for path in found})
        else:
            images[str(item)] = Path(item.name)
    written = {}
    for path, name in images.items():
        other = written.setdefault(name.with_suffix(''), path)
        if other != path:
            raise ValueError(
                f'{other} and {path} would both be written to {name.with_suffix(".json")}: run the '
                'command twice, with a different --out-dir.'
            )
    return images


def find_boxes(file: str, paths: list) -> dict:
    """Boxes by image path; paths in the file may be written differently (relative, absolute)."""
    from clamp_mmpose.utils.files import read_json

    given = read_json(file, 'boxes', 'give the file that --bboxes names')
    by_location = {Path(path).resolve(): path for path in paths}
    unknown = [path for path in given if Path(path).resolve() not in by_location]
    if unknown:
        raise ValueError(
            f'{file} has boxes for {len(unknown)} images that are not among the inputs, such as '
            f'{unknown[0]}; expected paths such as {paths[0]}, relative to {Path.cwd()}.'
        )
    return {by_location[Path(path).resolve()]: boxes for path, boxes in given.items()}


def run(args: argparse.Namespace) -> int:
    from rich.progress import track

    from clamp_mmpose.apis import TextPoseInferencer
    from clamp_mmpose.apis.boxes import parse_box
    from clamp_mmpose.apis.model_zoo import find_config

    if args.skeleton and not args.keypoints:
        raise ValueError('--skeleton needs --keypoints: give the names of the keypoints it connects.')
    if args.bbox and args.bboxes:
        raise ValueError('give --bbox or --bboxes, not both.')
    images = collect(args.inputs)
    boxes = find_boxes(args.bboxes, list(images)) if args.bboxes else {}
    if args.bbox:
        boxes = {path: [parse_box(args.bbox)] for path in images}
    out = Path(args.out_dir)
    inferencer = TextPoseInferencer(
        str(find_config(args.config)),
        args.checkpoint,
        args.device,
        det_model=args.det_model,
        det_weights=args.det_weights,
        det_cat_ids=args.det_cat_ids,
        keypoints=args.keypoints,
        skeleton=args.skeleton,
    )

    failures = []
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
            for result in results:
                bad = {path for path, _ in inferencer.failures}
                done = [path for path in group if path not in bad]
                save(out, [images[path] for path in done], result)
            failures += inferencer.failures
    print(f'{len(paths) - len(failures)} of {len(paths)} images done, in {out}.')
    for path, error in failures:
        print(f'skipped {path}: {error}', file=sys.stderr)
    return 1 if failures else 0


def save(out: Path, names: list, result: dict) -> None:
    import cv2
    import mmengine

    from clamp_mmpose.utils.files import atomic_write

    drawn = result['visualization'] or [None] * len(names)
    for name, instances, image in zip(names, result['predictions'], drawn):
        content = mmengine.dump(instances, file_format='json', indent='  ')
        atomic_write(out / 'predictions' / name.with_suffix('.json'), content.encode())
        if image is not None:
            _, encoded = cv2.imencode(name.suffix, image[..., ::-1])
            atomic_write(out / 'visualizations' / name, encoded.tobytes())


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
