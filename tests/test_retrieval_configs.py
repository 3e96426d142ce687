"""The retrieval models of ChatPose's benchmarks: their configs build, and a small one learns by tools/train.py."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from safetensors.torch import save_file

from clamp_mmpose.body.rotations import axis_angle_to_matrix
from clamp_mmpose.body.smpl_joints import JOINT_NAMES
from clamp_mmpose.datasets.poses import PoseSample, write_pose_records
from clamp_mmpose.engine.launch import build_runner
from clamp_mmpose.language.words import write_vocabulary

FOLDER = Path(__file__).parents[1] / 'configs/chatpose/retrieval'
ARMS = [JOINT_NAMES.index(f'{side} shoulder') for side in ('left', 'right')]
WORDS = ('high', 'level', 'low')


def write_poses(folder: Path) -> None:
    """Both arms in one of three positions each, with a sentence that says so."""
    generator = np.random.default_rng(0)
    for split, number in (('train', 768), ('val', 9)):
        samples = []
        for i in range(number):
            left, right = (i // 3 % 3, i % 3) if split == 'val' else generator.integers(3, size=2)
            turns = torch.zeros(24, 3)
            turns[ARMS, 2] = torch.tensor([1.0 - left, right - 1.0], dtype=torch.float32)
            text = f'The left arm is {WORDS[left]}. The right arm is {WORDS[right]}.'
            samples.append(
                PoseSample(f'{split}{i}', axis_angle_to_matrix(turns).numpy(), np.ones(24, bool), texts=[text])
            )
        write_pose_records(folder / f'{split}.jsonl', samples)
    write_vocabulary(folder / 'words.json', [sample.texts[0] for sample in samples])


def test_training_finds_every_pose(tmp_path):
    write_poses(tmp_path)
    cfg = Config.fromfile(FOLDER / 'retrieval_words_pose-records.py')
    cfg.work_dir, cfg.launcher = str(tmp_path / 'work'), 'none'
    cfg.model.text_encoder.vocabulary = str(tmp_path / 'words.json')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.reader.data_root = str(tmp_path)
    cfg.val_evaluator = dict(type='PoseRetrieval', ks=(1,), pool=4)
    cfg.param_scheduler = cfg.param_scheduler[1:]
    runner = build_runner(cfg)
    runner.train()
    scores = runner.val_loop.run()
    assert scores['retrieval/pose_to_text/pool'] == scores['retrieval/text_to_pose/pool'] == 9
    assert min(scores[f'retrieval/{name}/R@1'] for name in ('pose_to_text', 'text_to_pose')) == 100
    assert (tmp_path / 'work/epoch_8.pth').is_file()


@pytest.mark.parametrize('name', ['retrieval_distilbert_posescript'])
def test_with_a_model_of_transformers(name, tmp_path):
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'arm']
    (tmp_path / 'vocab.txt').write_text('\n'.join(words))
    BertTokenizerFast(str(tmp_path / 'vocab.txt')).save_pretrained(str(tmp_path))
    sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    config = BertConfig(vocab_size=len(words), **sizes)
    config.save_pretrained(str(tmp_path))
    save_file(
        {key: value.contiguous() for key, value in BertModel(config).state_dict().items()},
        str(tmp_path / 'model.safetensors'),
        dict(format='pt'),
    )
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    cfg.model.text_encoder.update(model=str(tmp_path))
    cfg.model.text_encoder.init_cfg.checkpoint = str(tmp_path)
    model = MODELS.build(cfg.model)
    model.init_weights()
    inputs = dict(poses=torch.eye(3).expand(2, 24, 3, 3))
    losses = model(inputs, dict(text=['the arm', 'arm'], record_id=['a', 'b']), mode='loss')
    losses['loss_contrastive'].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert cfg.train_dataloader.dataset.reader.texts == 'all'
    splits = [getattr(cfg, f'{loader}_dataloader').dataset.reader.split for loader in ('train', 'val', 'test')]
    assert splits == ['train', 'val', 'test']
    epochs, interval = cfg.train_cfg.max_epochs, cfg.default_hooks.checkpoint.interval
    assert epochs % interval == 0 and cfg.param_scheduler[1].end == epochs
