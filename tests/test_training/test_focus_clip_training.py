"""Pretraining with tools/train.py: texts that are too long, a last batch of one image, resuming, two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from tiny import VIT

from clamp_mmpose.checkpoints.reader import read_checkpoint

ROOT = Path(__file__).parents[2]
LONG = 'They stretch out both arms and bend the left knee while the right foot stays on the ground. ' * 3


@pytest.fixture
def folder(tmp_path):
    """Nine images: with batches of four, the last batch has one."""
    rng = np.random.default_rng(0)
    entries = []
    for i in range(9):
        cv2.imwrite(str(tmp_path / f'{i}.jpg'), rng.integers(0, 256, (60, 80, 3)).astype(np.uint8))
        joints = rng.uniform(10, 50, (16, 2)).round(1).tolist()
        entries.append(
            dict(
                image=f'{i}.jpg',
                joints=joints,
                joints_vis=[1] * 16,
                center=[40.0, 30.0],
                scale=0.3,
                description=LONG if i in (2, 5) else f'One person does number {i}.',
            )
        )
    (tmp_path / 'train.json').write_text(json.dumps(entries))
    return tmp_path


def write_config(folder, name='focus.py', truncate=True, sentences=False, epochs=2, **loader):
    config = Config(
        dict(
            default_scope='mmpose',
            custom_imports=dict(imports=['clamp_mmpose'], allow_failed_imports=False),
            model=dict(
                type='FocusCLIP',
                data_preprocessor=dict(type='PoseDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
                backbone=dict(type='CLIPVisionTransformer', arch=VIT, out='embeddings'),
                in_channels=24,
                embed_dims=16,
                freeze_image=False,
                alpha=0.5,
                learn_alpha=True,
                loss_terms=['image-text', 'roi-text', 'roi-image'],
                text_encoder=dict(type='CLIPTextEncoder', arch=VIT, tune=True, truncate=truncate),
            ),
            train_dataloader=dict(
                dict(
                    batch_size=4,
                    num_workers=0,
                    drop_last=False,
                    sampler=dict(type='DefaultSampler', shuffle=True),
                    dataset=dict(
                        type='MPIIDescriptionsDataset',
                        data_root=str(folder),
                        ann_file='train.json',
                        data_prefix=dict(img=''),
                        pipeline=[
                            dict(type='LoadIntactImage'),
                            dict(type='SampleDescription', sentences=sentences),
                            dict(type='ResizeToInput', input_size=(64, 64)),
                            dict(type='GenerateFocusHeatmap'),
                            dict(type='PackFocusInputs'),
                        ],
                    ),
                ),
                **loader,
            ),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9)),
            custom_hooks=[dict(type='EpochSeedHook'), dict(type='TextLengthHook')],
            randomness=dict(seed=0),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=1), logger=dict(type='LoggerHook', interval=1)
            ),
        )
    )
    path = folder / name
    config.dump(str(path))
    return path


def run(*command, expect=0):
    done = subprocess.run(
        [*map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=dict(
            os.environ,
            PORT='29751',
            OMP_NUM_THREADS='1',
            PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]),
        ),
    )
    assert done.returncode == expect, (done.stdout + done.stderr)[-3000:]
    return done.stdout + done.stderr


def train(config, work_dir, *arguments, **kwargs):
    return run(sys.executable, 'tools/train.py', config, '--work-dir', work_dir, *arguments, **kwargs)


@pytest.mark.slow
def test_trained_and_resumed(folder):
    config = write_config(folder)
    log = train(config, folder / 'whole')
    assert '2 of 9 texts are longer than the limit of 24 tokens; they are truncated' in log
    for name in ('loss_image_text', 'loss_roi_text', 'loss_roi_image', 'acc_image_text'):
        assert name in log
    assert 'nan' not in log.lower().replace('nanosecond', '')

    first = write_config(folder, 'first.py', epochs=1)
    train(first, folder / 'halves')
    train(config, folder / 'halves', '--resume')
    whole, halves = (read_checkpoint(folder / name / 'epoch_2.pth')['state_dict'] for name in ('whole', 'halves'))
    start = read_checkpoint(folder / 'whole' / 'epoch_1.pth')['state_dict']
    assert all(value.equal(halves[name]) for name, value in whole.items())
    changed = {name.split('.')[0] for name, value in whole.items() if not value.equal(start[name])}
    assert changed >= {'alpha', 'backbone', 'projection', 'text_encoder', 'text_projection'}


@pytest.mark.slow
def test_long_texts_are_an_error_without_truncation(folder):
    log = train(write_config(folder, truncate=False), folder / 'work', expect=1)
    assert '2 of 9 texts are longer than the limit of 24 tokens' in log and 'SampleDescription(sentences=True)' in log


@pytest.mark.slow
def test_sentences_are_shorter(folder):
    log = train(write_config(folder, truncate=False, sentences=True, epochs=1), folder / 'work')
    assert '0 of 13 texts are longer than the limit of 24 tokens' in log  # 7 texts of one sentence, 2 of three


@pytest.mark.slow
def test_texts_in_a_repeated_data_set_are_counted_once(folder):
    config = Config.fromfile(str(write_config(folder, truncate=False, epochs=1)))
    config.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=config.train_dataloader.dataset)
    config.dump(str(folder / 'repeat.py'))
    assert '2 of 9 texts are longer' in train(folder / 'repeat.py', folder / 'work', expect=1)


@pytest.mark.cpu
@pytest.mark.slow
def test_two_processes_equal_one(folder):
    entries = json.loads((folder / 'train.json').read_text())
    (folder / 'train.json').write_text(json.dumps(entries[:8]))
    run_one = write_config(folder, 'one.py', batch_size=8, sampler=dict(type='DefaultSampler', shuffle=False))
    run_two = write_config(folder, 'two.py', sampler=dict(type='DefaultSampler', shuffle=False))
    train(run_one, folder / 'one')
    run('bash', 'tools/dist_train.sh', run_two, 2, '--work-dir', folder / 'two')
    one, two = (read_checkpoint(folder / name / 'epoch_2.pth')['state_dict'] for name in ('one', 'two'))
    start = read_checkpoint(folder / 'one' / 'epoch_1.pth')['state_dict']
    moved = max((one[name] - start[name]).abs().max().item() for name in one)
    assert moved > 1e-3
    assert max((one[name] - two[name]).abs().max().item() for name in one) < 1e-5
