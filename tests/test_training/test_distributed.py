"""Two gloo processes give the same result as one with the same global batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import write_config, write_dots

from clamp_mmpose.checkpoints.reader import read_checkpoint

ROOT = Path(__file__).parents[2]
# no augmentation and no dropout, whose random numbers depend on the process; no Adam, which amplifies rounding errors
EXTRA = """
custom_imports['imports'].append('frozen_batch_norm')
custom_hooks.append(dict(type='FrozenBatchNorm'))
model['head']['cross_attention']['dropout'] = 0.
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9))
train_cfg['max_epochs'] = 3
"""


def run(*command, port=0):
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run(
        [*map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=dict(
            os.environ,
            PYTHONPATH=path,
            PORT=str(port),
            OMP_NUM_THREADS='1',
            PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]),
        ),
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.mark.cpu
@pytest.mark.slow
def test_two_processes_equal_one(tmp_path, free_port):
    # some keypoints are not labeled, so the processes have different numbers of labeled ones
    data = write_dots(tmp_path / 'data', num_images=16)
    config = write_config(tmp_path / 'dots.py', data, augment=False, extra=EXTRA)
    one, two = tmp_path / 'one', tmp_path / 'two'
    run(sys.executable, 'tools/train.py', config, '--work-dir', one, '--cfg-options', 'train_dataloader.batch_size=8')
    run(
        'bash',
        'tools/dist_train.sh',
        config,
        2,
        '--work-dir',
        two,
        '--cfg-options',
        'train_dataloader.batch_size=4',
        port=free_port,
    )
    first = read_checkpoint(one / 'epoch_3.pth')['state_dict']
    second = read_checkpoint(two / 'epoch_3.pth')['state_dict']
    start = read_checkpoint(one / 'epoch_2.pth')['state_dict']
    trained = [name for name, value in first.items() if not value.equal(start[name])]
    assert len(trained) > 50
    assert max((first[name] - second[name]).abs().max().item() for name in trained) < 1e-5

    run(sys.executable, 'tools/test.py', config, one / 'epoch_3.pth', '--work-dir', one)
    run('bash', 'tools/dist_test.sh', config, one / 'epoch_3.pth', 2, '--work-dir', two, port=free_port)
    metrics = [json.loads((folder / 'test.json').read_text())['metrics'] for folder in (one, two)]
    assert metrics[0]['PCK'] > 0 and metrics[1] == pytest.approx(metrics[0], abs=1e-9)
