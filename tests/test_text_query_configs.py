"""Every text-query config builds, and runs its pipelines, forward, loss and decoding on an image."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS
from mp100_files import write_blank_mp100
from transformers import BertConfig, BertTokenizerFast

pytestmark = pytest.mark.slow  # together more than a minute

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path.relative_to(ROOT / 'configs') for path in (ROOT / 'configs/text_query').glob('[!rt]*/*.py'))


@pytest.fixture(scope='module')
def bert(tmp_path_factory):
    """Architecture and tokenizer of a tiny BERT, to test without downloading GTE-base."""
    path = tmp_path_factory.mktemp('bert')
    (path / 'vocab.txt').write_text('\n'.join(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'left', 'right']))
    BertConfig(
        vocab_size=7, hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    ).save_pretrained(path)
    BertTokenizerFast(vocab=str(path / 'vocab.txt'), vocab_file=str(path / 'vocab.txt')).save_pretrained(path)
    return str(path)


@pytest.fixture(scope='module')
def mp100(tmp_path_factory):
    """One blank image of each of two real categories of MP-100, with random keypoints."""
    return write_blank_mp100(tmp_path_factory.mktemp('mp100'), ('bed', 'horse_body'))


def real_data(dataset, mp100, pose_data):
    for inner in dataset.get('datasets', [dataset]):
        inner.update(
            dict(
                MP100Dataset=mp100,
                AP10KDataset=dict(
                    data_root=str(pose_data / 'mmpose_ap10k'), ann_file='test_ap10k.json', data_prefix=dict(img='')
                ),
                CocoDataset=dict(
                    data_root=str(pose_data / 'mmpose_coco'), ann_file='test_coco.json', data_prefix=dict(img='')
                ),
            )[inner.type]
        )


def read(path, bert):
    cfg = Config.fromfile(ROOT / 'configs' / path)
    cfg.model.backbone.init_cfg = None
    cfg.model.head.text_encoder.init_cfg = None
    if cfg.model.head.text_encoder.type == 'HFTextEncoder':
        cfg.model.head.text_encoder.model = bert
    return cfg


@pytest.fixture(scope='module')
def run_once(bert, mp100, pose_data):
    """Run a config; configs that differ only in annotation files compute the same and run once."""
    done = {}

    def run(path):
        cfg = read(path, bert)
        loaders = (cfg.train_dataloader, cfg.val_dataloader)
        for loader in loaders:
            real_data(loader.dataset, mp100, pose_data)
        key = json.dumps([cfg.model.to_dict(), *(loader.dataset.to_dict() for loader in loaders)], default=str)
        if key not in done:
            done[key] = forward_loss_and_decoding(cfg)
        return done[key]

    return run


def forward_loss_and_decoding(cfg):
    train, val = (DATASETS.build(loader.dataset) for loader in (cfg.train_dataloader, cfg.val_dataloader))
    model = MODELS.build(cfg.model).train()
    batch = [train[0], train[len(train) - 1]]
    texts = [sample['data_samples'].keypoint_names for sample in batch]
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    losses = {name: value.item() for name, value in model.loss(data['inputs'], data['data_samples']).items()}
    with torch.no_grad():
        found = model.eval().test_step(pseudo_collate([val[0]]))[0]
    return dict(
        losses=losses,
        texts=texts,
        number=found.pred_instances.keypoints.shape[1],
        asked=len(found.keypoint_names),
        finite=bool(np.isfinite(found.pred_instances.keypoints).all()),
    )


@pytest.mark.parametrize('path', CONFIGS, ids=str)
@pytest.mark.slow
def test_config(path, run_once):
    result = run_once(path)
    assert set(result['losses']) == {
        'loss_heatmap',
        'loss_proposal',
        'loss_layer0',
        'loss_layer1',
        'loss_layer2',
        'acc_pose',
    }
    assert all(np.isfinite(value) for value in result['losses'].values()) and result['losses']['loss_layer2'] > 0
    first, last = dict(mp100=(10, 17), ap10k=(17, 17), coco=(17, 17))[path.parent.name]
    assert [len(texts) for texts in result['texts']] == [first, last]
    assert result['number'] == result['asked'] and result['finite']


@pytest.mark.parametrize('split', range(1, 6))
@pytest.mark.parametrize('kind', ['swinv2-t', 'vit-b-clip', 'dinov2-s'])
def test_splits(kind, split):
    cfg = Config.fromfile(ROOT / f'configs/text_query/mp100/tq_{kind}_mp100-split{split}.py')
    files = [cfg[f'{part}_dataloader'].dataset.ann_file for part in ('train', 'val', 'test')]
    assert files == [f'annotations/mp100_split{split}_{part}.json' for part in ('train', 'val', 'test')]
    assert cfg.test_evaluator.protocols == ['pairs', 'query_only']


def test_sizes_and_schedule_as_published():
    cfg = Config.fromfile(ROOT / 'configs/text_query/mp100/tq_swinv2-t_mp100-split1.py')
    head = cfg.model.head
    assert (head.width, head.encoder_layers, head.decoder_layers) == (256, 3, 3)
    assert (head.num_heads, head.feedforward) == (8, 768)
    assert cfg.optim_wrapper.optimizer.to_dict() == dict(type='Adam', lr=1e-5)
    assert 'paramwise_cfg' not in cfg.optim_wrapper
    assert cfg.param_scheduler[0].end == 1000 and cfg.param_scheduler[1].milestones == [160, 180]
    assert cfg.train_cfg.max_epochs == 200 and cfg.train_dataloader.batch_size == 16
    assert cfg.model.backbone.model_name == 'swinv2_tiny_window16_256' and head.decoder.input_size == (256, 256)


def test_frozen_text_is_not_in_the_optimizer(bert):
    cfg = read('text_query/mp100/tq_swinv2-t_mp100-split1.py', bert)
    model = MODELS.build(cfg.model)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    trained = {id(parameter) for group in optimizer.param_groups for parameter in group['params']}
    text = {id(value) for value in model.head.text_encoder.state_dict(keep_vars=True).values()}
    assert (
        text and not trained & text and len(trained) == sum(parameter.requires_grad for parameter in model.parameters())
    )


def test_published_figures():
    """Mean PCK@0.2 over the five splits, as in the CapeLLM paper and CapeX's release."""
    (collection,) = yaml.safe_load((ROOT / 'configs/text_query/mp100/metafile.yml').read_text())['Collections']
    assert [(row['pairs'], row.get('query_only')) for row in collection['Published']] == [
        (91.62, 91.59),
        (92.60, 92.60),
        (90.52, None),
        (92.04, None),
        (88.81, None),
        (91.50, None),
    ]


def test_children_are_short():
    for path in CONFIGS:
        assert len((ROOT / 'configs' / path).read_text().splitlines()) < 40, path
