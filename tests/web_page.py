"""A page of a tiny model with random weights, for the tests of the web page."""

import os

import pytest
import torch
from mmengine.config import Config
from mmpose.apis import init_model

from clamp_mmpose.apis import TextPoseInferencer
from clamp_mmpose.language.category_texts import CategoryTexts


def missing(what):
    if os.environ.get('CLAMP_MMPOSE_REQUIRE_BROWSER') == '1':
        pytest.fail(what)
    pytest.skip(what)


def category(number, name, names, skeleton=()):
    return CategoryTexts(
        slug=f'{name}_{number}',
        category_id=number,
        name=name,
        supercategory='',
        split=1,
        names=tuple(names),
        descriptions=tuple(names),
        skeleton=tuple(skeleton),
        flip_indices=list(range(len(names))),
    )


TEXTS = {
    7: category(7, 'face', ['chin', 'nose']),
    9: category(9, 'face', ['left eye', 'right eye', 'tip of the nose'], [(0, 1), (1, 2)]),
}


def build(folder, cfg):
    """An inferencer of a model with random weights, and the files it comes from."""
    cfg = Config(cfg)
    torch.manual_seed(0)
    cfg.dump(str(folder / 'config.py'))
    torch.save(dict(state_dict=init_model(cfg, device='cpu').state_dict()), folder / 'model.pth')
    return TextPoseInferencer(str(folder / 'config.py'), str(folder / 'model.pth'), device='cpu')
