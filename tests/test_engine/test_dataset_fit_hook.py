from types import SimpleNamespace

import pytest
from mmpose.registry import DATASETS
from torch.utils.data import DataLoader

from clamp_mmpose.engine.hooks import DatasetFitHook


@pytest.mark.parametrize('times', [None, 2])
def test_wrong_number_of_keypoints_is_found_inside_wrappers(toy, times):
    toy.content['annotations'][1]['keypoints'] += [1, 2, 2]
    toy.write()
    config = dict(toy.dataset, pipeline=[])
    dataset = DATASETS.build(config if times is None else dict(type='RepeatDataset', times=times, dataset=config))
    loop = SimpleNamespace(dataloader=DataLoader(dataset))
    with pytest.raises(ValueError, match=r"annotation 11 has 4 keypoints, the metainfo of 'toy' has 3"):
        DatasetFitHook().before_train(SimpleNamespace(train_loop=loop, val_loop=None))
    other = SimpleNamespace(dataloader=DataLoader([0]))
    with pytest.raises(ValueError, match=r'Give val_dataloader\.dataset'):
        DatasetFitHook().before_train(SimpleNamespace(train_loop=other, val_loop=loop))
    with pytest.raises(ValueError, match=r'Give test_dataloader\.dataset the type or metainfo'):
        DatasetFitHook().before_test(SimpleNamespace(test_loop=loop))


def test_no_batches():
    loop = SimpleNamespace(dataloader=DataLoader([0, 1, 2], batch_size=4, drop_last=True))
    with pytest.raises(ValueError, match='train_dataloader has no batch: 3 samples, batch_size 4, drop_last=True'):
        DatasetFitHook().before_train(SimpleNamespace(train_loop=loop, val_loop=None))
