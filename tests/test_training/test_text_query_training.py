"""A model with text queries, trained and tested by the Runner on a generated data set in MP-100's format."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mp100_files import write_mp100
from tiny import text_query_config

from clamp_mmpose.checkpoints.reader import read_checkpoint
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.evaluation.mp100.predictions import read_predictions

ENCODED = ['left rim', 'right rim', 'bottom', 'tip', 'cap']


class CountTexts(Hook):
    """Records the texts that are encoded, before training and in total."""

    priority = 'VERY_LOW'  # runs after EmbedTextsHook

    def before_run(self, runner):
        self.texts, self.before = [], None
        runner.model.head.text_encoder.encoder.register_forward_pre_hook(lambda _, args: self.texts.extend(args[0]))

    def before_train(self, runner):
        self.before = list(self.texts)


@pytest.fixture()
def config(tmp_path):
    write_mp100(tmp_path)
    cfg = Config(text_query_config())
    crop = [dict(type='LoadIntactImage'), dict(type='GetBBoxCenterScale', padding=1.25)]
    affine = dict(type='TopdownAffine', input_size=(64, 64))
    texts = [dict(type='GetTextQueries'), dict(type='PackTextQueries')]
    dataset = dict(
        type='MP100Dataset',
        ann_file=str(tmp_path / 'ann.json'),
        texts=str(tmp_path / 'texts'),
        data_prefix=dict(img=str(tmp_path / 'images')),
    )
    cfg.train_dataloader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='CategoryBalancedSampler'),
        dataset=dict(
            dataset,
            pipeline=[
                *crop,
                dict(type='RandomBBoxTransform'),
                affine,
                dict(type='GenerateTarget', encoder=dict(type='RegressionLabel', input_size=(64, 64))),
                *texts,
            ],
        ),
    )
    loader = dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(dataset, test_mode=True, pipeline=[*crop, affine, *texts]),
    )
    metric = dict(type='CapePCK', outfile_prefix=str(tmp_path / 'out'))
    cfg.update(
        dict(
            val_dataloader=loader,
            test_dataloader=loader,
            val_evaluator=metric,
            test_evaluator=metric,
            train_cfg=dict(by_epoch=True, max_epochs=2),
            val_cfg=dict(),
            test_cfg=dict(),
            launcher='none',
            optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
            randomness=dict(seed=1),
            custom_hooks=[dict(type='EpochSeedHook'), dict(type='EmbedTextsHook')],
            work_dir=str(tmp_path / 'work'),
            experiment_name=f'text_{tmp_path.name}',
        )
    )
    return cfg


def test_frozen_text_is_only_encoded_before_training(config):
    runner = build_runner(config)
    count = CountTexts()
    runner.register_hook(count)
    frozen = {name: value.clone() for name, value in runner.model.head.text_encoder.state_dict().items()}
    runner.train()
    assert sorted(count.before) == sorted(ENCODED) and count.texts == count.before
    assert all(torch.equal(value, frozen[name]) for name, value in runner.model.head.text_encoder.state_dict().items())


def test_trained_text_is_encoded_in_every_step(config):
    """2 epochs of 3 steps (2 categories x 3 draws in batches of 2), then validation."""
    config.model.head.text_encoder.tune = True
    runner = build_runner(config)
    count = CountTexts()
    runner.register_hook(count)
    runner.train()
    assert count.before == [] and len(count.texts) > 6


def test_checkpoint_and_predictions(config, tmp_path):
    """The checkpoint can be tested, and the metrics are those of the written predictions."""
    build_runner(config).train()
    config.load_from, config.experiment_name = str(tmp_path / 'work/epoch_2.pth'), f'test_{tmp_path.name}'
    runner = build_runner(config)
    metrics = runner.test()
    annotations = runner.test_evaluator.metrics[0]._annotations
    predictions = read_predictions(tmp_path / 'out.predictions.json', annotations).keypoints
    hits = []
    for instance in annotations.instances:
        if instance.visible.any():
            errors = np.linalg.norm(predictions[instance.id] - instance.keypoints, axis=1) / instance.normalizer
            hits.append((errors < 0.2)[instance.visible].mean())
    assert len(hits) == 4 and metrics['query_only/PCK@0.2'] == pytest.approx(np.mean(hits))
    assert set(read_checkpoint(config.load_from)['state_dict']) == set(runner.model.state_dict())
