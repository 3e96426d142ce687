"""The configs of real_small take the keypoints of whatever categories are in the folder."""

import math
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS, TRANSFORMS
from photo_files import BEE, CUP, needs_weights, write_photos

from clamp_mmpose.language.category_texts import load_texts, names_of_category

CONFIGS = Path(__file__).parents[1] / 'configs'
PLAIN = CONFIGS / 'simple_baseline/real_small/sb_efficientnet-lite0_real-small.py'
CLAMP = CONFIGS / 'clamp/real_small/clamp_efficientnet-lite0_real-small-20shot.py'
LEFT_OUT = CONFIGS / 'text_query/real_small/tq_efficientnet-lite0_real-small_left-out.py'
CAPE = CONFIGS / 'cape_llm/real_small/cape_llama-tiny_efficientnet-lite0_real-small_pointer.py'


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    """The folder of two drawn categories, of which the configs of one category use the bee."""
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(tmp_path))
    monkeypatch.setenv('CLAMP_MMPOSE_CATEGORY', 'bee')
    return write_photos(tmp_path)


def test_texts_of_a_list_of_categories(photos):
    bee, cup = load_texts(photos / 'categories.json').values()
    assert (bee.category_id, bee.slug, bee.name, bee.supercategory) == (3, 'bee', 'bee', 'insect')
    assert bee.names == tuple(BEE['keypoints']) and bee.descriptions == tuple(BEE['descriptions'])
    assert bee.flip_indices == [0, 2, 1] and bee.skeleton == ((0, 1), (0, 2))
    assert (cup.slug, cup.name, cup.flip_indices) == ('tea_cup', 'tea cup', [0, 1])
    with pytest.raises(ValueError, match=r"has no category 'fly'; it has bee, tea_cup"):
        names_of_category(photos / 'categories.json', 'fly')


def test_default_category(photos, monkeypatch):
    """Fly, or the first category of a folder without flies."""
    monkeypatch.delenv('CLAMP_MMPOSE_CATEGORY')
    assert Config.fromfile(str(PLAIN)).names == BEE['keypoints']
    assert Config.fromfile(str(LEFT_OUT)).val_dataloader.dataset.categories == ['bee']
    others = photos / 'others' / 'real_small'
    others.mkdir(parents=True)
    text = (photos / 'categories.json').read_text()
    (others / 'categories.json').write_text(text.replace('"tea_cup"', '"fly"'))
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(others.parent))
    assert Config.fromfile(str(PLAIN)).names == CUP['keypoints']
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(photos / 'nowhere'))
    assert Config.fromfile(str(PLAIN)).category == 'fly'


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('"left wing tip"', '"head"', 'keypoint names must differ'),
        ('"The front of the head.", ', '', 'one description for each keypoint, got 2 for 3'),
        ('[[1, 2]]', '[[1, 3]]', 'swap must be pairs of indices from 0 to 2'),
        ('"id": 7', '"id": 3', 'ids and names must differ'),
        ('"flip_pairs": [], ', '', 'flip_pairs'),
        ('"tea_cup"', '7', 'name must be of type str'),
    ],
)
def test_a_wrong_list_of_categories(photos, old, new, message):
    path = photos / 'categories.json'
    text = path.read_text().replace('"flip_pairs": []', '"flip_pairs": [], "more": 1')
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        load_texts(path)


def test_names_run_no_code(photos):
    path = photos / 'categories.json'
    path.write_text(path.read_text().replace('"left wing tip"', '"left {{$HOME:x}}"'))
    assert load_texts(path)
    with pytest.raises(ValueError, match=r'no keypoint of bee may have it'):
        names_of_category(path, 'bee')


