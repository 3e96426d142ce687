import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmpose.registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Draws the random numbers of every epoch from (seed, epoch, process).

    A resumed run so repeats an undisturbed one, and no two epochs draw the same augmentations. MMEngine restores no
    random state, and gives its loader workers the same seeds whenever they start anew.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        loader = runner.train_loop.dataloader
        if loader.num_workers and loader.persistent_workers:
            raise ValueError(
                'EpochSeedHook reseeds the loader workers when they start, each epoch: set '
                'train_dataloader.persistent_workers=False.'
            )
        # without MMEngine's constant seeds, PyTorch seeds workers from the random state of this process
        loader.worker_init_fn = None

    def before_train_epoch(self, runner) -> None:
        seed = int(np.random.SeedSequence([runner.seed, runner.epoch, get_rank()]).generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
