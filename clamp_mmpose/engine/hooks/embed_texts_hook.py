from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmpose.registry import HOOKS

from clamp_mmpose.datasets.dataset_queries import dataset_queries
from clamp_mmpose.models.text_encoders import TextEmbeddings


@HOOKS.register_module()
class EmbedTextsHook(Hook):
    """Embeds the texts of all data sets before training; a frozen text encoder then never runs in the training loop."""

    def before_train(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        texts = []
        for loop in (runner.train_loop, runner.val_loop):
            if loop is not None:
                texts += [text for queries in dataset_queries(loop.dataloader.dataset) for text in queries.texts]
        texts += getattr(model.head, 'names', [])
        for module in model.modules():
            if isinstance(module, TextEmbeddings) and not module.encoder.tune:
                module.remember(texts)
                runner.logger.info(f'{len(set(texts))} texts embedded before training.')