def test_heads_of_one_category(photos):
    plain, clamp = Config.fromfile(PLAIN), Config.fromfile(CLAMP)
    assert plain.model.head.out_channels == 3 and clamp.model.head.names == BEE['keypoints']
    for cfg in (plain, clamp):
        assert [loader.dataset.categories for loader in (cfg.train_dataloader, cfg.val_dataloader)] == [['bee']] * 2
        codec = cfg.model.head.decoder
        assert cfg.train_dataloader.dataset.pipeline[5].encoder == codec
        assert (codec.type, codec.input_size, codec.heatmap_size) == ('KeypointHeatmap', (160, 160), (40, 40))
    assert clamp.train_dataloader.dataset.num_images == 20 and 'num_images' not in clamp.val_dataloader.dataset
    assert 'num_images' not in plain.train_dataloader.dataset


def test_all_methods_see_the_same_images():
    """Tower, input, augmentations and schedule are the same, so that results can be compared."""
    cfgs = [Config.fromfile(path) for path in (PLAIN, CLAMP, LEFT_OUT, CAPE)]
    for name in ('backbone', 'data_preprocessor'):
        assert all(cfg.model[name] == cfgs[0].model[name] for cfg in cfgs)
    # a language model from random weights takes a higher rate
    assert [cfg.optim_wrapper.optimizer.pop('lr') for cfg in cfgs] == [8e-4, 8e-4, 8e-4, 1.6e-3]
    for cfg in cfgs:
        assert (cfg.load, cfg.augment, cfg.crop) == (cfgs[0].load, cfgs[0].augment, cfgs[0].crop)
        assert cfg.optim_wrapper == cfgs[0].optim_wrapper and cfg.train_cfg == cfgs[0].train_cfg
        assert cfg.train_dataloader.batch_size == 32 and cfg.model.test_cfg.flip_test
        assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_iters == 280
    steps = cfgs[3].train_dataloader.dataset.dataset.pipeline
    assert [step.type for step in steps] == [step.type for step in cfgs[2].train_dataloader.dataset.pipeline]
    assert steps[5].encoder.type == 'CoordinateAnswer'


def test_category_left_out(photos):
    cfg = Config.fromfile(LEFT_OUT)
    assert cfg.train_dataloader.dataset.without == ['bee'] and cfg.test_dataloader.dataset.categories == ['bee']


def test_configs_can_be_read_without_the_data(tmp_path, monkeypatch):
    """Training then says which annotations are missing."""
    monkeypatch.setenv('CLAMP_MMPOSE_DATA', str(tmp_path))
    assert Config.fromfile(PLAIN).model.head.out_channels == 1
    assert CUP['name'] not in Config.fromfile(CLAMP).model.head.names


@needs_weights
def test_a_language_model_with_a_tokenizer_that_has_no_end(photos):
    """BERT's ends a text with its separator, token 102; the answers of CapeLLM's small LLaMA then train."""
    cfg = Config.fromfile(CAPE)
    cfg.model.backbone.init_cfg = None
    cfg.model.head.language_model.config.update(hidden_size=32, intermediate_size=32, num_hidden_layers=1)
    model = MODELS.build(cfg.model).train()
    tokens = model.head.language_model.tokens
    assert (tokens.end, tokens.start) == (102, [101]) and tokens.tokenizer.pad_token_id == 0
    assert tokens.encode('the left wing') == (1996, 2187, 3358)
    batch = pseudo_collate([DATASETS.build(cfg.train_dataloader.dataset)[i] for i in (0, 7)])
    batch = model.data_preprocessor(batch, training=True)
    losses = model.loss(batch['inputs'], batch['data_samples'])
    # before training, an answer points anywhere among the 100 image tokens
    assert losses['loss_pointer'].item() == pytest.approx(math.log(100), abs=1)


def test_images_are_kept_in_memory(photos):
    steps = Config.fromfile(LEFT_OUT).train_dataloader.dataset.pipeline
    load = TRANSFORMS.build(steps[0])
    path = str(photos / 'images/bee/train_1.jpg')
    first = load(dict(img_path=path))['img']
    expected = first.copy()
    first[:] = 0  # a transform may change its own copy
    Path(path).unlink()
    np.testing.assert_array_equal(load(dict(img_path=path))['img'], expected)
    with pytest.raises(FileNotFoundError):
        TRANSFORMS.build(dict(type='LoadIntactImage'))(dict(img_path=path))
