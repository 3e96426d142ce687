import logging

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.models.pose_estimators.base import BasePoseEstimator
from mmpose.registry import HOOKS
from torch.nn.parallel import DistributedDataParallel

from clamp_mmpose.engine.conversations import count_conversations


@HOOKS.register_module()
class ConversationLengthHook(Hook):
    """Logs before training how long CapeLLM's conversations are, and what is missing in the data sets.

    That is descriptions, where the instruction gives them, and labels, where a group of keypoints has none.

    Raises:
        ValueError: a conversation is longer than the language model's context, or the instruction of the training
            finds no keypoints that a validation could score.
    """

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if isinstance(runner.model, DistributedDataParallel) else runner.model
        if not isinstance(model, BasePoseEstimator):
            runner.logger.info('The model is sharded, so tokens are not counted: tools/check_dataset.py counts them.')
            return
        instruction = model.head.instruction
        if runner.val_loop is not None and not instruction.answers_with_points:
            raise ValueError(
                f'instruction={instruction.kind!r} finds no keypoints that a validation could score: set val_cfg, '
                "val_dataloader and val_evaluator to None, and the checkpoint hook's save_best."
            )
        for name, loop in (('train', runner.train_loop), ('val', runner.val_loop)):
            if loop is None:
                continue
            counts = count_conversations(model, loop.dataloader.dataset, training=name == 'train')
            if counts.too_long:
                raise ValueError(
                    f'{name}: {len(counts.too_long):,} of {counts.objects:,} objects have conversations that are too '
                    f'long; in the first, {counts.too_long[0]}'
                )
            runner.logger.info(f'{name}: {counts.length}.')
            if counts.undescribed:
                runner.logger.log(logging.WARNING, f'{name}: {counts.descriptions}: only the name is asked for.')
            if counts.unlabeled:
                runner.logger.info(f'{name}: {counts.labels}: others are drawn at random instead.')
