from types import SimpleNamespace

import pytest
from mmpose.registry import DATASETS

from clamp_mmpose.engine.hooks import DatasetFitHook


@pytest.mark.parametrize('times', [None, 2])
def test_wrong_number_of_keypoints_is_found_inside_wrappers(toy, times):
    toy.content['annotations'][1]['keypoints'] += [1, 2, 2]
    toy.write()
    config = dict(toy.dataset, pipeline=[])
    dataset = DATASETS.build(config if times is None else dict(type='RepeatDataset', times=times, dataset=config))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    with pytest.raises(ValueError, match=r"annotation 11 has 4 keypoints, the metainfo of 'toy' has 3"):
        DatasetFitHook().before_train(SimpleNamespace(train_loop=loop, val_loop=None))
    empty = SimpleNamespace(dataloader=SimpleNamespace(dataset=[]))
    with pytest.raises(ValueError, match=r'Give val_dataloader\.dataset'):
        DatasetFitHook().before_train(SimpleNamespace(train_loop=empty, val_loop=loop))
    with pytest.raises(ValueError, match=r'Give test_dataloader\.dataset the type or metainfo'):
        DatasetFitHook().before_test(SimpleNamespace(test_loop=loop))
