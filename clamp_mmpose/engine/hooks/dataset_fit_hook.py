from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.registry import HOOKS

from clamp_mmpose.datasets.nested import nested_datasets


@HOOKS.register_module()
class DatasetFitHook(Hook):
    """Checks before the first step that every annotation has as many keypoints as the metainfo, and that there are
    batches: MMEngine ends a training without any as if it had succeeded.
    """

    def before_train(self, runner) -> None:
        self._check_all(runner.train_loop, 'train_dataloader')
        if runner.val_loop is not None:
            self._check_all(runner.val_loop, 'val_dataloader')

    def before_test(self, runner) -> None:
        self._check_all(runner.test_loop, 'test_dataloader')

    def _check_all(self, loop, loader: str) -> None:
        if not len(loop.dataloader):
            raise ValueError(
                f'{loader} has no batch: {len(loop.dataloader.dataset)} samples, batch_size '
                f'{loop.dataloader.batch_size}, drop_last={loop.dataloader.drop_last}.'
            )
        for dataset in nested_datasets(loop.dataloader.dataset):
            if isinstance(dataset, BaseCocoStyleDataset):
                self._check(dataset, loader)

    @staticmethod
    def _check(dataset: BaseCocoStyleDataset, loader: str) -> None:
        metainfo = dataset.metainfo
        if 'keypoint_id2name' not in metainfo:  # MP100Dataset, which checks the keypoints of its categories itself
            return
        names = metainfo['keypoint_id2name']
        expected = metainfo['num_keypoints']
        for i in range(len(dataset)):
            info = BaseDataset.get_data_info(dataset, i)  # faster: MMPose's version copies the metainfo each time
            found = info['keypoints'].shape[1]
            if found != expected:
                raise ValueError(
                    f'{dataset.ann_file}: annotation {info["id"]} has {found} keypoints, the metainfo of '
                    f'{metainfo["dataset_name"]!r} has {expected} ({names[0]!r} ... {names[expected - 1]!r}). Give '
                    f'{loader}.dataset the type or metainfo of these annotations, or other annotations; '
                    'tools/check_dataset.py lists every case.'
                )
