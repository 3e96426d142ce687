"""The part of ``predict`` for videos: a labeled video, a table of tracks, and files for other tools."""

import argparse
import sys
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Sequence

from .command import one_line, positive_float, positive_int
from .predicting_model import load_inferencer


def add_video_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('videos')
    group.add_argument(
        '--every', type=positive_int, metavar='N', help='predict every Nth frame of a video (default: every frame)'
    )
    group.add_argument(
        '--smooth',
        type=positive_float,
        metavar='FRAMES',
        help='smooth the tracks of a video by a Gaussian of this standard deviation (default: not smoothed)',
    )
    group.add_argument(
        '--max-instances',
        type=positive_int,
        metavar='N',
        help='number of animals in a video, if it is known: no more tracks are made. Several animals need --det-model',
    )
    group.add_argument(
        '--overwrite', action='store_true', help='predict a video again instead of continuing an earlier run'
    )


def check_no_video_options(args: argparse.Namespace) -> None:
    """Raise ValueError if options of videos were given with images."""
    given = [name for name in ('every', 'smooth', 'max_instances', 'overwrite') if getattr(args, name)]
    if given:
        raise ValueError(f'--{given[0].replace("_", "-")} is for videos: the inputs are images.')


def run_videos(args: argparse.Namespace, videos: Sequence[str]) -> int:
    """Predict videos one after another: to ``--out-dir`` one, several to a folder of each in it."""
    from clamp_mmpose.apis.boxes import parse_box
    from clamp_mmpose.apis.video.frames import video_info
    from clamp_mmpose.apis.video.predict_video import predict_video

    if len(videos) < len(args.inputs):
        other = next(item for item in args.inputs if item not in videos)
        raise ValueError(f'give images or videos, not both: {other} is not a video, {videos[0]} is.')
    if args.bboxes:
        raise ValueError('--bboxes names images: for a video give --bbox, --det-model, or neither.')
    if args.draw == 'score_maps':
        raise ValueError('--draw score_maps is for images: of a video, keypoints or nothing is drawn.')
    folders = _folders(videos, Path(args.out_dir))
    for video in videos:
        video_info(video)  # before the model is loaded
    box = parse_box(args.bbox) if args.bbox else None
    inferencer = load_inferencer(args)
    if box is None and inferencer.finds_one and (args.max_instances or 1) > 1:
        raise ValueError(
            f'--max-instances {args.max_instances} needs a detector: without one a single animal is found. Give '
            '--det-model.'
        )
    failed = 0
    for video, folder in zip(videos, folders):
        progress = _Progress()
        done = predict_video(
            inferencer,
            video,
            folder,
            checkpoint=args.checkpoint,
            box=box,
            batch_size=args.batch_size,
            every=args.every or 1,
            smooth=args.smooth or 0.0,
            max_instances=args.max_instances,
            formats=args.format,
            draw=args.draw != 'nothing',
            threshold=args.kpt_thr,
            overwrite=args.overwrite,
            progress=progress,
        )
        rate = f'{done.predicted / max(progress.seconds, 1e-9):.1f} frames per second'
        earlier = done.frames - done.predicted
        how = f'{earlier} by an earlier run' if earlier else ''
        how = ', '.join(filter(None, [how, f'{done.predicted} now at {rate}' if done.predicted else '']))
        print(f'{done.frames} frames of {video} ({how}): {", ".join(map(str, done.files))}')
        if done.damage is not None:
            print(f'{one_line(done.damage)} The results are of the frames before.', file=sys.stderr)
            failed = 1
    return failed


def _folders(videos: Sequence[str], out: Path) -> List[Path]:
    if len(videos) == 1:
        return [out]
    folders = [out / Path(video).stem for video in videos]
    if len({str(folder).casefold() for folder in folders}) < len(folders):
        raise ValueError('two of the videos have the same name: predict them by separate calls with other --out-dir.')
    return folders


class _Progress:
    """A progress bar with frames per second; ``seconds`` is how long the first one, of the prediction, took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, items: Iterable[Any], text: str, total: Optional[int]) -> Iterator[Any]:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Any) -> Text:
                return Text(f'{task.finished_speed or task.speed or 0:.1f} frames/s')

        columns = [TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn()]
        with Progress(*columns) as bar:
            task = bar.add_task(text, total=total)
            for item in items:
                yield item
                bar.advance(task)
            self.seconds = self.seconds or bar.tasks[0].elapsed or 0.0
