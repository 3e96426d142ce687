"""The predict command on videos."""

from pathlib import Path

import pytest
from square_video import rows, square, write_video

from clamp_mmpose.cli import predict


@pytest.fixture(scope='module')
def short(tmp_path_factory):
    """Videos of 6 frames in folders a and b."""
    folder = tmp_path_factory.mktemp('short')
    paths = []
    for name in 'ab':
        (folder / name).mkdir()
        paths.append(write_video(folder / name / f'{name}.avi', [square(i) for i in range(6)]))
    return paths


@pytest.fixture
def run(trained, tmp_path, capsys):
    """Run the command: exit code, standard output, standard error."""

    def run(*arguments):
        code = predict.main([*trained[:2], *arguments, '--out-dir', str(tmp_path), '--device', 'cpu'])
        return (code, *capsys.readouterr())

    return run


def test_one_video(run, short, tmp_path):
    code, output, errors = run(short[0], '--det-model', 'two_pass', '--every', '2', '--smooth', '1.5')
    assert code == 0, errors
    assert [frame for frame, _ in rows(tmp_path / 'tracks.csv')] == [0, 2, 4]
    assert '3 frames of' in output and '(3 now at' in output and 'a_labeled.mp4' in output
    code, output, errors = run(short[0], '--det-model', 'two_pass', '--every', '2', '--draw', 'nothing')
    assert code == 0 and '(3 by an earlier run)' in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.frames.jsonl', 'a_labeled.mp4', 'tracks.csv']


def test_several_videos_and_a_damaged_one(run, short, tmp_path):
    content = Path(short[1]).read_bytes()
    cut = tmp_path / 'cut.avi'
    cut.write_bytes(content[: content.index(b'idx1') - 12000])
    code, _, errors = run(short[0], str(cut), '--draw', 'nothing', '--max-instances', '1')
    assert code == 1 and 'is truncated or damaged' in errors and errors.count('\n') == 1
    assert len(rows(tmp_path / 'a' / 'tracks.csv')) == 6
    assert 0 < len(rows(tmp_path / 'cut' / 'tracks.csv')) < 6


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['VIDEO', 'IMAGE'], 'give images or videos, not both'),
        (['IMAGE', '--smooth', '2'], '--smooth is for videos'),
        (['IMAGE', '--max-instances', '2'], '--max-instances is for videos'),
        (['VIDEO', '--bboxes', 'boxes.json'], '--bboxes names images: for a video give --bbox'),
        (['VIDEO', '--draw', 'score_maps'], '--draw score_maps is for images'),
        (['VIDEO', '--max-instances', '2'], '--max-instances 2 needs a detector'),
        (['VIDEO', 'VIDEO'], 'two of the videos have the same name'),
    ],
)
def test_wrong_use(run, short, trained, arguments, message):
    places = dict(VIDEO=short[0], IMAGE=trained[2][0])
    code, _, errors = run(*[places.get(argument, argument) for argument in arguments])
    assert code == 1 and message in errors and errors.count('\n') == 1
