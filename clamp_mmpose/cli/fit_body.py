"""Fit a body to 2D keypoints (SMPLify): IMAGE... --config CONFIG --checkpoint CHECKPOINT, or --keypoints FILE...

Writes a pose of each person as JSON, .npz, an OBJ mesh and an image from four sides, and all of them as poses.jsonl,
which ``PoseRecords`` reads. A person with too few keypoints is reported, and the others are fitted.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from .command import (
    add_cfg_options,
    build_parser,
    device,
    finite_float,
    positive_float,
    positive_int,
    run_command,
)

if TYPE_CHECKING:
    from clamp_mmpose.apis.found_people import FoundPerson
    from clamp_mmpose.apis.pose_reply import Pose
    from clamp_mmpose.body.fitting.fit_keypoints import BodyFit, FitFailure

TOGETHER = 32  # people that are fitted at once


def make_parser() -> argparse.ArgumentParser:
    parser = build_parser((__doc__ or '').splitlines()[0], 'fit-body')
    parser.add_argument('images', nargs='*', metavar='IMAGE', help='with --config and --checkpoint')
    parser.add_argument('--config', help='of a model that finds keypoints, as for tools/predict.py')
    parser.add_argument('--checkpoint')
    parser.add_argument(
        '--keypoints', nargs='+', metavar='FILE', default=[], help='JSON of tools/predict.py, or COCO results'
    )
    parser.add_argument(
        '--dataset', metavar='TYPE', help='names the keypoints of files without names; default: CocoDataset'
    )
    parser.add_argument(
        '--body', metavar='skeleton|anny|FILE', default='skeleton', help='default: skeleton; or a file of SMPL'
    )
    parser.add_argument('--out', metavar='FOLDER', default='work_dirs/fit_body', help='default: %(default)s')
    parser.add_argument(
        '--gmm', metavar='FILE', help="SMPLify's gmm_08.pkl; without it, joints stay within their limits"
    )
    parser.add_argument('--focal', type=positive_float, default=5000.0, help='pixels (default: %(default)s)')
    parser.add_argument(
        '--kpt-thr', type=finite_float, default=0.3, help='minimum score of a keypoint (default: %(default)s)'
    )
    parser.add_argument(
        '--min-keypoints', type=positive_int, default=6, help='that a person needs (default: %(default)s)'
    )
    parser.add_argument('--device', type=device, help='of the model; bodies are fitted on the CPU')
    parser.add_argument('--det-model', help="detector of mmdet, or 'whole_image'")
    add_cfg_options(parser, 'model.test_cfg.flip_test=False')
    return parser


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from clamp_mmpose.body.build import build_body
    from clamp_mmpose.body.fitting.fit_keypoints import FitFailure
    from clamp_mmpose.body.fitting.gmm_prior import read_gmm_prior
    from clamp_mmpose.utils.files import atomic_write, to_json

    if bool(args.images) == bool(args.keypoints) or (args.images and not (args.config and args.checkpoint)):
        raise ValueError('give images with --config and --checkpoint, or --keypoints FILE.')
    out = Path(args.out)
    if out.is_file():
        raise ValueError(f'--out {out} is not a folder: give the name of one.')
    body = build_body(args.body).eval()
    gmm = read_gmm_prior(args.gmm) if args.gmm else None
    options = dict(focal=args.focal, gmm=gmm, min_score=args.kpt_thr, min_keypoints=args.min_keypoints)
    people = find_people(args) if args.images else read_files(args)
    twice = [name for name, number in Counter(person.name for person in people).items() if number > 1]
    if twice:
        raise ValueError(f'two images give the files {twice[0]}: they need different names.')
    lines = []
    for batch in track(batches(people), 'Fits', console=Console(stderr=True), disable=not people):
        for person, fitted in zip(batch, fit(batch, body, **options)):
            if isinstance(fitted, FitFailure):
                print(f'skipped {person.name}: {fitted.reason}', file=sys.stderr)
                continue
            pose = posed(body, fitted)
            pose.save(out / person.name)
            lines.append(to_json(record(person, fitted), person.name))
    if lines:
        atomic_write(out / 'poses.jsonl', ''.join(f'{line}\n' for line in lines).encode())
    print(f'{len(lines)} of {len(people)} people fitted, in {out}.')
    return 0 if lines else 1


def find_people(args: argparse.Namespace) -> 'List[FoundPerson]':
    """By a model, in images."""
    from clamp_mmpose.apis import TextPoseInferencer
    from clamp_mmpose.apis.found_people import found_people
    from clamp_mmpose.apis.model_zoo import read_config
    from clamp_mmpose.datasets.files.images import image_size, silence_opencv

    silence_opencv()
    sizes = [image_size(image) for image in args.images]  # before the model is loaded
    config = read_config(args.config, args.cfg_options)
    inferencer = TextPoseInferencer(config, args.checkpoint, args.device, det_model=args.det_model)
    results = [result for call in inferencer(args.images) for result in call['predictions']]
    people = []
    for image, size, instances in zip(args.images, sizes, results):
        people += found_people(Path(image).stem, instances, image=image, size=size)
    return people


def read_files(args: argparse.Namespace) -> 'List[FoundPerson]':
    from clamp_mmpose.apis.found_people import read_people

    return [person for file in args.keypoints for person in read_people(file, args.dataset)]


def batches(people: 'List[FoundPerson]') -> 'List[List[FoundPerson]]':
    """People with the same keypoints, of images whose size is known or not."""
    groups: Dict[Any, List[FoundPerson]] = {}
    for person in people:
        groups.setdefault((tuple(person.keypoint_names), person.size is None), []).append(person)
    return [group[i : i + TOGETHER] for group in groups.values() for i in range(0, len(group), TOGETHER)]


def fit(batch: 'List[FoundPerson]', body: Any, **options: Any) -> 'List[Union[BodyFit, FitFailure]]':
    """Principal points are the centers of images, where their size is known."""
    import numpy as np

    from clamp_mmpose.body.fitting.fit_keypoints import fit_keypoints

    centers = None if batch[0].size is None else np.array([person.size for person in batch]) / 2
    keypoints, scores = (np.stack([getattr(person, key) for person in batch]) for key in ('keypoints', 'scores'))
    return fit_keypoints(body, keypoints, scores, batch[0].keypoint_names, centers, **options)


def posed(body: Any, fitted: 'BodyFit') -> 'Pose':
    """With the surface of the body."""
    import torch

    from clamp_mmpose.apis.pose_reply import Pose

    betas = None if fitted.betas is None else torch.from_numpy(fitted.betas)[None]
    with torch.no_grad():
        output = body(torch.from_numpy(fitted.rotations)[None], betas, torch.from_numpy(fitted.translation)[None])
    vertices = None if output.vertices is None else output.vertices[0].numpy()
    return Pose(fitted.rotations, fitted.joints, vertices, body.faces)


def record(person: 'FoundPerson', fitted: 'BodyFit') -> Dict[str, Any]:
    """As :class:`PoseRecords` reads it, and the camera and the error."""
    from clamp_mmpose.body.pose_entries import pose_entry

    known = dict(image=person.image, box=person.box, betas=fitted.betas)
    return dict(
        id=person.name,
        **{key: value for key, value in known.items() if value is not None},
        poses=[pose_entry(fitted.rotations)],
        translation=fitted.translation,
        focal=fitted.focal,
        center=fitted.center,
        error=round(fitted.error, 3),
        keypoints=fitted.keypoint_names,
    )


def main(argv: Optional[Sequence[str]] = None) -> int:
    return run_command(make_parser(), run, argv)
