"""The shell scripts pass every argument on correctly; the commands they start are tested elsewhere."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'


def arguments(folder, script, *args, **variables):
    """The words of the command line that ``script`` would run."""
    for name in ('srun', 'print_words'):
        (folder / name).write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
        (folder / name).chmod(0o755)
    environment = dict(os.environ, PATH=f'{folder}{os.pathsep}{os.environ["PATH"]}', PYTHON='print_words', **variables)
    done = subprocess.run(['bash', str(TOOLS / script), *args], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_slurm(tmp_path):
    words = arguments(
        tmp_path,
        'slurm_train.sh',
        'gpu',
        'my job',
        'config.py',
        'work dir',
        '--amp',
        GPUS='16',
        GPUS_PER_NODE='4',
        SRUN_ARGS='--exclusive --time=1:00',
    )
    assert words[:3] == ['-p', 'gpu', '--job-name=my job']
    assert {'--gres=gpu:4', '--ntasks=16', '--ntasks-per-node=4', '--exclusive', '--time=1:00'} <= set(words)
    start = words.index('print_words')
    assert words[start + 1] == '-u' and Path(words[start + 2]).samefile(TOOLS / 'train.py')
    assert words[start + 3 :] == ['config.py', '--work-dir', 'work dir', '--launcher', 'slurm', '--amp']


@pytest.mark.parametrize(
    'script, args, expected',
    [
        ('dist_train.sh', ['config.py', '2', '--resume'], ['config.py', '--launcher', 'pytorch', '--resume']),
        (
            'dist_test.sh',
            ['config.py', 'a b.pth', '2', '--out', 'x'],
            ['config.py', 'a b.pth', '--launcher', 'pytorch', '--out', 'x'],
        ),
    ],
)
def test_distributed(tmp_path, script, args, expected):
    words = arguments(tmp_path, script, *args, PORT='29511')
    assert words[:2] == ['-m', 'torch.distributed.run'] and '--nproc_per_node=2' in words
    assert '--master_port=29511' in words and words[-len(expected) :] == expected
